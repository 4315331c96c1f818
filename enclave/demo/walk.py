"""The story, walked once over the same HTTP routes that people use, so that what a visitor opens is not empty.

Each step says what came of it, how long it took and where the log has it. A step whose result already stands is not
done again, so an interrupted walk goes on where it stopped. The custodian's step is the custodian's command.
"""

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from enclave.adapters import ledger_files
from enclave.app import build_extract, ledger_of
from enclave.audit.ledger import Sought
from enclave.config import Site
from enclave.core.refusal import Refused, Wording
from enclave.demo.accounts import account
from enclave.demo.load import fresh_code
from enclave.demo.visitor import Visitor, local_names

PROJECT = "nafld-fib"
DRAFT = "nafld-bmi"

PATIENTS = ("pid", "age", "male", "bmi", "futime", "status")
LABS = ("pid", "days", "test", "value")

CODES: dict[str, Wording] = {
    "demo.step_failed": Wording(
        "デモの手順「{step}」が期待した結果になりませんでした。",
        "The demo's step “{step}” did not come out as it should.",
        "記録は {logs} にあります。もう一度 make demo を実行すると、続きから始まります。",
        "The services' logs are in {logs}. Running make demo again goes on from here.",
    )
}

NOTEBOOK = '''
from enclave_client import Refused, connect
import matplotlib.pyplot as plt
e = connect()
rows = e.sql("SELECT pid, age, male, status FROM nafld.patients")
print("ROWS", len(rows))
try:
    e.sql("SELECT case_pid FROM nafld.patients")
except Refused as no:
    print("REFUSED", no.code)
deaths = e.table("""
    SELECT male, age // 5 * 5 AS age_band, status, count(*) AS persons
    FROM nafld.patients GROUP BY CUBE (male, age // 5 * 5, status)
    ORDER BY age_band, male, status
""")
print("HIDDEN", deaths.statuses()["hidden"])
cells = deaths.details().shown()
share = cells.pivot(index="age_band", columns=["male", "status"], values="persons").dropna()
fig, ax = plt.subplots()
for male, label in ((0, "women"), (1, "men")):
    died, alive = share[(male, 1)], share[(male, 0)]
    ax.plot(share.index, 100 * died / (died + alive), "o-", label=label)
ax.set(xlabel="age at entry", ylabel="died, %"); ax.legend()
purpose = {purpose!r}
for _ in range(2):
    sent = e.submit([e.item(deaths, name="deaths-by-age"), e.figure(fig, data=deaths, name="deaths-by-age")],
                    output="t1", purpose=purpose)
    print("EXPORT", sent.id, sent.state)
counted = (rows.assign(age_band=rows.age // 5 * 5).groupby(["male", "age_band", "status"], as_index=False)
           .size().rename(columns={{"size": "persons"}}))
sent = e.submit(e.item(counted, name="unprotected", dimensions=["male", "age_band", "status"]), output="t1",
                purpose=purpose)
print("EXPORT", sent.id, sent.state)
'''


@dataclass
class _Walk:
    site: Site
    language: str
    visitors: dict[str, Visitor] = field(default_factory=dict)

    def say(self, ja: str, en: str) -> str:
        return ja if self.language == "ja" else en

    def as_person(self, person: str) -> Visitor:
        """The person, logged in once."""
        if person not in self.visitors:
            visitor = Visitor(self.site, self.language)
            visitor.log_in(person, account(person).password, fresh_code(self.site, person)).raise_for_status()
            self.visitors[person] = visitor
        return self.visitors[person]

    def latest(self, action: str) -> int | None:
        found = ledger_of(self.site, "operator").search(Sought(project=PROJECT, action=action, limit=1))
        return found.entries[0].index if found.entries else None

    def step(self, title: str, recorded: str, act: Callable[[], str]) -> None:
        """Do a step unless the log has it, and print its line."""
        there = self.latest(recorded)
        began = time.monotonic()
        result = self.say("済み", "already done") if there is not None else act()
        place = self.latest(recorded)
        if place is None:
            raise Refused("demo.step_failed", {"step": title, "logs": str(self.site.logs)})
        took = time.monotonic() - began
        print(f"  ✓ {title:<34} {result}  ({took:.1f} s, {self.say('記録', 'log')} {place})", flush=True)


def walk(site: Site, language: str) -> None:
    """Walk the story. Raises Refused `demo.step_failed` naming the step, or the refusal that stopped it."""
    w = _Walk(site, language)
    print(w.say("物語を一通り歩きます", "Walking the story once"))
    with local_names():
        w.step(w.say("申出", "Application"), "application.submitted", lambda: _apply(w))
        w.step(w.say("審査と承諾", "Review and permit"), "permit.granted", lambda: _review(w))
        permit = _permit_id(w)
        w.step(w.say("抽出データ", "Extract"), "extract.built", lambda: _extract(w, permit))
        w.step(
            w.say("ワークスペースと分析", "Workspace and analysis"), "export.submitted", lambda: _analyse(w)
        )
        w.step(w.say("2名による公表物確認", "Two checkers"), "export.released", lambda: _check(w))
        w.step(w.say("持ち出し", "Download"), "export.downloaded", lambda: _download(w))
        _draft(w)
        _verify(w)


def application_form(
    say: Callable[[str, str], str], project: str, use_from: str, use_to: str
) -> dict[str, Any]:
    """The form of an application to `nafld`, filled in."""
    return {
        "title": say("脂肪性肝疾患における年齢と生存", "Age and survival in fatty liver disease"),
        "project": project,
        "purpose": say(
            "脂肪性肝疾患の患者と対照について、性・年齢別の死亡割合を明らかにする。",
            "To learn how mortality by sex and age differs in people with fatty liver disease and their controls.",
        ),
        "public_interest": say(
            "健診の対象年齢を決める根拠になる。", "It informs from which age screening is worth while."
        ),
        "other_data": say(
            "公表された集計表では個人を追跡できない。", "Published tables do not follow persons over time."
        ),
        "columns": [f"nafld.patients.{c}" for c in PATIENTS] + [f"nafld.labs.{c}" for c in LABS],
        "members": "tanaka mori",
        "use_from": use_from,
        "use_to": use_to,
        "output_id": ["t1", "f1"],
        "output_kind": ["table", "figure"],
        "output_title": [
            say("性・年齢階級別の死亡数", "Deaths by sex and age band"),
            say("死亡割合の図", "Share of persons who died"),
        ],
        "output_dimensions": ["male, age_band, status", ""],
    }


def _period() -> tuple[str, str]:
    today = time.gmtime()
    return time.strftime("%Y-%m-%d", today), f"{today.tm_year + 1}-{today.tm_mon:02d}-28"


def _apply(w: _Walk) -> str:
    tanaka = w.as_person("tanaka")
    form = application_form(w.say, PROJECT, *_period())
    page = tanaka.send(tanaka.get("/applications/new"), "submit-application", **form)
    return str(page.url).rsplit("/", 1)[-1]


def _review(w: _Walk) -> str:
    for member in ("sato", "suzuki"):
        reviewer = w.as_person(member)
        listed = re.findall(r'href="(/reviews/[^"/]+)"', reviewer.get("/reviews").text)
        for address in dict.fromkeys(listed):
            page = reviewer.get(address)
            if PROJECT in page.text and 'data-action="give-opinion"' in page.text:
                comment = w.say("目的と項目は見合っている。", "The columns are in proportion to the purpose.")
                reviewer.send(page, "give-opinion", opinion="approve", comment=comment)
    return _permit_id(w)


def _permit_id(w: _Walk) -> str:
    page = w.as_person("tanaka").get(f"/projects/{PROJECT}")
    found = re.search(r"p-\d{4}-\d{4}", page.text)
    if found is None:
        raise Refused("demo.step_failed", {"step": "permit", "logs": str(w.site.logs)})
    return found.group()


def _extract(w: _Walk, permit: str) -> str:
    manifest = build_extract(w.site, permit)
    rows = sum(t["rows"] for t in manifest["tables"].values())
    return f"{manifest['extract']}, " + w.say(f"{rows:,} 行", f"{rows:,} rows")


def open_workspace(visitor: Visitor, person: str, project: str) -> str:
    """Open a workspace as the portal's page does, and return its address. Raises Refused `demo.step_failed`."""
    page = visitor.get(f"/projects/{project}")
    if 'data-action="open-workspace"' in page.text:
        page = visitor.send(page, "open-workspace")
    else:
        page = visitor.get(f"/projects/{project}/workspace/state")
    for _ in range(300):
        if 'data-workspace="ready"' in page.text:
            break
        if 'data-workspace="failed"' in page.text:
            raise Refused("demo.step_failed", {"step": "workspace", "logs": str(visitor.site.logs)})
        time.sleep(0.3)
        page = visitor.get(f"/projects/{project}/workspace/state")
    base = f"{visitor.site.workspace_origin(person)}/user/{person}/{project}/"
    visitor.http.get(base + "lab").raise_for_status()
    return base


def _analyse(w: _Walk) -> str:
    tanaka = w.as_person("tanaka")
    base = open_workspace(tanaka, "tanaka", PROJECT)
    purpose = w.say("計画した成果物 t1", "The planned output t1")
    messages = tanaka.run_in_notebook(base, NOTEBOOK.format(purpose=purpose))
    said = "".join(m.get("text", "") for m in messages if m["type"] == "stream")
    wrong = [m for m in messages if m["type"] == "error"]
    states = re.findall(r"EXPORT \S+ (\S+)", said)
    if wrong or sorted(states) != ["queued", "queued", "returned"] or "REFUSED query." not in said:
        raise Refused("demo.step_failed", {"step": "notebook", "logs": str(w.site.logs)})
    tanaka.send(tanaka.get(f"/projects/{PROJECT}"), "stop-workspace")
    rows, hidden = re.search(r"ROWS (\d+)", said), re.search(r"HIDDEN (\d+)", said)
    return w.say(
        f"{rows and rows.group(1)} 行、秘匿セル {hidden and hidden.group(1)}、提出2件、差戻し1件",
        f"{rows and rows.group(1)} rows, {hidden and hidden.group(1)} cells hidden, two outputs in, one turned back",
    )


def _check(w: _Walk) -> str:
    chosen = ""
    for member in ("takahashi", "ito"):
        checker = w.as_person(member)
        listed = list(dict.fromkeys(re.findall(r'href="(/checks/[^"/]+)"', checker.get("/checks").text)))
        address = chosen or sorted(listed)[0]
        chosen = address
        page = checker.get(address)
        checker.send(page, "cast-vote", vote="approve", comment=w.say("確認しました。", "Checked."))
    return chosen.rsplit("/", 1)[-1]


def _download(w: _Walk) -> str:
    tanaka = w.as_person("tanaka")
    page = tanaka.get(f"/projects/{PROJECT}")
    for address in dict.fromkeys(re.findall(rf'href="(/projects/{PROJECT}/exports/[^"/]+)"', page.text)):
        shown = tanaka.get(address)
        if 'data-action="download-file"' not in shown.text:
            continue
        data = tanaka.get(f"{address}/files/0").content
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        if digest not in shown.text:
            raise Refused("demo.step_failed", {"step": "download", "logs": str(w.site.logs)})
        return w.say(f"{len(data)} バイト、確認時と同一", f"{len(data)} bytes, the same that were checked")
    raise Refused("demo.step_failed", {"step": "download", "logs": str(w.site.logs)})


def _draft(w: _Walk) -> None:
    found = ledger_of(w.site, "operator").search(Sought(project=DRAFT, limit=1))
    if not found.entries:
        mori = w.as_person("mori")
        form = application_form(w.say, DRAFT, *_period()) | {
            "title": w.say("BMI と検査値", "BMI and laboratory values"),
            "purpose": "",
        }
        mori.send(mori.get("/applications/new"), "save-draft", **form)
    print(f"  ✓ {w.say('下書きの申出', 'A draft application'):<34} {DRAFT}", flush=True)


def _verify(w: _Walk) -> None:
    began = time.monotonic()
    found = ledger_files.verify_directory(w.site.log, ledger_files.read_verifier_key(w.site.log))
    text = w.say(f"{found.size} 件すべてを検証", f"all {found.size} entries verified")
    print(f"  ✓ {w.say('記録台帳', 'The log'):<34} {text}  ({time.monotonic() - began:.1f} s)", flush=True)
