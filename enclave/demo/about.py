"""What a visitor needs to know after `make demo`: where to go, as whom, what to try, how to end it."""

from enclave.config import Site
from enclave.core.roles import Role
from enclave.demo.accounts import ACCOUNTS

ROLE_WORDS: dict[Role, tuple[str, str]] = {
    Role.RESEARCHER: ("申出者・取扱者", "researcher"),
    Role.COMMITTEE: ("専門委員", "committee member"),
    Role.CHECKER: ("公表物確認者", "output checker"),
    Role.CUSTODIAN: ("データ管理者", "custodian"),
    Role.AUDITOR: ("監査者", "auditor"),
    Role.OPERATOR: ("運用者", "operator"),
}


def about(site: Site, language: str) -> str:
    """The text, in the reader's language."""

    def say(ja: str, en: str) -> str:
        return ja if language == "ja" else en

    lines = [
        "",
        f"{say('入口', 'Open')}        {site.origin}",
        f"{say('認証局', 'Its CA')}      {site.ca}",
        say(
            "            （ブラウザがこの認証局を知るまで警告が出ます。読み込むか、警告を承認してください）",
            "            (the browser warns until it knows this authority: import it, or accept the warning)",
        ),
        f"{say('SSHで来た方', 'Came by SSH')} ssh -L {site.https_port}:127.0.0.1:{site.https_port} "
        + say("利用者名@この計算機", "you@this-machine"),
        say(
            "            そのあと手元のブラウザで上の入口を開きます。",
            "            then open the address above in the browser at your side.",
        ),
        "",
        f"{say('アカウント', 'Accounts')}   "
        + say("（ワンタイムコード: enclave demo code 名前）", "(one-time code: enclave demo code NAME)"),
    ]
    for one in ACCOUNTS:
        role = next(iter(one.person.roles))
        word = ROLE_WORDS[role][0 if language == "ja" else 1]
        lines.append(f"  {one.person.id:<10} {one.password:<22} {word}: {one.person.name(language)}")
    other = f" --site {site.name}" if site.name != "demo" else ""
    lines += [
        "",
        say("試してみること", "Five things to try"),
        say(
            "  1. tanaka でログインし、プロジェクト nafld-fib のワークスペースを開いて、最初のノートブックを実行する\n"
            "     fracture-care（架空の人びとの NDB × 介護 × DPC）には、骨折後の介護・地域差・薬の安全性の3冊がある",
            "  1. Log in as tanaka, open the workspace of project nafld-fib, run the first notebook from top to bottom.\n"
            "     fracture-care (NDB × long-term care × DPC of invented people) has three: care after hip fracture,\n"
            "     regional variation, drug safety.",
        ),
        say(
            "  2. takahashi と ito でログインし、確認待ちの公表物を互いの判断を見ずに確認する",
            "  2. Log in as takahashi and as ito, and judge the output that waits, neither seeing the other's vote.",
        ),
        say(
            "  3. mori でログインし、下書きの申出を仕上げて提出する。sato と suzuki で審査する",
            "  3. Log in as mori, finish the draft application and submit it; review it as sato and suzuki.",
        ),
        say(
            "  4. kobayashi でログインし、記録をプロジェクトで絞る。手元では: enclave audit verify" + other,
            "  4. Log in as kobayashi and filter the log to the project. At the terminal: enclave audit verify"
            + other,
        ),
        say(
            "  5. 台帳を止めて（kill）どの画面も何もしなくなること、すぐ戻ることを見る: enclave status"
            + other,
            "  5. Kill the ledger's process, see every page refuse to act, and see it come back: enclave status"
            + other,
        ),
        "",
        f"{say('画面だけ見る', 'Pictures only')}  enclave demo tour{other}",
        f"{say('終了', 'End it')}        enclave down{other}",
        "",
    ]
    return "\n".join(lines)
