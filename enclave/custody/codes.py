"""What people read when custody says no."""

from enclave.core.refusal import Wording

_NOTHING_BUILT_JA = "抽出データは作成されていません。"
_NOTHING_BUILT_EN = "No extract was built."

CODES: dict[str, Wording] = {
    "custody.table_unknown": Wording(
        "データベース {database} に表 {table} はありません。",
        "The database {database} has no table {table}.",
        f"承諾の内容をカタログと照らし合わせてください。{_NOTHING_BUILT_JA}",
        f"Hold the permit against the catalogue. {_NOTHING_BUILT_EN}",
        400,
    ),
    "custody.column_unknown": Wording(
        "表 {database}.{table} に列 {column} はありません。",
        "The table {database}.{table} has no column {column}.",
        f"承諾の内容をカタログと照らし合わせてください。{_NOTHING_BUILT_JA}",
        f"Hold the permit against the catalogue. {_NOTHING_BUILT_EN}",
        400,
    ),
    "custody.period_column": Wording(
        "表 {database}.{table} の列 {column} には期間を指定できません。",
        "A period cannot be set on column {column} of {database}.{table}.",
        "型が date、month、int の列を指定してください。",
        "It needs a column of type date, month or int.",
        400,
    ),
    "custody.period_value": Wording(
        "表 {database}.{table} の列 {column} の期間を読み取れません。",
        "The period on column {column} of {database}.{table} cannot be read.",
        "開始は終了より前で、列の型に合う必要があります（終了日は含みません）。",
        "The start lies before the end, both in the column's type; the end is not included.",
        400,
    ),
    "custody.rows_column": Wording(
        "行の条件に使えない列 {column} があります（表 {database}.{table}）。",
        "The condition on rows of {database}.{table} names a column that cannot be used: {column}.",
        "識別子は条件に使えません。",
        "Identifiers cannot be used in a condition.",
        400,
    ),
    "custody.rows_unreadable": Wording(
        "行の条件を実行できません（表 {database}.{table}）。",
        "The condition on rows of {database}.{table} cannot be evaluated.",
        _NOTHING_BUILT_JA,
        _NOTHING_BUILT_EN,
        400,
    ),
    "custody.coarsen_column": Wording(
        "表 {database}.{table} の列 {column} は丸められません。",
        "Column {column} of {database}.{table} cannot be coarsened.",
        "承諾で見せる数値の列（int、float）だけを、1以上の幅で丸められます。",
        "Only shown columns of type int or float can be, with a width of 1 or more.",
        400,
    ),
    "custody.linkage_group": Wording(
        "承諾の連結の指定に矛盾があります。",
        "The permit's linkage groups contradict each other.",
        "一つのデータベースは一つの組にだけ、承諾の範囲内で入れてください。",
        "A database belongs to one group, and only databases of the permit can be named.",
        400,
    ),
    "custody.linkage_population": Wording(
        "これらのデータベースは個人の登録簿が異なるため連結できません。",
        "These databases do not share a register of persons and cannot be linked.",
        "連結には共通の登録簿（population）が必要です。",
        "Linkage needs one population.",
        400,
    ),
    "custody.rule_set_unknown": Wording(
        "規則集 {rule_set} が見つかりません。",
        "The rule set {rule_set} is not there.",
        f"承諾が挙げる規則集を確かめてください。{_NOTHING_BUILT_JA}",
        f"Check the rule sets that the permit names. {_NOTHING_BUILT_EN}",
        400,
    ),
    "custody.provision_malformed": Wording(
        "提供番号の形式が正しくありません。",
        "The provision's id is not well formed.",
        "英小文字・数字・ハイフンのみ、40文字以内です。",
        "Lower-case letters, digits and hyphens, at most 40.",
        400,
    ),
    "custody.provision_taken": Wording(
        "提供番号 {provision} は別の承諾のものです。",
        "The provision {provision} belongs to another permit.",
        "提供ごとに仮名の鍵は別です。新しい提供番号を使ってください。",
        "Each provision has pseudonyms of its own; use a new id.",
    ),
    "custody.provision_erased": Wording(
        "提供 {provision} は消去済みです。",
        "The provision {provision} was erased.",
        "鍵は破棄されており、復元できません。新しい承諾が必要です。",
        "Its key is destroyed and cannot be restored. A new permit is needed.",
        410,
    ),
    "custody.extract_unknown": Wording(
        "この抽出データはありません。",
        "There is no such extract.",
        "データ管理者が作成するまでお待ちください。",
        "Wait until the custodian has built it.",
        404,
    ),
    "custody.extract_stale": Wording(
        "抽出データ {extract} は承諾 {permit} の内容と一致しません。",
        "The extract {extract} is not what the permit {permit} grants.",
        "承諾が変更されました。データ管理者による再作成が必要です。",
        "The permit was amended. The custodian has to build it again.",
    ),
    "custody.extract_altered": Wording(
        "抽出データ {extract} のファイルが、作成時の記録と一致しません。",
        "The file of extract {extract} is not what its manifest says.",
        "何も読み出していません。データ管理者に連絡してください（作り直しが必要です）。",
        "Nothing was read from it. Tell the custodian: it has to be built again.",
        503,
    ),
    "custody.caller_unknown": Wording(
        "呼び出し元を確認できません。",
        "The caller is not known.",
        "サービスの認証情報を確かめてください。",
        "Check the service's credentials.",
        401,
    ),
    "custody.caller_not_allowed": Wording(
        "この呼び出し元には許されていない操作です。",
        "This caller may not do that.",
        "どのサービスが何を求められるかは固定されています。",
        "Which service may ask for what is fixed.",
    ),
    "custody.request_malformed": Wording(
        "要求を読み取れません（{place}）。",
        "The request cannot be read (at {place}).",
        "何も行われていません。要求の形式を確かめてください。",
        "Nothing was done. Check the form of the request.",
        400,
    ),
    "custody.not_allowed": Wording(
        "方針により許可されませんでした。",
        "The policy does not allow it.",
        "何も行われていません。データ管理者に相談してください。",
        "Nothing was done. Ask the data custodian.",
    ),
    "custody.vault_sealed": Wording(
        "鍵庫を開けません。",
        "The vault cannot be opened.",
        "主鍵が失われたか、別のものです。バックアップから戻してください。",
        "Its master key is missing or another one. Restore it from the backup.",
        503,
    ),
    "custody.engine": Wording(
        "データを処理できませんでした。",
        "The data could not be processed.",
        f"{_NOTHING_BUILT_JA}運用担当者に連絡してください。",
        f"{_NOTHING_BUILT_EN} Tell the operator.",
        500,
    ),
}
