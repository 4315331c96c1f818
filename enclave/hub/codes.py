"""What a person reads when the hub says no. Facts hold names of places and limits, never a data value."""

from enclave.core.refusal import Wording

CODES: dict[str, Wording] = {
    "session.unnamed": Wording(
        "プロジェクトを指定せずに作業環境を起動することはできません。",
        "A workspace is started for a project, never without one.",
        "ポータルでプロジェクトを選んでください。",
        "Choose the project in the portal.",
        400,
    ),
    "session.another_starting": Wording(
        "別の作業環境を起動または終了しているところです。",
        "Another workspace of yours is starting or stopping.",
        "終わるまで少し待ってから、もう一度お試しください。",
        "Wait for it to finish, then try again.",
        409,
    ),
    "session.wall_missing": Wording(
        "作業環境を隔離する通信規則が確認できないため、起動しませんでした。",
        "The packet filter around workspaces could not be confirmed, so nothing was started.",
        "運用担当者に連絡してください（enclave doctor）。",
        "Tell the operator (enclave doctor).",
        503,
    ),
    "session.plan_differs": Wording(
        "起動された作業環境が計画と一致しないため、直ちに削除しました（{places}）。",
        "What was started differed from its plan and was removed at once ({places}).",
        "運用担当者に連絡してください。",
        "Tell the operator.",
        503,
    ),
    "session.image_missing": Wording(
        "作業環境のイメージがこの計算機にありません。",
        "The image of workspaces is not on this machine.",
        "運用担当者に連絡してください（images/build）。",
        "Tell the operator (images/build).",
        503,
    ),
    "session.containers_unavailable": Wording(
        "コンテナーの実行環境が応答しません。",
        "The container engine does not answer.",
        "しばらくしてからもう一度お試しください。",
        "Try again in a moment; the operator has been told.",
        503,
    ),
    "session.did_not_start": Wording(
        "作業環境が時間内に起動しませんでした。",
        "The workspace did not come up in time.",
        "もう一度お試しください。続くときは運用担当者に連絡してください。",
        "Try again; if it keeps failing, tell the operator.",
        503,
    ),
    "session.no_room": Wording(
        "作業環境の数が上限に達しています。",
        "No room for another workspace on this machine.",
        "しばらくしてからもう一度お試しください。",
        "Try again later.",
        503,
    ),
}
