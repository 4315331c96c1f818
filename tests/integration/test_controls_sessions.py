"""Sessions of workspaces, permits, and what the portal lets a person do.

Each is taken away in the running system: its guard is seen to fail, and holds again after. A guard is what a test
asserts while the control stands. What is taken away is a rule, a grant, a key, a row or a process of the site itself;
nothing in the code knows that it is tested. The packet filter
and the container's plan have the same kind of test in `test_workspace_walls`, the hub's own refusals in
`test_hub_workspaces`.
"""

import base64
import json
import re
import subprocess
import time
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from enclave.adapters import edge, signing
from enclave.adapters.custody_client import custody_of
from enclave.app import build_extract
from tests.integration.acting import (
    cast,
    counted,
    portal_code,
    queue_an_export,
    state_of,
)
from tests.integration.running_site import (
    GOOD,
    PROJECT,
    Desk,
    Ground,
    code_of,
    code_told,
)

pytestmark = [pytest.mark.site, pytest.mark.docker]


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
        assert time.monotonic() - began < 10  # nothing is kept that would have to grow old first
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
