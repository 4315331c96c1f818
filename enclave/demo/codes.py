"""What the demo refuses, in its sentences."""

from enclave.core.refusal import Wording

CODES: dict[str, Wording] = {
    "demo.not_demo": Wording(
        "このサイトはデモではありません。",
        "This site is not a demo.",
        "固定のアカウントとワンタイムコードの表示は、デモだけにあります。",
        "Fixed accounts and the printing of one-time codes exist in the profile demo only.",
    ),
    "demo.person_unknown": Wording(
        "その名前のデモアカウントはありません。",
        "There is no demo account of that name.",
        "アカウント: {known}",
        "Accounts: {known}",
        404,
    ),
    "demo.step_failed": Wording(
        "デモの手順「{step}」が期待した結果になりませんでした。",
        "The demo's step “{step}” did not come out as it should.",
        "記録は {logs} にあります。もう一度 make demo を実行すると、続きから始まります。",
        "The services' logs are in {logs}. Running make demo again goes on from here.",
    ),
}
