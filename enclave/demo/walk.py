"""The story, walked once over the same HTTP routes that people use, so that what a visitor opens is not empty.

Each step says what came of it, how long it took and where the log has it (`enclave.demo.steps`). After the story of
`nafld` comes that of three linked databases (`enclave.demo.linked`).
"""

import hashlib
import re
import time
from collections.abc import Callable
from typing import Any

from enclave.adapters import ledger_files
from enclave.app import ledger_of
from enclave.audit.ledger import Sought
from enclave.config import Site
from enclave.demo import linked
from enclave.demo.steps import Walk, extract, open_workspace, permit_id, review, use_period
from enclave.demo.visitor import local_names

PROJECT = "nafld-fib"
DRAFT = "nafld-bmi"

PATIENTS = ("pid", "age", "male", "bmi", "futime", "status")
LABS = ("pid", "days", "test", "value")

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


def walk(site: Site, language: str) -> None:
    """Walk the story. Raises Refused `demo.step_failed` naming the step, or the refusal that stopped it."""
    w = Walk(site, language)
    print(w.say("物語を一通り歩きます", "Walking the story once"))
    with local_names():
        _first(w)
        linked.walk(w)
        _draft(w)
        _verify(w)


def _first(w: Walk) -> None:
    """The story of one project, from the application to the download."""

    def step(ja: str, en: str, recorded: str, act: Callable[[], str]) -> None:
        w.step(PROJECT, w.say(ja, en), recorded, act)

    step("申出", "Application", "application.submitted", lambda: _apply(w))
    step("審査と承諾", "Review and permit", "permit.granted", lambda: review(w, PROJECT))
    step("抽出データ", "Extract", "extract.built", lambda: extract(w, permit_id(w, PROJECT)))
    step("ワークスペースと分析", "Workspace and analysis", "export.submitted", lambda: _analyse(w))
    step("2名による公表物確認", "Two checkers", "export.released", lambda: _check(w))
    step("持ち出し", "Download", "export.downloaded", lambda: _download(w))


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


def _apply(w: Walk) -> str:
    tanaka = w.as_person("tanaka")
    form = application_form(w.say, PROJECT, *use_period())
    page = tanaka.send(tanaka.get("/applications/new"), "submit-application", **form)
    return str(page.url).rsplit("/", 1)[-1]


def _analyse(w: Walk) -> str:
    tanaka = w.as_person("tanaka")
    base = open_workspace(tanaka, "tanaka", PROJECT)
    purpose = w.say("計画した成果物 t1", "The planned output t1")
    messages = tanaka.run_in_notebook(base, NOTEBOOK.format(purpose=purpose))
    said = "".join(m.get("text", "") for m in messages if m["type"] == "stream")
    wrong = [m for m in messages if m["type"] == "error"]
    states = re.findall(r"EXPORT \S+ (\S+)", said)
    if wrong or sorted(states) != ["queued", "queued", "returned"] or "REFUSED query." not in said:
        raise w.failed("notebook")
    tanaka.send(tanaka.get(f"/projects/{PROJECT}"), "stop-workspace")
    rows, hidden = re.search(r"ROWS (\d+)", said), re.search(r"HIDDEN (\d+)", said)
    return w.say(
        f"{rows and rows.group(1)} 行、秘匿セル {hidden and hidden.group(1)}、提出2件、差戻し1件",
        f"{rows and rows.group(1)} rows, {hidden and hidden.group(1)} cells hidden, two outputs in, one turned back",
    )


def _check(w: Walk) -> str:
    chosen = ""
    for member in ("takahashi", "ito"):
        checker = w.as_person(member)
        listed = list(dict.fromkeys(re.findall(r'href="(/checks/[^"/]+)"', checker.get("/checks").text)))
        address = chosen or sorted(listed)[0]
        chosen = address
        page = checker.get(address)
        checker.send(page, "cast-vote", vote="approve", comment=w.say("確認しました。", "Checked."))
    return chosen.rsplit("/", 1)[-1]


def _download(w: Walk) -> str:
    tanaka = w.as_person("tanaka")
    page = tanaka.get(f"/projects/{PROJECT}")
    for address in dict.fromkeys(re.findall(rf'href="(/projects/{PROJECT}/exports/[^"/]+)"', page.text)):
        shown = tanaka.get(address)
        if 'data-action="download-file"' not in shown.text:
            continue
        data = tanaka.get(f"{address}/files/0").content
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        if digest not in shown.text:
            raise w.failed("download")
        return w.say(f"{len(data)} バイト、確認時と同一", f"{len(data)} bytes, the same that were checked")
    raise w.failed("download")


def _draft(w: Walk) -> None:
    found = ledger_of(w.site, "operator").search(Sought(project=DRAFT, limit=1))
    if not found.entries:
        mori = w.as_person("mori")
        form = application_form(w.say, DRAFT, *use_period()) | {
            "title": w.say("BMI と検査値", "BMI and laboratory values"),
            "purpose": "",
        }
        mori.send(mori.get("/applications/new"), "save-draft", **form)
    print(f"  ✓ {w.say('下書きの申出', 'A draft application'):<34} {DRAFT}", flush=True)


def _verify(w: Walk) -> None:
    began = time.monotonic()
    found = ledger_files.verify_directory(w.site.log, ledger_files.read_verifier_key(w.site.log))
    text = w.say(f"{found.size} 件すべてを検証", f"all {found.size} entries verified")
    print(f"  ✓ {w.say('記録台帳', 'The log'):<34} {text}  ({time.monotonic() - began:.1f} s)", flush=True)
