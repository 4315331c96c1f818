"""The demo's second story: NDB, 介護DB and DPCDB linked for one project, and three notebooks in its workspace.

Decides what the project applies for: no more columns and rows than its notebooks use. Each step goes over the same
routes as the first story's (`enclave.demo.walk`); the notebooks come into the home as a person would save them there.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from enclave.config import PREFIX
from enclave.demo.steps import Walk, extract, open_workspace, permit_id, review, use_period

PROJECT = "fracture-care"
HANDLER = "tanaka"
LINKED = ("ndb", "kaigo", "dpc")
NOTEBOOKS = PREFIX / "app" / "deploy" / "demo" / "fracture-care"
SUBMITS = "2-"
"""The notebook that ends with a submission."""

OTHER_PROJECT = "はじめに-first-steps.ipynb"
"""What every home begins with speaks of `nafld`, which this project's permit does not show."""

COLUMNS = tuple(
    f"{table}.{column}"
    for table, columns in {
        "ndb.rcpt": "pid rcpt_kind service_ym sex birth_ym pref_code sma_code points admit_date",
        "ndb.sy": "pid service_ym icd10 start_date outcome suspected",
        "ndb.si": "pid act_date kubun",
        "ndb.iy": "pid act_date yj12 days",
        "ndb.death": "pid death_date",
        "kaigo.cert": "pid cert_date valid_to care_level",
        "kaigo.claim": "pid service_ym units",
        "dpc.form1": "pid admit_date discharge_date discharge_to resource_icd bi_admit bi_discharge op_kcode outcome",
    }.items()
    for column in columns.split()
)

DISEASES = ("S32", "S42", "S52", "S72", "E11", "I48", "I50", "I63", "N12", "N18", "N30")
"""Fractures; type 2 diabetes; diseases of heart, brain and kidney; infections of the urinary tract."""

ROWS = {
    "ndb.sy": " OR ".join([f"icd10 LIKE '{one}%'" for one in DISEASES] + ["outcome = 3"]),
    "ndb.si": "kubun IN ('K046', 'K081')",
    "ndb.iy": "yj12 LIKE '3969%'",
}
"""Conditions on rows: diagnoses of the study and ends by death, fixation and replacement of the hip, drugs for diabetes."""


def walk(w: Walk) -> None:
    """From the application over three linked databases to a submission that waits for its checkers."""

    def step(ja: str, en: str, recorded: str, act: Callable[[], str]) -> None:
        w.step(PROJECT, w.say(ja, en), recorded, act)

    step(
        "申出: NDB × 介護 × DPC", "Application: NDB × 介護 × DPC", "application.submitted", lambda: _apply(w)
    )
    step("審査と承諾", "Review and permit", "permit.granted", lambda: review(w, PROJECT))
    step("連結した抽出データ", "Linked extract", "extract.built", lambda: extract(w, permit_id(w, PROJECT)))
    step("ノートブック", "Notebooks", "export.submitted", lambda: _analyse(w))


def application_form(
    say: Callable[[str, str], str], project: str, use_from: str, use_to: str
) -> dict[str, Any]:
    """The form of an application to the three databases, filled in."""
    return {
        "title": say(
            "高齢者の骨折後の医療と介護：軌跡、地域差、糖尿病治療薬の安全性",
            "Care after fractures in old age: trajectories, regional variation, safety of drugs for diabetes",
        ),
        "project": project,
        "purpose": say(
            "大腿骨近位部骨折の前後の要介護度と費用の推移、入院の地域差、糖尿病治療薬と骨折・入院の関係を明らかにする。",
            "To learn how care levels and cost change around a hip fracture, how admissions vary between regions, and "
            "how drugs for diabetes relate to fractures and admissions.",
        ),
        "public_interest": say(
            "骨折の予防と、退院後の介護の体制づくりの根拠になる。",
            "It informs the prevention of fractures and the care that people find when they leave hospital.",
        ),
        "other_data": say(
            "公表された集計表では、同じ人の医療と介護を結び付けられない。",
            "Published tables do not connect one person's medical and long-term care.",
        ),
        "columns": list(COLUMNS),
        **{f"rows.{table}": condition for table, condition in ROWS.items()},
        "links": list(LINKED),
        "linkage_reason": say(
            "入院（DPC）、その前後の受診（NDB）、要介護認定と介護サービス（介護DB）は、同じ人について初めて軌跡になる。",
            "Stay (DPC), care before and after (NDB) and long-term care make a trajectory only for one and the same person.",
        ),
        "members": HANDLER,
        "use_from": use_from,
        "use_to": use_to,
        "output_id": ["t1", "t2", "t3"],
        "output_kind": ["table", "table", "table"],
        "output_title": [
            say("骨折前後の要介護度", "Care levels before and after a hip fracture"),
            say("都道府県別の入院した人の数と割合", "Persons admitted, by prefecture"),
            say("薬・性・年齢階級別の新規使用者", "New users by drug, sex and age band"),
        ],
        "output_dimensions": ["before_group, after_group", "pref_code, sex, admitted", "drug, sex, age_band"],
    }


def _apply(w: Walk) -> str:
    applicant = w.as_person(HANDLER)
    form = application_form(w.say, PROJECT, *use_period())
    # A second line of outputs stands ready on the form; more are asked for with its button.
    page = applicant.send(applicant.get("/applications/new"), "submit-application", **form)
    return str(page.url).rsplit("/", 1)[-1]


def notebooks(folder: Path = NOTEBOOKS) -> Mapping[str, dict[str, Any]]:
    """The project's notebooks by name, in their order."""
    return {path.name: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.ipynb"))}


def code_cells(notebook: Mapping[str, Any]) -> list[str]:
    """The code of a notebook, cell by cell."""
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def _analyse(w: Walk) -> str:
    """Put the notebooks into the home, run the one that submits to its end, and close the workspace."""
    handler = w.as_person(HANDLER)
    base = open_workspace(handler, HANDLER, PROJECT)
    kept = notebooks()
    for name, notebook in kept.items():
        handler.keep_notebook(base, name, notebook)
    handler.remove_file(base, OTHER_PROJECT)
    handler.arrange(base, next(iter(kept)))
    submits = next(notebook for name, notebook in kept.items() if name.startswith(SUBMITS))
    said = handler.run_cells(base, code_cells(submits))
    if any(message["type"] == "error" for messages in said for message in messages):
        raise w.failed("notebook")
    handler.send(handler.get(f"/projects/{PROJECT}"), "stop-workspace")
    shown = "".join(str(m.get("data", {}).get("text/plain", "")) for m in said[-1])
    state = re.search(r"Submission\(\S+ (\w+)\)", shown)
    if state is None or state.group(1) != "queued":
        raise w.failed("submission")
    return w.say(f"{len(kept)} 冊、提出1件", f"{len(kept)} notebooks, one output in")
