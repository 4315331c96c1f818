"""What the gateway itself says no to: requests that are not requests, too much at once, a session that cannot be told."""

from enclave.core.refusal import Wording

CODES: dict[str, Wording] = {
    "gateway.request": Wording(
        "要求の形式が正しくありません（{why}）。",
        "This is not a request that the gateway takes ({why}).",
        "ノートブックの enclave_client を使ってください。",
        "Use enclave_client in the notebook.",
        400,
    ),
    "gateway.json": Wording(
        "要求の本文が正しい JSON ではありません（{why}）。",
        "The body is not the JSON that is needed ({why}).",
        "同じ名前を二度使うことはできません。",
        "A name may not stand twice.",
        400,
    ),
    "gateway.too_large": Wording(
        "要求が大きすぎます。",
        "The request is too large.",
        "{limit} バイト以内にしてください。",
        "At most {limit} bytes.",
        413,
    ),
    "gateway.no_such_route": Wording(
        "この経路はありません。",
        "There is no such route.",
        "問い合わせと持出し申請だけを受け付けます。",
        "The gateway takes queries and exports.",
        404,
    ),
    "gateway.busy": Wording(
        "実行中の問い合わせが多すぎます。",
        "Too many queries are running.",
        "実行中のものが終わるのを待つか、取り消してください（同時に {limit} 件まで）。",
        "Wait for one to end or cancel one (at most {limit} at a time).",
        429,
    ),
    "gateway.extract_absent": Wording(
        "この研究の抽出データはまだ用意されていません。",
        "This project's extract is not there yet.",
        "データ管理者が作成すると利用できます。",
        "The custodian has to build it first.",
        503,
    ),
    "query.unknown": Wording(
        "この問い合わせは存在しません。",
        "There is no such query.",
        "番号を確かめてください。",
        "Check its number.",
        404,
    ),
    "query.cancelled": Wording(
        "問い合わせは取り消されました。",
        "The query was cancelled.",
        "もう一度実行できます。",
        "You can run it again.",
        409,
    ),
    "query.disconnected": Wording(
        "結果を受け取る前に接続が切れたため、問い合わせを中止しました。",
        "The connection ended before the answer was taken, so the query was stopped.",
        "もう一度実行してください。",
        "Run it again.",
        409,
    ),
    "query.abandoned": Wording(
        "サービスの再起動により、問い合わせは中断されました。",
        "The service was restarted while the query ran.",
        "もう一度実行してください。",
        "Run it again.",
        409,
    ),
    "query.limit_bytes": Wording(
        "答えが大きすぎます。",
        "The answer is too large.",
        "残りは本日 {limit} バイトです。集計するか、列と行を絞ってください。",
        "{limit} bytes are left today. Aggregate, or ask for fewer columns and rows.",
    ),
    "internal": Wording(
        "内部の誤りが起きました（番号 {id}）。",
        "Something went wrong inside (number {id}).",
        "この番号を管理者にお知らせください。",
        "Tell the operator this number.",
        500,
    ),
}
