"""The hub as it runs: its own user, the real proxy, ledger, policy and packet filter, real containers, real requests."""

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from enclave.adapters import edge
from enclave.adapters import records_schema as t
from enclave.adapters.containers import Containers
from enclave.adapters.permit_records import why_ended
from enclave.core.clock import rfc3339
from enclave.hub.sweep import EVERY
from tests.integration.hub_site import PASSWORD, SITE, HubSite, containers_of, running, until

pytestmark = pytest.mark.docker

PYTHON = "/opt/analysis/bin/python"


@pytest.fixture(scope="module")
def hub() -> Iterator[HubSite]:
    """One site for the module; each test leaves no workspace behind."""
    with running() as here:
        here.grant("nafld-fib", ("tanaka", "mori"))
        here.grant("second", ("tanaka",))
        for person in ("tanaka", "mori"):
            with here.browser() as browser:
                assert here.log_in(browser, person).status_code == 302
        yield here


@pytest.fixture(autouse=True)
def _no_workspace_left(hub: HubSite) -> Iterator[None]:
    yield
    with hub.portal() as portal:
        for person in ("tanaka", "mori"):
            for name in portal.get(f"/users/{person}").json().get("servers") or {}:
                portal.delete(f"/users/{person}/servers/{name}")
    until(lambda: not containers_of("tanaka") + containers_of("mori"))


def start(hub: HubSite, person: str, project: str, **body: Any) -> httpx.Response:
    with hub.portal() as portal:
        return portal.post(f"/users/{person}/servers/{project}", **({"json": body} if body else {}))


def message(response: httpx.Response) -> str:
    return str(response.json()["message"])


def inside(person: str, project: str, code: str) -> str:
    words = ["docker", "exec", SITE.workspace_name(person, project), PYTHON, "-I", "-c", code]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def sessions(hub: HubSite, person: str) -> list[Any]:
    rows = t.workspace_sessions
    with hub.records.read() as connection:
        return list(
            connection.execute(sa.select(rows).where(rows.c.person == person).order_by(rows.c.started_at))
        )


# -- logging in -------------------------------------------------------------------------------------
def test_password_and_code_let_a_person_in_and_it_is_recorded(hub: HubSite) -> None:
    """Both in one form; the cookies are for this host, for TLS and for no script; the log names the person."""
    before = len(hub.leaves("session.login", "tanaka"))
    with hub.browser() as browser:
        answer = hub.log_in(browser, "tanaka")
    assert (answer.status_code, answer.headers["location"]) == (302, f"{SITE.origin}/")
    cookies = answer.headers.get_list("set-cookie")
    login = next(c for c in cookies if c.startswith("__Host-jupyterhub-hub-login="))
    assert all(word in login for word in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/"))
    assert "Domain" not in login
    assert all("Secure" in c and "SameSite=Lax" in c for c in cookies)
    leaves = hub.leaves("session.login", "tanaka")
    assert len(leaves) == before + 1
    assert leaves[-1]["outcome"] == "ok"


def test_a_code_works_once(hub: HubSite) -> None:
    """The same code again is refused, and says so only to someone who knows the password."""
    code = hub.code("tanaka")
    with hub.browser() as browser:
        assert hub.log_in(browser, "tanaka", code=code).status_code == 302
    with hub.browser() as browser:
        again = hub.log_in(browser, "tanaka", code=code)
        assert again.status_code == 401
        assert "session.otp_used" in again.text
        assert "使用済み" in again.text
        assert "Each code works once" in again.text
        wrong = hub.log_in(browser, "tanaka", password="another", code=code)
        assert "session.login_failed" in wrong.text
        assert "otp_used" not in wrong.text
    assert hub.leaves("session.login", "tanaka")[-1]["codes"] == ["session.login_failed"]
    with hub.browser() as browser:
        assert hub.log_in(browser, "tanaka").status_code == 302


def test_a_name_that_nobody_has_is_answered_alike_and_written_nowhere(hub: HubSite) -> None:
    """An unknown name, an impossible one and one of a megabyte get the sentence of a wrong password; no log holds them."""
    with hub.browser() as browser:
        known = hub.log_in(browser, "mori", password="wrong")
        unknown = hub.log_in(browser, "nobodyatall", code="123456")
        impossible = hub.log_in(browser, "my secret passphrase", code="123456")
        huge = hub.log_in(browser, "x" * 1_000_000, code="123456")
    for answer in (known, unknown, impossible, huge):
        assert answer.status_code == 401
        assert "session.login_failed" in answer.text
    assert not hub.leaves("session.login", "nobodyatall")
    assert "secret passphrase" not in hub.log("hub")
    assert len(hub.log("hub")) < 200_000


def test_failures_have_to_wait_and_a_right_password_waits_too(hub: HubSite) -> None:
    """After some failures nothing is looked at for a while; another person is not held up."""
    with hub.browser() as browser:
        answers = [hub.log_in(browser, "mallory", code="123456") for _ in range(7)]
        assert [a.status_code for a in answers] == [401] * 5 + [429] * 2
        assert "session.too_many_failures" in answers[-1].text
        assert hub.log_in(browser, "tanaka").status_code == 302


def test_a_form_from_elsewhere_is_refused(hub: HubSite) -> None:
    """Without the token of the login page nobody is logged in, not even with the right password."""
    with hub.browser() as browser:
        form = {"username": "tanaka", "password": PASSWORD, "otp": hub.code("tanaka")}
        assert browser.post("/hub/login", data=form).status_code == 403
        assert "__Host-jupyterhub-hub-login" not in browser.cookies


@pytest.mark.parametrize(
    "target", ["//evil.test", "https://evil.test/", "/\\evil.test", "%2f%2fevil.test", "///evil.test"]
)
def test_a_login_leads_to_this_site_only(hub: HubSite, target: str) -> None:
    """Whatever `next` says, the browser stays on this host."""
    with hub.browser() as browser:
        hub.log_in(browser, "tanaka")
        answer = browser.get("/hub/login", params={"next": target})
        place = httpx.URL(SITE.origin).join(answer.headers["location"])
        assert (place.host, place.port) == (SITE.hub_host, SITE.https_port)


def test_pages_of_the_hub_run_no_script_and_speak_both_languages(hub: HubSite) -> None:
    """The policy allows no script; login and error pages hold Japanese and English and no English default of JupyterHub."""
    with hub.browser() as browser:
        login, absent = browser.get("/hub/login"), browser.get("/hub/no-such-page")
        missing = browser.get(f"{SITE.workspace_origin('tanaka')}/user/tanaka/nafld-fib/")
    assert login.headers["content-security-policy"].startswith("default-src 'none'")
    for page, words in (
        (login, ("ログイン", "Log in")),
        (absent, ("ありません", "no such page")),
        (missing, ("終了", "ended")),
    ):
        assert "<script" not in page.text
        # The proxy's own error page comes without the hub's headers: the policy stands in the page as well.
        assert """http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;""" in page.text
        assert all(word in page.text for word in words)
        assert 'href="https://enclave.localhost' in page.text


# -- starting ---------------------------------------------------------------------------------------
def test_a_workspace_starts_behind_its_walls_with_nothing_secret_in_view(hub: HubSite) -> None:
    """The portal starts it; session and event are on record; the tokens lie in files that only the workspace reads."""
    assert start(hub, "tanaka", "nafld-fib").status_code == 201
    session = sessions(hub, "tanaka")[-1]
    assert session.revoked_at is None
    assert session.address == inside(
        "tanaka", "nafld-fib", "import socket; print(socket.gethostbyname(socket.gethostname()))"
    )
    token = json.loads(inside("tanaka", "nafld-fib", "print(open('/run/enclave/session.json').read())"))[
        "token"
    ]
    assert session.token_digest == edge.token_digest(token)
    hub_token = inside("tanaka", "nafld-fib", "print(open('/run/enclave/hub-token').read())")
    inspected = json.dumps(Containers().inspect(SITE.workspace_name("tanaka", "nafld-fib")))
    assert token not in inspected
    assert hub_token not in inspected
    assert "API_TOKEN" not in inspected
    kernel = inside(
        "tanaka",
        "nafld-fib",
        "print(b''.join(open(f'/proc/{p}/environ','rb').read() for p in __import__('os').listdir('/proc') if p.isdigit()))",
    )
    assert hub_token not in kernel
    folder = SITE.workspaces / "tanaka--nafld-fib"
    for user in ("enclave-gateway", "enclave-portal", "nobody"):
        seen = subprocess.run(
            ["runuser", "-u", user, "--", "cat", str(folder / "session.json")],
            capture_output=True,
            check=False,
        )
        assert seen.returncode != 0
    assert hub.leaves("workspace.started", "tanaka")[-1]["permit"] == "p-2026-nafld-fib@1"


def test_what_a_user_asks_for_changes_nothing(hub: HubSite) -> None:
    """Options that name an image, mounts, an environment or a command start the same plan as none."""
    wishes = {
        "image": "alpine",
        "volumes": {"/": "/host"},
        "environment": {"X": "1"},
        "cmd": ["sh"],
        "privileged": True,
    }
    assert start(hub, "tanaka", "nafld-fib", user_options=wishes).status_code == 201
    inspected = Containers().inspect(SITE.workspace_name("tanaka", "nafld-fib"))
    assert inspected is not None
    assert inspected["Image"] == Containers().image("enclave-analysis:current")[0]
    assert {m["Destination"] for m in inspected["Mounts"] if m["Type"] != "tmpfs"} == {
        "/home/researcher",
        "/run/enclave",
    }
    assert "X=1" not in inspected["Config"]["Env"]
    assert inspected["HostConfig"]["Privileged"] is False


@pytest.mark.parametrize(
    ("person", "project", "code"),
    [
        ("mori", "second", "permit.not_handler"),
        ("tanaka", "no-such", "permit.unknown"),
        ("tanaka", "ended", "permit.expired"),
    ],
)
def test_who_has_no_permit_in_force_gets_no_container(
    hub: HubSite, person: str, project: str, code: str
) -> None:
    """Not a handler, no such project, an expired permit: the code says which, it is recorded, and nothing was started."""
    if project == "ended":
        hub.grant("ended", ("tanaka",), days=-1)
    answer = start(hub, person, project)
    assert answer.status_code in (403, 404)
    assert f"[{code}]" in message(answer)
    assert containers_of(person) == []
    leaf = hub.leaves("workspace.refused", person)[-1]
    assert (leaf["codes"], leaf["outcome"], leaf["project"]) == ([code], "refused", project)


def test_a_server_without_a_name_is_refused(hub: HubSite) -> None:
    """Every workspace belongs to a project; a name that no project can have is refused as well."""
    with hub.portal() as portal:
        assert "[session.unnamed]" in message(portal.post("/users/tanaka/server"))
        for name in ("Not_A_Project", "a" * 31, "a.b", "a%2fb"):
            assert portal.post(f"/users/tanaka/servers/{name}").status_code in (400, 404), name
    assert containers_of("tanaka") == []


@pytest.mark.parametrize(
    ("service", "code"),
    [("ledger", "ledger.unavailable"), ("policy", "policy.unavailable"), ("walls", "session.wall_missing")],
)
def test_nothing_starts_while_a_guard_is_silent(hub: HubSite, service: str, code: str) -> None:
    """Ledger, policy server or the packet filter's guard ended: one clear code, no container; afterwards it works again."""
    hub.end(service)
    try:
        answer = start(hub, "tanaka", "nafld-fib")
        assert (answer.status_code, f"[{code}]" in message(answer)) == (503, True), answer.text
        assert containers_of("tanaka") == []
        assert not (SITE.workspaces / "tanaka--nafld-fib").exists()
    finally:
        hub.start(service)
        _ready_again(hub, service)
    assert start(hub, "tanaka", "nafld-fib").status_code == 201


def _ready_again(hub: HubSite, service: str) -> None:
    from enclave.app import answers

    until(lambda: answers(SITE, service))


def test_one_workspace_at_a_time_and_each_project_its_own_home(hub: HubSite) -> None:
    """A second project ends the first: container, session, route; both homes keep what was written."""
    assert start(hub, "tanaka", "nafld-fib").status_code == 201
    inside("tanaka", "nafld-fib", "open('/home/researcher/note', 'w').write('kept')")
    assert start(hub, "tanaka", "second").status_code == 201
    assert containers_of("tanaka") == [SITE.workspace_name("tanaka", "second")]
    assert inside("tanaka", "second", "import os; print(os.path.exists('/home/researcher/note'))") == "False"
    assert [s.project for s in sessions(hub, "tanaka") if s.revoked_at is None] == ["second"]
    with hub.browser() as browser:
        assert browser.get(f"{SITE.workspace_origin('tanaka')}/user/tanaka/nafld-fib/api").status_code == 404
    assert start(hub, "tanaka", "nafld-fib").status_code == 201
    assert inside("tanaka", "nafld-fib", "print(open('/home/researcher/note').read())") == "kept"


def test_stopping_leaves_nothing_but_the_home(hub: HubSite) -> None:
    """Container, network and folder are gone, the session is revoked, the end is on record."""
    start(hub, "tanaka", "nafld-fib")
    name = SITE.workspace_name("tanaka", "nafld-fib")
    with hub.portal() as portal:
        assert portal.delete("/users/tanaka/servers/nafld-fib").status_code == 204
    containers = Containers()
    assert containers.inspect(name) is None
    assert containers.inspect_network(name) is None
    assert not (SITE.workspaces / "tanaka--nafld-fib").exists()
    assert containers.client.inspect_volume(SITE.home_volume("tanaka", "nafld-fib"))
    assert all(s.revoked_at for s in sessions(hub, "tanaka"))
    assert hub.leaves("workspace.stopped", "tanaka")[-1]["outcome"] == "ok"


# -- what a workspace and a person may do at the hub --------------------------------------------------
API = """
import json, urllib.request, urllib.error
token = open("/run/enclave/hub-token").read().strip()
base = "http://%s:%d/hub/api"
def ask(method, place, body=None):
    request = urllib.request.Request(base + place, method=method, data=body, headers={"Authorization": "token " + token})
    try:
        return urllib.request.urlopen(request, timeout=60).status
    except urllib.error.HTTPError as error:
        return error.code
print(json.dumps([ask(*a) for a in %r]))
"""


def test_a_workspaces_token_is_worth_its_own_server_only(hub: HubSite) -> None:
    """Other people, tokens, servers, routes and the hub itself are closed to it."""
    start(hub, "tanaka", "nafld-fib")
    tries = [
        ("GET", "/users"),
        ("GET", "/users/mori"),
        ("POST", "/users/tanaka/tokens", b"{}"),
        ("GET", "/users/tanaka/tokens"),
        ("POST", "/users/mori/servers/nafld-fib", b"{}"),
        ("POST", "/users/tanaka/servers/second", b"{}"),
        ("DELETE", "/users/mori/servers/nafld-fib"),
        ("GET", "/proxy"),
        ("POST", "/shutdown", b"{}"),
        ("GET", "/services"),
        ("POST", "/users/tanaka/shares/x", b"{}"),
    ]
    answers = json.loads(inside("tanaka", "nafld-fib", API % (SITE.service_ip, SITE.hub_port, tries)))
    assert [a for a in answers if a not in (403, 404)] == [], list(zip(tries, answers, strict=True))


def test_a_person_mints_no_token_and_starts_nothing_past_the_portal(hub: HubSite) -> None:
    """With the browser's own session: tokens, servers and other people's servers are refused."""
    with hub.browser() as browser:
        hub.log_in(browser, "tanaka")
        browser.get("/hub/home")
        headers = {
            "X-XSRFToken": browser.cookies["_xsrf"],
            "Sec-Fetch-Mode": "cors",
            "Sec-Fetch-Site": "same-origin",
        }
        tries = [
            ("POST", "/hub/api/users/tanaka/tokens"),
            ("POST", "/hub/api/users/tanaka/servers/nafld-fib"),
            ("POST", "/hub/api/users/mori/servers/nafld-fib"),
            ("GET", "/hub/api/users"),
        ]
        answers = [
            browser.request(method, place, headers=headers, json={}).status_code for method, place in tries
        ]
        assert set(answers) <= {403, 404}, answers
        spawn = browser.get("/hub/spawn/tanaka/nafld-fib")
        assert spawn.status_code in (403, 404)
    assert containers_of("tanaka") == []


def _open_lab(hub: HubSite, browser: httpx.Client, person: str) -> httpx.Response:
    """Go to a person's lab as a browser does, through the hub's word on who is there."""
    place = httpx.URL(f"{SITE.workspace_origin(person)}/user/{person}/nafld-fib/lab")
    answer = browser.get(place)
    for _ in range(12):
        if not answer.is_redirect:
            break
        place = place.join(answer.headers["location"])
        answer = browser.get(place)
    return answer


def test_a_person_reaches_the_own_workspace_with_the_one_login(hub: HubSite) -> None:
    """The hub's log-in opens the workspace on its other site, without another question."""
    start(hub, "tanaka", "nafld-fib")
    with hub.browser() as browser:
        hub.log_in(browser, "tanaka")
        answer = _open_lab(hub, browser, "tanaka")
    assert answer.status_code == 200
    assert "jupyter-config-data" in answer.text


def test_another_persons_workspace_stays_closed(hub: HubSite) -> None:
    """Logged in as mori, tanaka's workspace gives no page: the log-in of one is no log-in at the other."""
    start(hub, "tanaka", "nafld-fib")
    with hub.browser() as browser:
        hub.log_in(browser, "mori")
        answer = _open_lab(hub, browser, "tanaka")
    assert answer.status_code == 403
    assert "jupyter-config-data" not in answer.text


def test_counts_of_the_hub_need_a_token(hub: HubSite) -> None:
    """Metrics answer the metrics service only, and name no person."""
    token = (SITE.secrets / "hub" / "metrics.service.token").read_text().strip()
    place = f"http://{SITE.service_ip}:{SITE.hub_port}/hub/metrics"
    assert httpx.get(place).status_code == 403
    answer = httpx.get(place, headers={"Authorization": f"token {token}"})
    assert answer.status_code == 200
    assert "tanaka" not in answer.text


# -- what goes wrong ----------------------------------------------------------------------------------
def test_a_killed_hub_finds_its_workspaces_again(hub: HubSite) -> None:
    """The hub dies in mid-story: the container runs on, and the restarted hub owns, routes and ends it as before."""
    start(hub, "tanaka", "nafld-fib")
    name = SITE.workspace_name("tanaka", "nafld-fib")
    inspected = Containers().inspect(name)
    hub.end("hub", kill=True)
    hub.start("hub")
    with hub.portal() as portal:
        until(lambda: _ready(portal))
    time.sleep(11)  # two rounds of the sweep: what is owned stays
    again = Containers().inspect(name)
    assert inspected is not None
    assert again is not None
    assert again["Id"] == inspected["Id"]
    with hub.portal() as portal:
        assert portal.delete("/users/tanaka/servers/nafld-fib").status_code == 204
    assert Containers().inspect(name) is None


def _ready(portal: httpx.Client) -> bool:
    try:
        servers = portal.get("/users/tanaka").json().get("servers") or {}
    except (httpx.HTTPError, ValueError):
        return False
    return bool(servers.get("nafld-fib", {}).get("ready"))


def test_a_container_that_nobody_owns_is_removed(hub: HubSite) -> None:
    """A container with the site's label and no server of the hub (left by an accident) goes within two rounds."""
    labels = {
        "enclave.site": SITE.name,
        "enclave.person": "mori",
        "enclave.project": "nafld-fib",
        "enclave.workspace": "77",
    }
    body = {
        "Image": "enclave-analysis:current",
        "Entrypoint": [],
        "Cmd": ["/bin/sleep", "600"],
        "Labels": labels,
    }
    body["HostConfig"] = {"NetworkMode": "none"}
    containers = Containers()
    containers.start(containers.create(SITE.workspace_name("mori", "nafld-fib"), body))
    until(lambda: not containers_of("mori"))


ELSEWHERE = f"enclave-{SITE.name}-elsewhere"
NEIGHBOUR = f"enclave-{SITE.name}-neighbour"


def docker(*words: str) -> None:
    subprocess.run(["docker", *words], check=True, stdout=subprocess.DEVNULL, timeout=60)


@pytest.fixture
def elsewhere() -> Iterator[None]:
    """Another network, and a container that is no workspace."""
    docker("network", "create", "--internal", "--label", SITE.label, ELSEWHERE)
    docker("run", "--detach", "--name", NEIGHBOUR, "--label", SITE.label, "--network", ELSEWHERE, "--entrypoint",
           "/bin/sleep", "enclave-analysis:current", "600")  # fmt: skip
    yield
    docker("rm", "--force", NEIGHBOUR)
    docker("network", "rm", ELSEWHERE)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    "changes",
    [
        ("network connect {elsewhere} {workspace}",),
        ("update --memory 3g --memory-swap 3g {workspace}", "network connect {workspace} {neighbour}"),
    ],
    ids=["another network", "memory and a neighbour"],
)
def test_a_workspace_that_docker_was_told_to_change_is_ended(hub: HubSite, changes: tuple[str, ...]) -> None:
    """Past the hub, while it ran: gone with the next round, on record with its code, which the person is told."""
    start(hub, "tanaka", "nafld-fib")
    name = SITE.workspace_name("tanaka", "nafld-fib")
    assert why_ended(hub.records, "tanaka", "nafld-fib") is None
    for change in changes:
        docker(*change.format(workspace=name, elsewhere=ELSEWHERE, neighbour=NEIGHBOUR).split())
    until(lambda: not containers_of("tanaka"), EVERY + 120)
    with hub.portal() as portal:
        until(lambda: not portal.get("/users/tanaka").json().get("servers"))
    assert Containers().inspect_network(name) is None
    leaf = hub.leaves("workspace.stopped", "tanaka")[-1]
    assert (leaf["outcome"], leaf["codes"]) == ("aborted", ["session.plan_changed"])
    assert sessions(hub, "tanaka")[-1].revoked_at
    assert why_ended(hub.records, "tanaka", "nafld-fib") == "session.plan_changed"
    assert start(hub, "tanaka", "nafld-fib").status_code == 201
    assert why_ended(hub.records, "tanaka", "nafld-fib") is None


def test_a_permit_that_is_taken_back_ends_the_workspace(hub: HubSite) -> None:
    """A revision without the person, or a session past its end: the running workspace is stopped within seconds."""
    hub.grant("third", ("mori",))
    assert start(hub, "mori", "third").status_code == 201
    hub.grant("third", ("tanaka",))
    until(lambda: not containers_of("mori"))
    assert hub.leaves("workspace.stopped", "mori")[-1]["codes"] == ["permit.not_handler"]


def test_a_session_ends_with_its_permit(hub: HubSite) -> None:
    """No session outlives the permit, and none lasts longer than twelve hours."""
    start(hub, "tanaka", "nafld-fib")
    session = sessions(hub, "tanaka")[-1]
    assert session.expires_at <= rfc3339(edge.now() + timedelta(hours=12))


def test_an_orderly_end_of_the_hub_ends_its_workspaces(hub: HubSite) -> None:
    """`down` leaves no container: the hub stops each and records it before it goes."""
    start(hub, "tanaka", "nafld-fib")
    before = len(hub.leaves("workspace.stopped", "tanaka"))
    hub.end("hub")
    assert containers_of("tanaka") == []
    assert len(hub.leaves("workspace.stopped", "tanaka")) == before + 1
    hub.start("hub")
    with hub.portal() as portal:
        until(lambda: _up(portal))


def _up(portal: httpx.Client) -> bool:
    try:
        return portal.get("/").status_code == 200
    except httpx.HTTPError:
        return False


def test_the_hub_runs_as_its_own_user(hub: HubSite) -> None:
    """Hub and proxy are not root, and the proxy's token is on no command line."""
    for service, user in (("hub", "enclave-hub"), ("proxy", "enclave-proxy")):
        process = Path(f"/proc/{hub.processes[service].pid}")
        assert process.owner() == user
    token = (SITE.secrets / "hub" / "proxy.token").read_text().strip()
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert token.encode() not in cmdline.read_bytes()
        except OSError:
            continue
