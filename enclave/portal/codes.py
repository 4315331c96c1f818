"""Sentences for the portal's own refusals."""

from enclave.core.refusal import Wording

CODES: dict[str, Wording] = {
    "portal.not_found": Wording(
        "このページはありません。",
        "There is no such page.",
        "住所を確かめるか、最初のページからたどってください。",
        "Check the address, or start from the first page.",
        404,
    ),
    "portal.method": Wording(
        "このページではその操作はできません。",
        "This page cannot be used in this way.",
        "最初のページからたどり直してください。",
        "Start again from the first page.",
        405,
    ),
    "portal.too_large": Wording(
        "送られた内容が大きすぎます。",
        "What was sent is too large.",
        "文章を短くして、もう一度お試しください。",
        "Shorten the text and try again.",
        413,
    ),
    "portal.form": Wording(
        "送られた内容を読み取れません。",
        "What was sent cannot be read.",
        "ページを開き直して、もう一度お試しください。",
        "Open the page again and retry.",
        400,
    ),
    "portal.failed": Wording(
        "内部で誤りが起きました。",
        "Something went wrong inside.",
        "記録されていない操作は行われていません。運用担当者に時刻を伝えてください。",
        "What was not recorded was not done. Tell the operator at what time it happened.",
        500,
    ),
    "portal.no_extract": Wording(
        "この承諾の抽出データはまだ作成されていません。",
        "This permit's extract has not been built yet.",
        "データ管理者が作成すると、ワークスペースを開けます。",
        "The workspace can be opened once the data custodian has built it.",
        409,
    ),
    "portal.vote_missing": Wording(
        "「承認」か「不承認」を選んでください。", "Choose approve or reject.", status=422
    ),
    "portal.reason_missing": Wording(
        "不承認の理由を書いてください。",
        "Say why you reject it.",
        "研究者が直せるように、箇所と理由を具体的に書いてください。",
        "Name the place and the reason, so that the researcher can mend it.",
        422,
    ),
    "hub.unavailable": Wording(
        "ログインとワークスペースを受け持つ機構が応答しません。",
        "The service for log-in and workspaces does not answer.",
        "何も失われていません。しばらくしてからもう一度お試しください。",
        "Nothing is lost. Try again in a moment.",
        503,
    ),
    "hub.refused": Wording(
        "ワークスペースを開けませんでした。",
        "The workspace could not be opened.",
        "もう一度お試しください。続くときは運用担当者に時刻を伝えてください。",
        "Try again. If it goes on, tell the operator at what time it happened.",
        409,
    ),
    "session.login_expired": Wording(
        "ログインの手続きの有効期限が切れました。",
        "The log-in took too long or was begun elsewhere.",
        "もう一度ログインしてください。",
        "Log in again.",
        400,
    ),
    "session.unregistered": Wording(
        "この利用者は登録されていないか、停止されています。",
        "This person is not registered here, or was suspended.",
        "事務局にお問い合わせください。",
        "Ask the secretariat.",
    ),
    "audit.search_time": Wording(
        "日時を読み取れません（例: 2026-11-01 または 2026-11-01 09:00）。",
        "The time cannot be read; write 2026-11-01 or 2026-11-01 09:00.",
        status=422,
    ),
}
