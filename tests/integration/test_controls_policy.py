"""The rules of the policy, the machines that may fall silent, and the processes that may die.

Each is taken away in the running system: its guard is seen to fail, and holds again after. A guard is what a test
asserts while the control stands. What is taken away is a rule, a grant, a key, a row or a process of the site itself;
nothing in the code knows that it is tested.
"""

import json
import os
import signal
import ssl
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from enclave.adapters import edge, supervision
from enclave.adapters.custody_client import custody_of
from enclave.adapters.policy_server import PolicyServer
from enclave.app import answers, build_extract
from enclave.config import PREFIX, Site
from enclave.core.event import Actor, Thing
from enclave.demo.visitor import Visitor, forms
from enclave.demo.walk import application_form
from tests.integration.acting import (
    cast,
    clear_queue,
    counted,
    portal_code,
    queue_an_export,
    state_of,
    table_of_sexes,
)
from tests.integration.running_site import (
    ATTACK,
    PROJECT,
    Desk,
    Ground,
    code_of,
    code_told,
    edited_policies,
    until,
)

pytestmark = [pytest.mark.site, pytest.mark.docker]

PERSONS_AS_CELLS = "SELECT pid, count(*) AS n FROM nafld.patients WHERE age > 95 GROUP BY pid"
"""In table form `pid` joins and counts: only the policy keeps it from naming a cell."""

SLOW = "SELECT count(*) AS n FROM nafld.patients a CROSS JOIN nafld.patients b WHERE a.age * b.age % 7 = a.status"
"""Some seconds of work for the engine: whether it ran can be told from the clock."""


EXAMPLES = PREFIX / "app" / "policies" / "examples"


# -- the policy: a rule deleted ------------------------------------------------------------------------
def test_without_its_rule_a_question_that_names_persons_is_answered(
    ground: Ground, desk: Desk, folder: Path
) -> None:
    """A cell per person is refused; with that one rule deleted in the running policy server it comes; and then no more."""
    assert desk.code(PERSONS_AS_CELLS, "table") == "query.key_identifies"
    with ground.policies(edited_policies(folder, "query", 'deny contains "query.key_identifies"')):
        assert desk.ask(PERSONS_AS_CELLS, "table").status_code == 200
    assert desk.code(PERSONS_AS_CELLS, "table") == "query.key_identifies"


def test_a_column_outside_the_permit_has_more_than_one_wall(ground: Ground, desk: Desk, folder: Path) -> None:
    """With the policy's rule deleted it allows the column, and the gateway still refuses: it knows no such name."""
    asked = json.loads((EXAMPLES / "query_rows.json").read_text())["query_rows"]
    asked["facts"]["tables"][0]["columns"].append("weight")
    guard = "query.column_not_permitted"

    def denied() -> set[str]:
        return set(PolicyServer(ground.site.policy_socket).decide("enclave/query/decision", asked)["deny"])

    assert guard in denied()
    with ground.policies(edited_policies(folder, "query", f'deny contains "{guard}"')):
        assert guard not in denied()
        assert desk.code(ATTACK) == guard
    assert guard in denied()


def test_without_its_rule_a_budget_has_no_end(ground: Ground, folder: Path) -> None:
    """A project of one question a day gets no second one, unless the rule is gone."""
    permit = ground.grant("budget", limits={"queries_day": 1})
    build_extract(ground.site, permit.permit_id)
    desk = ground.sit_down("mori", permit)
    desk.rows()
    assert desk.code() == "query.budget_queries"
    with ground.policies(edited_policies(folder, "query", "deny contains sprintf(")):
        desk.rows()
    assert desk.code() == "query.budget_queries"


def test_without_its_rule_one_checker_releases(ground: Ground, desk: Desk, folder: Path) -> None:
    """One approval leaves an export waiting; with the rule of two changed to one, the same vote lets it out."""
    try:
        first, second = queue_an_export(desk), queue_an_export(desk)
        assert cast(ground, "takahashi", first, "approve").status_code == 200
        assert state_of(ground, first) == "queued"
        with ground.policies(
            edited_policies(folder, "export", "approvals_needed :=", "approvals_needed := 1")
        ):
            assert cast(ground, "takahashi", second, "approve").status_code == 200
        assert state_of(ground, second) == "released"
        assert state_of(ground, first) == "queued"
    finally:
        clear_queue(ground)


def test_without_its_rule_a_stranger_gets_a_workspace(ground: Ground, folder: Path) -> None:
    """Who is not a handler gets no container; with the rule of spawns deleted the hub starts one."""
    ground.grant("strangers", handlers=["tanaka"])
    ground.person("mori")
    assert ground.spawn("mori", "strangers") == "permit.not_handler"
    assert ground.containers("mori") == []
    with ground.policies(edited_policies(folder, "spawn", 'deny contains "permit.not_handler"')):
        try:
            assert ground.spawn("mori", "strangers") == "allowed"
            assert ground.containers("mori") == [ground.site.workspace_name("mori", "strangers")]
        finally:
            ground.stop("mori", "strangers")
    assert ground.spawn("mori", "strangers") == "permit.not_handler"


# -- a silent machine ----------------------------------------------------------------------------------
def drafted(visitor: Visitor, project: str) -> tuple[str, dict[str, Any]]:
    """The address of a new application's form, and the form filled in."""
    page = visitor.get("/applications/new")
    form = next(f for f in forms(page) if "submit-application" in f.actions)
    filled = application_form(lambda _ja, en: en, project, "2026-01-01", "2027-12-31")
    filled |= {"members": "tanaka mori", "action": "submit"}
    return form.action or str(page.url), {**form.fields, **filled}


@pytest.mark.parametrize(
    ("program", "code"), [("ledger", "ledger.unavailable"), ("policy", "policy.unavailable")]
)
def test_a_silent_machine_stops_every_step_and_nothing_is_half_done(
    ground: Ground, desk: Desk, program: str, code: str
) -> None:
    """Question, export, vote, application, workspace and extract: each one sentence, no row, no container, no file."""
    site = ground.site
    tanaka = ground.person("tanaka")
    ground.person("takahashi")
    export = queue_an_export(desk)
    table = table_of_sexes(desk)
    later = ground.grant(f"silent{program}")
    address, form = drafted(tanaka, f"typed-{program}")
    page = ground.person("takahashi").get(f"/checks/{export}")
    ballot = next(f for f in forms(page) if "cast-vote" in f.actions)
    vote = {**ballot.fields, "vote": "approve", "comment": ""}
    try:
        before, size = counted(ground), ground.log_size()
        with ground.without(program):
            asked_at = time.monotonic()
            assert desk.code(SLOW) == code
            assert time.monotonic() - asked_at < 20  # the question itself would last for minutes
            assert code_told(lambda language: desk.submit([table], language)) == code
            origin = {"Origin": site.origin}
            if program == "ledger":
                assert portal_code(tanaka, "POST", address, data=form, headers=origin) == code
            checker = ground.person("takahashi")
            assert portal_code(checker, "POST", ballot.action, data=vote, headers=origin) == code
            assert ground.spawn("tanaka", PROJECT) == code
            assert ground.containers("tanaka") == []
            assert code_of(lambda: build_extract(site, later.permit_id, "yamamoto")) == code
            assert not (site.extracts / later.provision).exists()
            if program == "ledger":
                assert counted(ground) == before
        after = counted(ground)
        # Without the policy server a question is still on record, as refused; nothing else is new.
        assert {name for name in before if before[name] != after[name]} <= {"queries", "outbox"}
        assert ground.look("SELECT count(*) FROM queries WHERE state = 'running'") == [(0,)]
        if program == "ledger":
            assert ground.log_size() == size
        # Everything works again, and what was typed can be sent as it was.
        until(lambda: desk.ask().status_code == 200)
        assert desk.submit([table]).status_code == 201
        tanaka.http.post(address, data=form, headers={"Origin": site.origin}).raise_for_status()
        assert ground.look("SELECT state FROM applications WHERE project = ?", f"typed-{program}") == [
            ("submitted",)
        ]
        tanaka.send(tanaka.get(address.replace(site.origin, "")), "withdraw-application")
        assert build_extract(site, later.permit_id)["extract"] == f"{later.provision}/1"
        assert ground.spawn("tanaka", PROJECT) == "allowed"
    finally:
        ground.stop("tanaka", PROJECT)
        clear_queue(ground)
    every_answer_was_recorded_first(ground)


def every_answer_was_recorded_first(ground: Ground) -> None:
    """In the whole log each answered question was authorised before, once; and each row that ended well has both leaves."""
    authorised: set[str] = set()
    answered: set[str] = set()
    for leaf in ground.leaves(project=PROJECT):
        query = leaf["object"]["id"]
        if leaf["action"] == "query.authorised":
            assert query not in authorised
            authorised.add(query)
        if leaf["action"] == "query.answered":
            assert query in authorised
            assert query not in answered
            answered.add(query)
    done = {
        row[0] for row in ground.look("SELECT id FROM queries WHERE state = 'done' AND project = ?", PROJECT)
    }
    assert done == answered


def test_a_silent_ledger_uses_up_no_code_at_the_log_in(ground: Ground) -> None:
    """The log-in is refused with its sentence, and the same one-time code lets the person in afterwards."""
    from enclave.demo.accounts import account
    from enclave.demo.load import fresh_code

    code, password = fresh_code(ground.site, "sato"), account("sato").password
    with ground.without("ledger"):
        answer = Visitor(ground.site).log_in("sato", password, code)
        assert answer.status_code == 503
        assert "ledger.unavailable" in answer.text
        assert "記録台帳が応答しない" in answer.text
        assert "The ledger does not answer" in answer.text
    visitor = Visitor(ground.site)
    assert visitor.log_in("sato", password, code).status_code == 200
    ground.visitors["sato"] = visitor


def test_a_ledger_that_dies_in_mid_answer_lets_no_answer_out(ground: Ground, desk: Desk) -> None:
    """The question was recorded and runs; its end cannot be recorded, so its last batch stays, and its row is closed."""
    rows = "SELECT a.age AS one, b.age AS other FROM nafld.patients a CROSS JOIN nafld.patients b WHERE a.age * b.age % 97 = 1"
    ended: list[bool] = []
    try:
        with pytest.raises(httpx.RemoteProtocolError):
            _read_until(ground, desk, rows, ended)
        assert ended
    finally:
        ground.begin("ledger")
    ((query, state),) = ground.look("SELECT id, state FROM queries ORDER BY asked_at DESC LIMIT 1")
    assert state == "running"
    ground.restart("gateway")
    until(lambda: ground.look("SELECT state FROM queries WHERE id = ?", query) == [("aborted",)])
    actions = [leaf["action"] for leaf in ground.leaves(project=PROJECT) if leaf["object"]["id"] == query]
    assert actions == ["query.authorised", "query.aborted"]
    assert desk.send("GET", f"/v1/queries/{query}").json()["code"] == "query.abandoned"


def _read_until(ground: Ground, desk: Desk, sql: str, ended: list[bool]) -> None:
    """Read an answer piece by piece and end the ledger after the first. Raises where the answer is cut."""
    tls = ssl.create_default_context(cafile=str(ground.site.ca))
    headers = {"Authorization": f"Bearer {desk.token}"}
    with (
        httpx.Client(verify=tls, base_url=ground.site.gateway_url, headers=headers, timeout=60) as http,
        http.stream("POST", "/v1/queries", json={"sql": sql, "form": "rows"}) as answer,
    ):
        assert answer.status_code == 200
        for _piece in answer.iter_raw():
            if not ended:
                ground.end("ledger")
                ended.append(True)


def test_what_waits_for_the_ledger_is_invisible_until_it_is_recorded(ground: Ground, desk: Desk) -> None:
    """An event that committed while the ledger died hides everything until it stands in the log, once."""
    event = edge.event(Actor("operator", "operator"), "test.waiting", Thing("test", edge.new_id()))
    with ground.without("ledger"):
        ground.edit("INSERT INTO outbox (leaf_id, leaf) VALUES (?, ?)", event.id, json.dumps(event.leaf()))
        assert desk.code() == "ledger.unavailable"
        assert portal_code(ground.person("takahashi"), "GET", "/checks") == "ledger.unavailable"
    assert desk.code() == "allowed"
    assert [leaf["id"] for leaf in ground.leaves(action="test.waiting")] == [event.id]


# -- a process killed ----------------------------------------------------------------------------------
def process_of(site: Site, program: str) -> int:
    info = supervision._control(site).supervisor.getProcessInfo(program)
    return int(info["pid"]) if info["statename"] == "RUNNING" else 0  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    "program", ["ledger", "policy", "walls", "custody", "gateway", "portal", "proxy", "hub"]
)
def test_a_killed_service_comes_back_and_the_story_goes_on(ground: Ground, desk: Desk, program: str) -> None:
    """kill -9: the supervisor starts it anew, no child of the dead one stays, and the next question and page are answered."""
    site, before = ground.site, process_of(ground.site, program)
    children = [int(c) for c in Path(f"/proc/{before}/task/{before}/children").read_text().split()]
    os.kill(before, signal.SIGKILL)
    until(lambda: process_of(site, program) not in {0, before} and answers(site, program))
    until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    until(lambda: desk.ask().status_code == 200)
    front = Visitor(site)
    until(lambda: front.http.get("/").status_code == 200)
    if program == "custody":
        assert "nafld" in custody_of(site, "operator").databases()
    if program in {"hub", "proxy"}:
        until(lambda: front.http.get("/hub/login").status_code == 200)
        assert ground.hub("GET", "/users").status_code == 200
