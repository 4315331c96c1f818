"""Sentences for every no of this story."""

from enclave.core.refusal import Wording

CODES: dict[str, Wording] = {
    "application.incomplete": Wording(
        "申出に未記入または誤りのある欄があります。",
        "Some fields of the application are missing or wrong.",
        "下書きは保存しました。各欄の説明に従って直し、もう一度提出してください。",
        "The draft is saved. Put the marked fields right and submit again.",
        422,
    ),
    "application.field_missing": Wording(
        "この欄は必ず記入してください。", "This field is needed.", status=422
    ),
    "application.text_too_long": Wording(
        "長すぎます。{limit} 文字以内で記入してください。",
        "Too long: at most {limit} characters.",
        status=422,
    ),
    "application.project_name": Wording(
        "研究の識別名は、小文字の英数字とハイフン（30文字以内）です。",
        "A project's short name is lower-case letters, digits and hyphens, 30 at most.",
        status=422,
    ),
    "application.project_taken": Wording(
        "識別名「{project}」は既に使われています。", "The short name “{project}” is taken.", status=422
    ),
    "application.unknown_table": Wording(
        "表「{table}」はカタログにありません。", "There is no table “{table}” in the catalogue.", status=422
    ),
    "application.unknown_column": Wording(
        "項目「{column}」はカタログにありません。",
        "There is no column “{column}” in the catalogue.",
        status=422,
    ),
    "application.unknown_person": Wording(
        "「{person}」という利用者は登録されていません。", "Nobody is registered as “{person}”.", status=422
    ),
    "application.unknown_choice": Wording(
        "選択肢にない値です。", "This is not one of the choices.", status=422
    ),
    "application.limit_without_columns": Wording(
        "表「{table}」の項目を選んでから条件を付けてください。",
        "Choose columns of “{table}” before limiting its rows.",
        status=422,
    ),
    "application.linkage_not_permitted": Wording(
        "{pair_ja} は連結できません：{ground_ja}。",
        "{pair_en} cannot be linked: {ground_en}.",
        "連結する組合せから外してください。連結できる組合せは「連結できる組合せ」の表にあります。",
        "Leave it out of the databases to be linked. The linkage matrix shows what can be linked, and since when.",
        422,
    ),
    "application.linkage_without_columns": Wording(
        "連結する「{database}」から、項目を一つも選んでいません。",
        "“{database}” is to be linked, but none of its columns is chosen.",
        status=422,
    ),
    "application.linkage_of_one": Wording(
        "連結するには、二つ以上のデータベースを選んでください。",
        "Choose at least two databases to link.",
        status=422,
    ),
    "application.dataset_unknown": Wording(
        "データベース「{database}」に「{set}」というデータセットはありません。",
        "The database “{database}” has no data set “{set}”.",
        "選択肢から一つ選んでください。",
        "Choose one of those shown.",
        422,
    ),
    "application.dataset_not_open": Wording(
        "「{set_ja}」は {day} には提供されていません（提供される期間：{span}）。",
        "The {set_en} is not given on {day} (given: {span}).",
        "別のデータセットを選んでください。",
        "Choose another data set.",
        422,
    ),
    "application.dataset_not_here": Wording(
        "「{set_ja}」はこの環境では選べません：{ground_ja}。",
        "The {set_en} cannot be chosen here: {ground_en}.",
        "別のデータセットを選んでください。",
        "Choose another data set.",
        422,
    ),
    "application.dataset_columns": Wording(
        "「{set_ja}」には{what_ja}が含まれません：{columns}。",
        "The {set_en} does not hold {what_en}: {columns}.",
        "これらを項目・期間・条件から外すか、特別抽出など、含むデータセットを選んでください。",
        "Take them out of columns, periods and conditions, or choose a set that holds them, such as a special extraction.",
        422,
    ),
    "application.dataset_tier": Wording(
        "「{set_ja}」は「集計のみ」の段階でしか利用できません。",
        "The {set_en} can be used in the aggregate tier only.",
        "利用の段階を「集計のみ」にするか、別のデータセットを選んでください。",
        "Choose “Aggregates only”, or another data set.",
        422,
    ),
    "application.dataset_axes": Wording(
        "「{set_ja}」の表は {axes} 軸までです。",
        "Tables of the {set_en} have at most {axes} axes.",
        "公表を予定するものの分類項目を減らしてください。",
        "Give the planned outputs fewer dimensions.",
        422,
    ),
    "application.dataset_outputs": Wording(
        "「{set_ja}」の表は {outputs} 表までです。",
        "The {set_en} is at most {outputs} tables.",
        "公表を予定するものを減らしてください。",
        "Plan fewer outputs.",
        422,
    ),
    "application.columns_apart": Wording(
        "「{when}」を求めるときは「{hide}」を求められません。",
        "Whoever asks for “{when}” cannot ask for “{hide}”.",
        "どちらか一方だけを選んでください。",
        "Choose one of the two.",
        422,
    ),
    "application.row_condition": Wording(
        "条件を読み取れません。「age >= 18」のように、一つの条件式を書いてください。",
        "The condition cannot be read. Write one predicate, such as “age >= 18”.",
        status=422,
    ),
    "application.date": Wording(
        "日付は 2026-11-01 の形で記入してください。", "Write a date as 2026-11-01.", status=422
    ),
    "application.period_value": Wording(
        "日付（2026-11-01）または整数で、両方を同じ形で記入してください。",
        "Write dates (2026-11-01) or whole numbers, both of one kind.",
        status=422,
    ),
    "application.period_order": Wording(
        "終わりが始まりより前です。", "It ends before it begins.", status=422
    ),
    "application.period_over": Wording(
        "利用期間が既に終わっています。", "The use period is over already.", status=422
    ),
    "application.too_long_period": Wording(
        "利用期間は {years} 年以内です。延長は変更申出で行います。",
        "At most {years} years; more is an extension.",
        status=422,
    ),
    "application.output_id": Wording(
        "公表物の番号は、小文字の英字で始まる英数字です（例: t1）。",
        "An output's id is lower-case letters and digits, beginning with a letter, such as t1.",
        status=422,
    ),
    "application.output_twice": Wording(
        "公表物の番号「{output}」が二度使われています。",
        "The output id “{output}” is used twice.",
        status=422,
    ),
    "application.no_rule_set": Wording(
        "データベース「{database}」に適用される公表基準がありません。",
        "No rule set covers the database “{database}”.",
        "公表基準が定められるまで承諾できません。",
        "Nothing can be granted before one is in force.",
        409,
    ),
    "application.unknown": Wording(
        "この申出は存在しません。",
        "There is no such application.",
        "番号を確かめてください。",
        "Check its address.",
        404,
    ),
    "application.not_yours": Wording(
        "この申出を扱えるのは申出者だけです。",
        "Only the applicant can do this.",
        "申出者としてログインしてください。",
        "Log in as the applicant.",
    ),
    "application.own": Wording(
        "自分が関わる申出は審査できません。",
        "You cannot review an application that you are party to.",
        "他の委員が審査します。",
        "Other members of the committee will review it.",
    ),
    "application.state": Wording(
        "申出の現在の状態では、この操作はできません。",
        "This is not possible in the application's present state.",
        "ページを開き直して、現在の状態を確かめてください。",
        "Open the page again to see where it stands.",
        409,
    ),
    "application.changed": Wording(
        "別の画面で申出が変更されました。",
        "The application was changed elsewhere in the meantime.",
        "いま入力した内容は保存されていません。ページを開き直してください。",
        "What you just entered was not saved. Open the page again and repeat it.",
        409,
    ),
    "application.opinion_given": Wording(
        "このデータベースについての意見は既に提出済みです。",
        "You have already given your opinion on this database.",
        "一度提出した意見は変更できません。",
        "An opinion that was given stays as it is.",
        409,
    ),
    "application.unknown_database": Wording(
        "この申出はそのデータベースを求めていません。",
        "The application does not ask for this database.",
        "審査票のページを開き直してください。",
        "Open the review page again.",
        404,
    ),
    "application.opinion_missing": Wording(
        "「承諾してよい」か「承諾すべきでない」かを選んでください。",
        "Choose whether it may be granted or not.",
        status=422,
    ),
    # -- amendments -----------------------------------------------------------------------------
    "amendment.number": Wording(
        "0 以上の数を記入してください（例: 4,000）。データ量は GB 単位で、小数も使えます。",
        "Write a number, such as 4,000. Data are in GB, and may have decimals.",
        status=422,
    ),
    "amendment.smaller": Wording(
        "いまの上限（{present}）より小さくはできません。",
        "It cannot be less than the present limit ({present}).",
        status=422,
    ),
    "amendment.beyond": Wording(
        "{most} までです：{reason_ja}。",
        "At most {most}: {reason_en}.",
        status=422,
    ),
    "amendment.unchanged": Wording(
        "どの上限もいまより大きくありません。",
        "No limit is larger than it is now.",
        "増やしたい上限に、いまより大きい数を記入してください。",
        "Write a larger number for the limit that you need raised.",
        422,
    ),
    "amendment.incomplete": Wording(
        "変更申出に未記入または誤りのある欄があります。",
        "Some fields of the amendment are missing or wrong.",
        "まだ提出されていません。各欄の説明に従って直し、もう一度提出してください。",
        "Nothing was submitted yet. Put the marked fields right and submit again.",
        422,
    ),
    "amendment.open": Wording(
        "この承諾には、審査中の変更申出があります。",
        "An amendment of this permit is under way already.",
        "その結果を待つか、取り下げてから、改めて申し出てください。",
        "Wait for its result, or withdraw it and apply again.",
        409,
    ),
    "amendment.superseded": Wording(
        "この変更申出は、承諾 {permit} に対するもので、承諾はその後改められました。",
        "The amendment was written for {permit}, and the permit was revised since.",
        "取り下げて、いまの承諾に対して改めて申し出てください。",
        "Withdraw it, and apply for an amendment of the permit as it is now.",
        409,
    ),
    "amendment.kind": Wording(
        "この種類の変更申出は受け付けていません。",
        "Amendments of this kind are not taken in.",
        "事務局にお問い合わせください。",
        "Ask the secretariat.",
        422,
    ),
    "amendment.unknown": Wording(
        "この変更申出は存在しません。",
        "There is no such amendment.",
        "番号を確かめてください。",
        "Check its address.",
        404,
    ),
    "amendment.not_yours": Wording(
        "この変更申出を取り下げられるのは申出者だけです。",
        "Only the one who applied can withdraw it.",
        "申出者としてログインしてください。",
        "Log in as the one who applied.",
    ),
    "amendment.own": Wording(
        "自分が関わるプロジェクトの変更申出は審査できません。",
        "You cannot review an amendment of a project that you are party to.",
        "他の委員が審査します。",
        "Other members of the committee will review it.",
    ),
    "amendment.state": Wording(
        "変更申出の現在の状態では、この操作はできません。",
        "This is not possible in the amendment's present state.",
        "ページを開き直して、現在の状態を確かめてください。",
        "Open the page again to see where it stands.",
        409,
    ),
    "amendment.changed": Wording(
        "変更申出または承諾が、その間に変わりました。",
        "The amendment or its permit changed in the meantime.",
        "いま入力した内容は保存されていません。ページを開き直してください。",
        "What you just entered was not saved. Open the page again and repeat it.",
        409,
    ),
    "amendment.opinion_given": Wording(
        "この変更申出についての意見は既に提出済みです。",
        "You have already given your opinion on this amendment.",
        "一度提出した意見は変更できません。",
        "An opinion that was given stays as it is.",
        409,
    ),
    "amendment.opinion_missing": Wording(
        "「承諾してよい」か「承諾すべきでない」かを選んでください。",
        "Choose whether it may be granted or not.",
        status=422,
    ),
}
