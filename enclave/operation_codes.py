"""What `operation` refuses, in its sentences: apart from it, since whoever shows a refusal runs no system."""

from enclave.core.refusal import Wording

CODES: dict[str, Wording] = {
    "operation.not_root": Wording(
        "管理者権限が必要です。", "This needs root.", "sudo を付けて実行してください。", "Run it with sudo."
    ),
    "operation.site_unknown": Wording(
        "{site} というサイトはありません。",
        "There is no site {site}.",
        "知られているサイト: {known}",
        "Sites known here: {known}",
        404,
    ),
    "operation.docker_silent": Wording(
        "Docker が応答しません。",
        "Docker does not answer.",
        "Docker を起動するか、make install を実行してください。",
        "Start Docker, or run  make install",
        503,
    ),
    "operation.busy": Wording(
        "サイト {site} は別の起動または停止の途中です。",
        "Another start or stop of site {site} is at work.",
        "終わるまで待って、もう一度実行してください。",
        "Wait until it has ended and try again.",
    ),
    "operation.service_failed": Wording(
        "サービス {service} が起動しません。",
        "The service {service} does not come up.",
        "記録 {log} を確かめてください。",
        "See its log: {log}",
    ),
}
