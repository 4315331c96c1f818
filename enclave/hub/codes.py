"""What a person reads when the hub says no. Facts hold names of places and limits, never a data value."""

from enclave.core.refusal import Wording

CODES: dict[str, Wording] = {
    "session.unnamed": Wording(
        "プロジェクトを指定せずにワークスペースを起動することはできません。",
        "A workspace is started for a project, never without one.",
        "ポータルでプロジェクトを選んでください。",
        "Choose the project in the portal.",
        400,
    ),
    "session.another_starting": Wording(
        "別のワークスペースを起動または終了しているところです。",
        "Another workspace of yours is starting or stopping.",
        "終わるまで少し待ってから、もう一度お試しください。",
        "Wait for it to finish, then try again.",
        409,
    ),
    "session.wall_missing": Wording(
        "ワークスペースを隔離する通信規則が確認できないため、起動しませんでした。",
        "The packet filter around workspaces could not be confirmed, so nothing was started.",
        "運用担当者に連絡してください（enclave doctor）。",
        "Tell the operator (enclave doctor).",
        503,
    ),
    "session.plan_differs": Wording(
        "起動されたワークスペースが計画と一致しないため、直ちに削除しました（{places}）。",
        "What was started differed from its plan and was removed at once ({places}).",
        "運用担当者に連絡してください。",
        "Tell the operator.",
        503,
    ),
    "session.plan_changed": Wording(
        "実行中のワークスペースの構成が計画から変えられたため、終了しました。",
        "Your workspace was ended: while it ran it was changed from what was planned.",
        "保存したファイルは残っています。開き直せます。原因は運用担当者が調べます。",
        "Your files are kept and you can open it again. The operator looks into the cause.",
        503,
    ),
    "session.image_missing": Wording(
        "ワークスペースのイメージがこの計算機にありません。",
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
        "ワークスペースが時間内に起動しませんでした。",
        "The workspace did not come up in time.",
        "もう一度お試しください。続くときは運用担当者に連絡してください。",
        "Try again; if it keeps failing, tell the operator.",
        503,
    ),
    "session.no_room": Wording(
        "ワークスペースの数が上限に達しています。",
        "No room for another workspace on this machine.",
        "しばらくしてからもう一度お試しください。",
        "Try again later.",
        503,
    ),
}
