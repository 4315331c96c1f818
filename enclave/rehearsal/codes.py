"""What people read when a rehearsal cannot begin: the permit, the statement, the data or the state folder is not there."""

from enclave.core.refusal import Wording

CODES: dict[str, Wording] = {
    "rehearsal.permit_unreadable": Wording(
        "承諾のファイル {file} を JSON として読み取れません。",
        "The permit's file {file} cannot be read as JSON.",
        "--permit には署名前の承諾（enclave.permit/1）の JSON ファイルを指定します。",
        "--permit names a JSON file with a permit (enclave.permit/1) as it is before it is signed.",
        400,
    ),
    "rehearsal.statement_missing": Wording(
        "問い合わせがありません。",
        "There is no statement.",
        "SQL のファイルを一つ指定するか、-e に続けて SQL を書いてください。",
        "Name one file with SQL, or write the SQL after -e.",
        400,
    ),
    "rehearsal.statement_unreadable": Wording(
        "SQL のファイル {file} を読み取れません（UTF-8）。",
        "The file {file} cannot be read as SQL (UTF-8).",
        "ファイルの場所と文字コードを確かめてください。",
        "Check the path and the encoding.",
        400,
    ),
    "rehearsal.param": Wording(
        "--param {param} の意味を読み取れません。",
        "The meaning of --param {param} cannot be read.",
        "「名前=値」をすべてに付けるか、すべてを順序どおりの値にしてください。値は JSON、そうでなければ文字列です。",
        "Give every one as NAME=VALUE, or every one as a value in order. A value is JSON, else a text.",
        400,
    ),
    "rehearsal.time": Wording(
        "--at の時刻を読み取れません。",
        "The time of --at cannot be read.",
        "2026-12-01T09:00:00Z のように書きます。",
        "Write it as 2026-12-01T09:00:00Z.",
        400,
    ),
    "rehearsal.database_missing": Wording(
        "承諾が挙げるデータベース {database} が、{folder} にありません。",
        "The permit names the database {database}, which {folder} does not hold.",
        "{folder}/{database}/descriptor.yaml を置いてください。",
        "Put its descriptor at {folder}/{database}/descriptor.yaml.",
        404,
    ),
    "rehearsal.database_named": Wording(
        "フォルダ {folder} の descriptor.yaml は、別のデータベース {database} のものです。",
        "The descriptor in the folder {folder} is that of another database, {database}.",
        "フォルダの名前とデータベースの名前を同じにしてください。",
        "Folder and database have one name.",
        400,
    ),
    "rehearsal.state_unwritable": Wording(
        "状態を置くフォルダ {folder} に書き込めません。",
        "The state folder {folder} cannot be written.",
        "--state に、書き込める別のフォルダを指定してください。",
        "Name another folder with --state.",
        400,
    ),
    "rehearsal.opa_missing": Wording(
        "方針を判定するプログラム opa が見つかりません。",
        "The policy server's program, opa, is not found.",
        "環境変数 ENCLAVE_OPA で場所を指定するか、PATH に置いてください。",
        "Name it in ENCLAVE_OPA, or put it on the PATH.",
        400,
    ),
}
