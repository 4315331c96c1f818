"""What people read when the catalogue says no."""

from enclave.core.refusal import Wording

CODES: dict[str, Wording] = {
    "catalogue.descriptor_malformed": Wording(
        "データベースの定義書を読み取れません（{place}）。",
        "The descriptor cannot be read (at {place}).",
        "未知の項目・型・役割は受け付けません。該当箇所を直してください。",
        "Unknown keys, types and roles are refused. Correct that place.",
        400,
    ),
    "catalogue.column_missing": Wording(
        "表 {table} のファイルに、定義書にある列がありません: {columns}。",
        "The file of table {table} lacks columns that the descriptor names: {columns}.",
        "列名、または定義書の from を確かめてください。何も登録されていません。",
        "Check the names, or `from` in the descriptor. Nothing was registered.",
        400,
    ),
    "catalogue.header_repeated": Wording(
        "表 {table} のファイルに同じ列名が二度あります。",
        "The file of table {table} has a column name twice.",
        "見出しを直してください。何も登録されていません。",
        "Correct the header. Nothing was registered.",
        400,
    ),
    "catalogue.file_missing": Wording(
        "表 {table} のファイル {file} を読めません。",
        "The file {file} of table {table} cannot be read.",
        "管理機構の利用者（enclave-custody）が読めるか確かめてください。",
        "Check that custody's user (enclave-custody) may read it.",
        400,
    ),
    "catalogue.file_unreadable": Wording(
        "表 {table} のファイルは CSV として読めません。",
        "The file of table {table} cannot be read as CSV.",
        '見出し行、区切り（,）、引用符（"）、UTF-8 を確かめてください。',
        "It needs a header line, commas, double quotes and UTF-8.",
        400,
    ),
    "catalogue.value_unreadable": Wording(
        "表 {table} の列 {column} に、型 {type} として読めない値が {rows} 行あります。",
        "Table {table}: {rows} rows of column {column} cannot be read as {type}.",
        "定義書の type か missing（欠測の表記）を確かめてください。値は表示しません。",
        "Check `type`, or `missing` (spellings of an absent value). Values are not shown.",
        400,
    ),
    "catalogue.person_absent": Wording(
        "表 {table} に個人の識別子がない行が {rows} 行あります。",
        "Table {table} has {rows} rows without an identifier of the person.",
        "どの人の記録か分からない行は取り込めません。",
        "A row that belongs to nobody cannot be taken in.",
        400,
    ),
    "catalogue.statistics_malformed": Wording(
        "公表統計のファイルを読み取れません。",
        "The file of published statistics cannot be read.",
        "データ管理者が登録し直すと作り直されます。",
        "Registering the database again makes it anew.",
        500,
    ),
    "catalogue.unknown": Wording(
        "そのデータベースはカタログにありません。",
        "There is no such database in the catalogue.",
        "カタログの一覧から選んでください。",
        "Choose one from the catalogue.",
        404,
    ),
    "catalogue.day": Wording(
        "日付を読み取れません。",
        "That is not a day.",
        "2026-11-21 の形で指定してください。",
        "Write it as 2026-11-21.",
        400,
    ),
    "catalogue.database_unknown": Wording(
        "データベース {database} は登録されていません。",
        "The database {database} is not registered.",
        "先に登録してください（enclave data register）。",
        "Register it first (enclave data register).",
        404,
    ),
}
