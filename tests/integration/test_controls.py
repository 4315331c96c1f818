"""Each control of the running system, taken away in the running system: its guard is seen to fail, and holds again after.

A guard is what a test asserts while the control stands. What is taken away is a rule, a grant, a key, a row or a process
of the site itself; nothing in the code knows that it is tested. The packet filter and the container's plan have the same
kind of test in `test_workspace_walls`, the hub's own refusals in `test_hub_workspaces`.
"""

import base64
import json
import os
import re
import shutil
import signal
import sqlite3
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from enclave.adapters import edge, ledger_files, ledger_store, signing, supervision
from enclave.adapters.custody_client import custody_of
from enclave.adapters.policy_server import PolicyServer
from enclave.app import answers, build_extract, ledger_of
from enclave.audit.note import Signer, VerifierKey
from enclave.config import PREFIX, Site
from enclave.core.event import Actor, Thing
from enclave.core.refusal import Refused
from enclave.demo.visitor import Visitor, forms
from enclave.demo.walk import application_form
from tests.integration.running_site import (
    ATTACK,
    GOOD,
    PROJECT,
    Desk,
    Ground,
    code_of,
    code_told,
    edited_policies,
    is_a_sentence,
    until,
)

pytestmark = [pytest.mark.site, pytest.mark.docker]

PERSONS_AS_CELLS = "SELECT pid, count(*) AS n FROM nafld.patients WHERE age > 95 GROUP BY pid"
"""In table form `pid` joins and counts: only the policy keeps it from naming a cell."""

SLOW = "SELECT count(*) AS n FROM nafld.patients a CROSS JOIN nafld.patients b WHERE a.age * b.age % 7 = a.status"
"""Some seconds of work for the engine: whether it ran can be told from the clock."""


EXAMPLES = PREFIX / "app" / "policies" / "examples"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the services' users can read."""
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def page_code(answer: httpx.Response, language: str) -> str:
    """The code on a page of the portal, whose sentence is in that language; `allowed` where there is none."""
    found = re.search(r'data-code="([^"]+)"', answer.text)
    if found is None:
        assert answer.status_code < 300
        return "allowed"
    titles = re.findall(r'<h1>(.*?)</h1>|<p class="no-title">(.*?)</p>', answer.text)
    assert any(
        is_a_sentence({"title": title, "hint": "", "code": found.group(1)}, language)
        for pair in titles
        for title in pair
        if title
    ), titles
    return found.group(1)


def portal_code(visitor: Visitor, method: str, path: str, **named: Any) -> str:
    """The code with which the portal refuses, seen in both languages; `allowed` where it does not."""
    headers: Mapping[str, str] = named.pop("headers", {})
    codes = set()
    for language in ("ja", "en"):
        answer = visitor.http.request(method, path, headers={"Accept-Language": language, **headers}, **named)
        codes.add(page_code(answer, language))
    assert len(codes) == 1, codes
    return codes.pop()


def table_of_sexes(desk: Desk) -> dict[str, Any]:
    """A table that may leave: persons by sex."""
    answered = desk.rows(
        "SELECT male, count(*) AS n FROM nafld.patients GROUP BY male ORDER BY male"
    ).to_pydict()
    lines = [f"{male},{n}" for male, n in zip(answered["male"], answered["n"], strict=True)]
    csv = "\n".join(["male,n", *lines, ""])
    return {"kind": "table", "name": "sexes.csv", "csv": csv, "dimensions": ["male"], "counts": ["n"]}


def queue_an_export(desk: Desk) -> str:
    answer = desk.submit([table_of_sexes(desk)])
    assert (answer.status_code, answer.json()["state"]) == (201, "queued"), answer.text
    return str(answer.json()["id"])


def cast(ground: Ground, checker: str, export: str, vote: str) -> httpx.Response:
    visitor = ground.person(checker)
    page = visitor.get(f"/checks/{export}")
    form = next(f for f in forms(page) if "cast-vote" in f.actions)
    data = {**form.fields, "vote": vote, "comment": "Looked at."}
    return visitor.http.post(form.action, data=data, headers={"Origin": ground.site.origin})


def state_of(ground: Ground, export: str) -> str:
    return str(ground.look("SELECT state FROM exports WHERE id = ?", export)[0][0])


def clear_queue(ground: Ground) -> None:
    """Whatever these tests left waiting is turned down, as a checker would."""
    for (export,) in ground.look("SELECT id FROM exports WHERE state = 'queued' AND project = ?", PROJECT):
        for checker in ("takahashi", "ito"):
            if state_of(ground, export) == "queued" and not ground.look(
                "SELECT 1 FROM votes WHERE export = ? AND checker = ?", export, checker
            ):
                cast(ground, checker, export, "reject")
        assert state_of(ground, export) != "queued"


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


def counted(ground: Ground) -> dict[str, int]:
    """Rows of everything that a story changes."""
    tables = (
        "queries",
        "exports",
        "export_files",
        "votes",
        "applications",
        "permits",
        "workspace_sessions",
        "outbox",
    )
    return {name: int(ground.look(f"SELECT count(*) FROM {name}")[0][0]) for name in tables}


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
            assert time.monotonic() - asked_at < 1.5
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
    until(lambda: process_of(site, program) not in {0, before} and answers(site, program), 40)
    until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    until(lambda: desk.ask().status_code == 200)
    front = Visitor(site)
    until(lambda: front.http.get("/").status_code == 200)
    if program == "custody":
        assert "nafld" in custody_of(site, "operator").databases()
    if program in {"hub", "proxy"}:
        until(lambda: front.http.get("/hub/login").status_code == 200)
        assert ground.hub("GET", "/users").status_code == 200


# -- sessions ------------------------------------------------------------------------------------------
def test_a_session_is_worth_its_own_address_only(ground: Ground, desk: Desk) -> None:
    """The same token from another address is refused; with that address written into its row the guard is gone."""
    stolen = Desk(ground.site, desk.token, desk.session, "127.0.0.1")
    assert (desk.code(), stolen.code()) == ("allowed", "session.address")
    try:
        ground.edit("UPDATE workspace_sessions SET address = '127.0.0.1' WHERE id = ?", desk.session)
        assert stolen.code() == "allowed"
    finally:
        ground.edit("UPDATE workspace_sessions SET address = ? WHERE id = ?", desk.address, desk.session)
    assert stolen.code() == "session.address"


def test_one_row_ends_a_session_within_a_second(ground: Ground, desk: Desk) -> None:
    """Revoked in the records, it is refused at the next question; the row given back, it works again."""
    assert desk.code() == "allowed"
    now = edge.now().isoformat().replace("+00:00", "Z")
    try:
        ground.edit("UPDATE workspace_sessions SET revoked_at = ? WHERE id = ?", now, desk.session)
        began = time.monotonic()
        assert desk.code() == "session.ended"
        assert time.monotonic() - began < 1.0
    finally:
        ground.edit("UPDATE workspace_sessions SET revoked_at = NULL WHERE id = ?", desk.session)
    assert desk.code() == "allowed"


def test_a_session_past_its_hour_has_ended(ground: Ground, desk: Desk) -> None:
    """Time is the server's; an hour put off lets it live."""
    kept = ground.look("SELECT expires_at FROM workspace_sessions WHERE id = ?", desk.session)[0][0]
    try:
        ground.edit(
            "UPDATE workspace_sessions SET expires_at = '2026-01-01T00:00:00Z' WHERE id = ?", desk.session
        )
        assert desk.code() == "session.ended"
    finally:
        ground.edit("UPDATE workspace_sessions SET expires_at = ? WHERE id = ?", kept, desk.session)
    assert desk.code() == "allowed"


def test_a_suspended_person_asks_nothing(ground: Ground, desk: Desk) -> None:
    """`active` taken from the person ends every session of theirs at once."""
    try:
        ground.edit("UPDATE persons SET active = 0 WHERE id = 'mori'")
        assert desk.code() == "session.ended"
    finally:
        ground.edit("UPDATE persons SET active = 1 WHERE id = 'mori'")
    assert desk.code() == "allowed"


INSIDE = """
import json, ssl, sys, urllib.request, urllib.error
token = {token}
session = json.load(open("/run/enclave/session.json"))
tls = ssl.create_default_context(cafile="/run/enclave/ca.pem")
body = json.dumps({{"sql": {sql!r}, "form": "rows"}}).encode()
request = urllib.request.Request(session["gateway"] + "/v1/queries", body,
    {{"Authorization": "Bearer " + token, "Content-Type": "application/json"}})
try:
    print(urllib.request.urlopen(request, timeout=20, context=tls).status)
except urllib.error.HTTPError as error:
    print(json.loads(error.read())["code"])
"""
OWN = 'json.load(open("/run/enclave/session.json"))["token"]'
HUBS = 'open("/run/enclave/hub-token").read().strip()'


def inside(ground: Ground, person: str, token: str) -> str:
    """What a question gets that is asked from within a person's workspace."""
    name = ground.site.workspace_name(person, PROJECT)
    words = [
        "docker",
        "exec",
        name,
        "/opt/analysis/bin/python",
        "-I",
        "-c",
        INSIDE.format(token=token, sql=GOOD),
    ]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def test_a_real_workspace_is_heard_with_its_own_token_only(ground: Ground) -> None:
    """From inside: the session's token works, the hub's does not, a neighbour's does not, and one row ends it all."""
    ground.person("tanaka")
    neighbour = ground.sit_down("mori")
    assert ground.spawn("tanaka", PROJECT) == "allowed"
    try:
        assert inside(ground, "tanaka", OWN) == "200"
        assert inside(ground, "tanaka", HUBS) == "session.unknown"
        assert inside(ground, "tanaka", repr(neighbour.token)) == "session.address"
        folder = ground.site.workspaces / f"tanaka--{PROJECT}" / "session.json"
        token = json.loads(folder.read_text())["token"]
        assert Desk(ground.site, token).code() == "session.address"
        now = edge.now().isoformat().replace("+00:00", "Z")
        ground.edit("UPDATE workspace_sessions SET revoked_at = ? WHERE person = 'tanaka'", now)
        assert inside(ground, "tanaka", OWN) == "session.ended"
    finally:
        ground.stop("tanaka", PROJECT)


# -- the permit ----------------------------------------------------------------------------------------
def test_an_edited_permit_is_no_permit(ground: Ground, desk: Desk) -> None:
    """One more column written into the envelope: refused at question, workspace and extract, until the old one is back."""
    ground.person("tanaka")
    this = ground.permit.permit_id, ground.permit.revision
    ((kept,),) = ground.look("SELECT envelope FROM permits WHERE permit_id = ? AND revision = ?", *this)
    envelope = json.loads(kept)
    payload = json.loads(base64.b64decode(envelope["payload"]))
    payload["databases"]["nafld"]["patients"]["columns"].append("weight")
    envelope["payload"] = base64.b64encode(signing.canonical(payload)).decode()
    put = "UPDATE permits SET envelope = ? WHERE permit_id = ? AND revision = ?"
    try:
        ground.edit(put, json.dumps(envelope), *this)
        assert desk.code() == "permit.signature"
        assert ground.spawn("tanaka", PROJECT) == "permit.signature"
        assert code_of(lambda: build_extract(ground.site, ground.permit.permit_id)) == "permit.signature"
        # Past the portal's records: custody itself holds the envelope against the key.
        client = custody_of(ground.site, "operator")
        actor = {"person": "yamamoto", "role": "custodian"}
        assert code_of(lambda: client.extract(envelope, actor=actor)) == "permit.signature"
        assert (
            code_of(
                lambda: custody_of(ground.site, "gateway").open(
                    ground.permit.provision, None, envelope, session="s-1"
                )
            )
            == "permit.signature"
        )
    finally:
        ground.edit(put, kept, *this)
    assert desk.code() == "allowed"
    assert ground.containers("tanaka") == []


def test_a_permit_is_worth_the_key_that_signed_it(ground: Ground) -> None:
    """A permit by another key is refused everywhere; with that key among the trusted ones it opens an extract."""
    thief = Ed25519PrivateKey.generate()
    trusted = signing.trusted_file(ground.site)
    kept = trusted.read_text()
    forged = ground.drawn_up("forged")
    ground.enter_permit(forged, thief)
    desk = ground.sit_down("mori", forged)
    ground.person("tanaka")
    assert desk.code() == "permit.signature"
    assert ground.spawn("tanaka", "forged") == "permit.signature"
    assert code_of(lambda: build_extract(ground.site, forged.permit_id)) == "permit.signature"
    try:
        trusted.write_text(kept + signing.public_text(thief))
        build_extract(ground.site, forged.permit_id)
        assert desk.code() == "allowed"
    finally:
        trusted.write_text(kept)
    assert desk.code() == "permit.signature"


def test_an_expired_permit_opens_nothing(ground: Ground) -> None:
    """Properly signed and ended an hour ago: refused at workspace, question, export and extract; a new one in force opens."""
    past = ground.grant("ended", ends=-timedelta(hours=1))
    ground.person("tanaka")
    desk = ground.sit_down("mori", past)
    assert ground.spawn("tanaka", "ended") == "permit.expired"
    assert ground.containers("tanaka") == []
    assert desk.code() == "permit.expired"
    table = {"kind": "table", "name": "t", "csv": "male,n\n0,100\n", "dimensions": ["male"], "counts": ["n"]}
    before = counted(ground)
    assert code_told(lambda language: desk.submit([table], language)) == "permit.expired"
    assert code_of(lambda: build_extract(ground.site, past.permit_id)) == "permit.expired"
    assert counted(ground)["exports"] == before["exports"]
    renewed = ground.grant("ended")
    build_extract(ground.site, past.permit_id)
    assert desk.code() == "session.permit_changed"
    assert ground.sit_down("mori", renewed).code() == "allowed"


# -- the log -------------------------------------------------------------------------------------------
def copied(site: Site, place: Path) -> tuple[Path, VerifierKey]:
    key = ledger_files.read_verifier_key(site.log)
    ledger_files.export_log(site.log, place, key)
    return place, key


def bundles(folder: Path) -> list[Path]:
    return sorted(p for p in (folder / "tile" / "entries").rglob("*") if p.is_file())


def test_an_edited_entry_is_named(ground: Ground, tmp_path: Path) -> None:
    """In the running ledger's own files one letter of an entry is changed: verifying names its index, and only then."""
    site, key = ground.site, ledger_files.read_verifier_key(ground.site.log)
    whole = ledger_files.verify_directory(site.log, key)
    file = max(bundles(site.log), key=lambda p: p.stat().st_mtime_ns)
    raw = file.read_bytes()
    at = raw.rindex(b'"person":"')
    edited = bytearray(raw)
    edited[at + 10] ^= 1
    mode = file.stat().st_mode
    try:
        file.write_bytes(edited)
        with pytest.raises(Refused) as no:
            ledger_files.verify_directory(site.log, key)
        assert no.value.code == "audit.entry_altered"
        assert isinstance(no.value.facts["index"], int)
        assert no.value.facts["index"] < whole.size
        told = subprocess.run(
            ["/opt/enclave/venv/bin/python", "-P", "-m", "enclave", "audit", "verify", "--site", site.name],
            capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "ja_JP.UTF-8"},
        )  # fmt: skip
        assert told.returncode == 3
        assert f"記録 {no.value.facts['index']} が書き換えられています" in told.stderr
    finally:
        file.write_bytes(raw)
        file.chmod(mode)
    assert ledger_files.verify_directory(site.log, key).size >= whole.size


def test_a_ledger_whose_database_was_edited_does_not_go_on(ground: Ground, desk: Desk) -> None:
    """Its owner's triggers removed and an entry rewritten: the ledger refuses to start, and nothing is done without it."""
    place = ground.site.ledger / "ledger.sqlite"
    ground.end("ledger")
    with sqlite3.connect(place) as database:
        database.execute("DROP TRIGGER entries_stay")
        last, kept = database.execute("SELECT idx, entry FROM entries ORDER BY idx DESC LIMIT 1").fetchone()
        database.execute(
            "UPDATE entries SET entry = ? WHERE idx = ?", (kept.replace(b'"v":1', b'"v":2'), last)
        )
    _owned_again(ground.site)
    log = ground.site.logs / "ledger.log"
    said = len(log.read_bytes())
    try:
        with suppress(Fault):
            supervision.start_program(ground.site, "ledger")
        until(lambda: b"database_altered" in log.read_bytes()[said:])
        assert desk.code() == "ledger.unavailable"
    finally:
        supervision.stop_program(ground.site, "ledger")
        with sqlite3.connect(place) as database:
            database.execute("DROP TRIGGER IF EXISTS entries_stay")
            database.execute("UPDATE entries SET entry = ? WHERE idx = ?", (kept, last))
            database.executescript(ledger_store.SCHEMA)
        _owned_again(ground.site)
        ground.begin("ledger")
    assert desk.code() == "allowed"


def _owned_again(site: Site) -> None:
    for file in site.ledger.glob("ledger.sqlite*"):
        shutil.chown(file, "enclave-ledger")


def test_a_log_signed_anew_convinces_nobody_who_kept_the_key(ground: Ground, tmp_path: Path) -> None:
    """Whoever rewrites entries and signs them with a key of their own is believed by the copy's own key file alone."""
    from tests.fakes.log_copy import files_of

    place, kept = copied(ground.site, tmp_path / "copy")
    size = ledger_files.verify_directory(place, kept).size
    forger = Signer(kept.name, Ed25519PrivateKey.generate())
    from enclave.audit import tiles

    entries: list[bytes] = []
    for tile in tiles.tiles_of_level(size, None):
        found, _rest = tiles.unpack_entries(ledger_files.read_tile(place, tile), tile.width)
        entries += found
    forged = tmp_path / "forged"
    for name, data in files_of([entries[0], *entries[2:]], forger).items():
        (forged / name).parent.mkdir(parents=True, exist_ok=True)
        (forged / name).write_bytes(data)
    assert ledger_files.verify_directory(forged, ledger_files.read_verifier_key(forged)).size == size - 1
    assert code_of(lambda: ledger_files.verify_directory(forged, kept)) == "audit.checkpoint_signature"
    earlier = (place / "checkpoint").read_bytes()
    assert code_of(lambda: ledger_files.verify_directory(forged, forger.verifier, earlier)).startswith(
        "audit."
    )


# -- the extract ---------------------------------------------------------------------------------------
def test_an_extract_with_a_byte_changed_never_answers_wrongly(ground: Ground) -> None:
    """The cipher's own check refuses every block that was changed; what does not come from such a block is as it was."""
    permit = ground.grant("flipped")
    build_extract(ground.site, permit.permit_id)
    file = max(
        (ground.site.extracts / permit.provision).glob("*/extract.duckdb"), key=lambda p: p.stat().st_mtime
    )
    raw, everything = file.read_bytes(), "SELECT age, male, status FROM nafld.patients"
    right = ground.sit_down("mori", permit).rows(everything)
    codes = []
    try:
        for place in (len(raw) // 2, len(raw) - 2000, 9000):
            changed = bytearray(raw)
            changed[place] ^= 1
            _rewrite(file, bytes(changed))
            ground.restart("gateway")
            desk = ground.sit_down("mori", permit)
            codes.append(desk.code(everything))
            if codes[-1] == "allowed":
                assert desk.rows(everything).equals(right)
    finally:
        _rewrite(file, raw)
        ground.restart("gateway")
    assert "query.extract_unreadable" in codes
    assert set(codes) <= {"query.extract_unreadable", "allowed"}
    assert ground.sit_down("mori", permit).rows(everything).equals(right)


def _rewrite(file: Path, data: bytes) -> None:
    with file.open("r+b") as out:
        out.write(data)


def test_an_extract_without_its_key_is_noise(ground: Ground) -> None:
    """No name of a table or column stands in the file, and the engine opens it with custody's key alone."""
    import duckdb

    file = ground.site.extracts / ground.permit.provision / "1" / "extract.duckdb"
    raw = file.read_bytes()
    assert not any(word in raw for word in (b"patients", b"status", b"nafld"))
    with pytest.raises(duckdb.Error), duckdb.connect() as connection:
        connection.execute(f"ATTACH '{file}' AS x (READ_ONLY)")
    opened = custody_of(ground.site, "gateway").open(
        ground.permit.provision, None, signed(ground), session="s-test", person="mori"
    )
    assert opened.key
    # The same permit, the same extract: another caller than the gateway gets no key.
    operator = custody_of(ground.site, "operator")
    assert (
        code_of(
            lambda: operator.open(
                ground.permit.provision, None, signed(ground), session="s-test", person="mori"
            )
        )
        != "allowed"
    )


def signed(ground: Ground) -> Mapping[str, Any]:
    from enclave.adapters.permit_records import permit_by_id

    trusted = signing.load_trusted(signing.trusted_file(ground.site))
    return permit_by_id(ground.records, ground.permit.permit_id, trusted).envelope


# -- the portal ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://tanaka.enclave-work.localhost:{port}"},
        {"Origin": "{origin}", "Sec-Fetch-Site": "same-site"},
        {"Origin": "{origin}", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
    ],
)
def test_a_notebooks_script_moves_nothing_in_the_portal(ground: Ground, headers: dict[str, str]) -> None:
    """With valid cookies and a valid token, a request that says it comes from elsewhere is refused; the twin from here works."""
    tanaka, site = ground.person("tanaka"), ground.site
    token = re.search(r'name="csrf" value="([^"]+)"', tanaka.get(f"/projects/{PROJECT}").text)
    assert token is not None
    path, data = f"/projects/{PROJECT}/workspace/stop", {"csrf": token.group(1)}
    said = {name: value.format(origin=site.origin, port=site.https_port) for name, value in headers.items()}
    assert portal_code(tanaka, "POST", path, data=data, headers=said) == "session.cross_site"
    assert portal_code(tanaka, "POST", path, data=data, headers={"Origin": site.origin}) == "allowed"
    without = {"Origin": site.origin}
    assert portal_code(tanaka, "POST", path, data={}, headers=without) == "session.cross_site"


def test_a_role_taken_away_closes_its_pages_at_the_next_request(ground: Ground) -> None:
    """The checker's role revoked in the records: queue and vote are closed at once, and open again when it is given back."""
    checker = ground.person("takahashi")
    assert portal_code(checker, "GET", "/checks") == "allowed"
    assert portal_code(checker, "GET", "/log") == "session.role_missing"
    revoke = "UPDATE person_roles SET revoked_at = ? WHERE person = 'takahashi'"
    try:
        ground.edit(revoke, "2026-01-01T00:00:00Z")
        assert portal_code(checker, "GET", "/checks") == "session.role_missing"
    finally:
        ground.edit(revoke, None)
    assert portal_code(checker, "GET", "/checks") == "allowed"
    try:
        ground.edit(
            "INSERT INTO person_roles (person, role, granted_at) VALUES ('takahashi', 'auditor', '2026-01-01T00:00:00Z')"
        )
        assert portal_code(checker, "GET", "/log") == "allowed"
    finally:
        ground.edit("DELETE FROM person_roles WHERE person = 'takahashi' AND role = 'auditor'")
    assert portal_code(checker, "GET", "/log") == "session.role_missing"


def test_a_released_file_that_was_changed_does_not_leave(ground: Ground, desk: Desk) -> None:
    """A byte changed in the records' blob after the votes: no download; put back, the very bytes that were checked."""
    export = queue_an_export(desk)
    for checker in ("takahashi", "ito"):
        cast(ground, checker, export, "approve")
    assert state_of(ground, export) == "released"
    ((digest,),) = ground.look("SELECT digest FROM export_files WHERE export = ?", export)
    name = digest.removeprefix("sha256:")
    blob = ground.site.blobs / name[:2] / name
    raw = blob.read_bytes()
    path = f"/projects/{PROJECT}/exports/{export}/files/0"
    tanaka = ground.person("tanaka")
    before = len(ground.leaves(action="export.downloaded", project=PROJECT))
    try:
        blob.write_bytes(raw.replace(b"0", b"1", 1))
        assert portal_code(tanaka, "GET", path) == "export.bytes_changed"
    finally:
        blob.write_bytes(raw)
    assert tanaka.get(path).content == raw
    assert len(ground.leaves(action="export.downloaded", project=PROJECT)) == before + 1


def test_the_ledger_takes_entries_from_its_callers_only(ground: Ground) -> None:
    """Without a caller's token nothing is appended and nothing read; a service that may only append reads nothing."""
    from enclave.adapters.ledger_client import LedgerClient
    from enclave.audit.ledger import Sought

    event = edge.event(Actor("x", "service"), "test.forged", Thing("test", "x"))
    stranger = LedgerClient(ground.site.ledger_socket, "not a token")
    assert code_of(lambda: stranger.append([event])) != "allowed"
    gateway = LedgerClient(
        ground.site.ledger_socket, (ground.site.secrets / "gateway" / "ledger.token").read_text()
    )
    assert code_of(lambda: gateway.search(Sought(limit=1))) != "allowed"
    assert ground.leaves(action="test.forged") == []
    assert ledger_of(ground.site, "operator").search(Sought(limit=1)).entries
