"""What goes wrong around the running system: two starts at once, an interrupted first start, wrong codes, an ended permit.

Each gets one sentence in the reader's language and a code; afterwards the same command, or the next form, simply works.
A site of its own (`interrupted`) is started, killed and taken away here; its neighbours stay up.
"""

import fcntl
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import docker
import httpx
import pytest

from enclave import operation
from enclave.adapters import edge, firewall, signing, supervision
from enclave.adapters import records_schema as t
from enclave.adapters.containers import Containers
from enclave.app import records_of
from enclave.config import HOMES, Site
from enclave.core.event import Actor, Thing
from enclave.demo.accounts import account
from enclave.demo.load import fresh_code
from enclave.demo.visitor import Visitor
from tests.integration.running_site import Ground, until

pytestmark = pytest.mark.site

MACHINE = Path(__file__).parents[2] / "deploy" / "machine"
LOCALES = ("ja_JP.UTF-8", "en_GB.UTF-8")


def japanese(text: str) -> bool:
    return any(ord(c) > 0x2FFF for c in text)


def command(*words: str, language: str = "en_GB.UTF-8") -> subprocess.Popen[str]:
    """The command, as an operator types it, in that language."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "enclave", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"LC_ALL": language},
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=180)
    assert "Traceback" not in err, err
    return process.returncode, out, err


# -- two at once -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("language", LOCALES)
def test_two_set_ups_at_once_are_one(language: str) -> None:
    """While another set-up holds the lock: its process is named, one sentence, one code; the lock's holder is not disturbed."""
    place = Path("/run/enclave")
    place.mkdir(exist_ok=True)
    with (place / "setup.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.truncate(0)
        lock.write("4242")
        lock.flush()
        ran = subprocess.run(
            [sys.executable, str(MACHINE), "install"],
            capture_output=True, text=True, check=False, timeout=60, env=os.environ | {"LC_ALL": language},
        )  # fmt: skip
        lock.truncate(0)
    assert ran.returncode == 3, ran.stdout
    assert ran.stderr.strip().startswith("setup.running: ")
    assert "4242" in ran.stderr
    assert japanese(ran.stderr) == language.startswith("ja")
    assert ran.stdout == ""


@pytest.mark.parametrize("language", LOCALES)
def test_a_start_during_another_is_refused(site: Site, language: str) -> None:
    """With the site's lock held, `up` and `down` are refused with `operation.busy` and change nothing."""
    with (Path("/run/enclave") / f"{site.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for word in ("up", "down"):
            status, _, told = ended(command(word, "--site", site.name, language=language))
            assert status == 3
            assert told.startswith("operation.busy: ")
            assert site.name in told
            assert japanese(told) == language.startswith("ja")
    assert operation.silent_services(site) == []


def test_two_starts_at_once_leave_one_running_site(site: Site, ground: Ground) -> None:
    """Each either works or says that the other is at work; the site answers, under the supervisor of before."""
    before = (site.run / "supervisor.pid").read_text()
    answers = [ended(one) for one in [command("up", "--site", site.name) for _ in range(2)]]
    assert any(status == 0 for status, _, _ in answers)
    for status, _, told in answers:
        assert status == 0 or (status, told.split(":")[0]) == (3, "operation.busy")
    assert (site.run / "supervisor.pid").read_text() == before
    assert ground.sit_down().code() == "allowed"


# -- an interrupted first start ----------------------------------------------------------------------------
@pytest.fixture(scope="module")
def another(site: Site) -> Iterator[Site]:
    """A site beside the one under test, never started before this module, gone without a trace afterwards."""
    place = Site("interrupted", (site.index + 7) % 50)
    operation.down(place, forget=True, keep_docker=True)
    (HOMES / place.name).mkdir(parents=True)
    (HOMES / place.name / "site.json").write_text(
        json.dumps({"name": place.name, "index": place.index, "profile": place.profile})
    )
    try:
        yield place
    finally:
        operation.down(place, forget=True, keep_docker=True)


def processes_of(site: Site) -> list[str]:
    """Command lines that name the site, its folders or its sockets."""
    marks = (f"--site {site.name}", f"{site.home}/", f"{site.run}/", f"ENCLAVE_SITE={site.name}")
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace") + " "
            surroundings = (process / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        named = any(mark + " " in line or (mark.endswith("/") and mark in line) for mark in marks)
        if named or f"{marks[-1]}\0" in surroundings:
            found.append(line)
    return found


def left_of(site: Site) -> dict[str, object]:
    """Everything of a site that is still on the machine, by kind; empty where nothing is."""
    client = docker.APIClient()
    label = {"filters": {"label": [site.label]}}
    rules = "".join(
        subprocess.run([f"{program}-save"], capture_output=True, text=True, check=True).stdout
        for program in ("iptables", "ip6tables")
    )
    address = subprocess.run(["ip", "-o", "addr"], capture_output=True, text=True, check=True).stdout
    chains = {name for of_program in firewall.rules(site).values() for name in of_program}
    found: dict[str, object] = {
        "processes": processes_of(site),
        "containers": client.containers(all=True, **label),
        "networks": client.networks(**label),
        "chains": [name for name in chains if re.search(rf"\b{re.escape(name)}\b", rules)],
        "bridges": [line for line in address.splitlines() if f" {site.bridge_prefix}" in line],
        "address": site.service_ip + "/" in address,
        "mounts": [line for line in Path("/proc/mounts").read_text().splitlines() if f"{site.home}/" in line],
        "port": listening(site.https_port),
    }
    client.close()
    return {kind: what for kind, what in found.items() if what}


def listening(port: int) -> bool:
    told = subprocess.run(["ss", "-Hltn", f"sport = :{port}"], capture_output=True, text=True, check=True)
    return bool(told.stdout.strip())


def killed_when(site: Site, true: Callable[[], bool]) -> bool:
    """Start the site and kill the starting process as soon as something is so; whether it was still at work then."""
    start = command("up", "--site", site.name)
    end = time.monotonic() + 90
    while not true() and start.poll() is None and time.monotonic() < end:
        time.sleep(0.002)
    at_work = start.poll() is None
    start.send_signal(signal.SIGKILL)
    start.communicate()
    return at_work


@pytest.mark.parametrize("language", LOCALES)
def test_a_command_for_a_site_that_is_down_is_told_what_is_silent(another: Site, language: str) -> None:
    """`status` lists every service with its state, and its exit status is 1."""
    status, out, _ = ended(command("status", "--site", another.name, language=language))
    assert status == 1
    assert len(out.splitlines()) == 8
    assert all(japanese(line) == language.startswith("ja") for line in out.splitlines())


def test_an_interrupted_first_start_is_finished_by_the_next(another: Site) -> None:
    """kill -9 at the first key, at the authority, at the records, at the supervisor: the next `up` finishes the work."""
    secrets = another.secrets
    moments: list[Callable[[], bool]] = [
        (secrets / "custody").exists,
        lambda: any((secrets / "portal").glob("permit.*")),
        (another.tls / "ca.key").exists,
        another.records.exists,
        (another.home / "supervisord.conf").exists,
        (another.run / "supervisor.pid").exists,
    ]
    at_work = [killed_when(another, moment) for moment in moments]
    assert sum(at_work) >= 4, at_work
    status, out, told = ended(command("up", "--site", another.name))
    assert status == 0, told
    assert another.origin in out
    assert operation.silent_services(another) == []
    supervisors = [line for line in processes_of(another) if "supervisor.supervisord" in line]
    assert len(supervisors) == 1, supervisors
    # What was half made is whole: the key that signs permits is the one that is trusted, and its owner's.
    key = secrets / "portal" / "permit.key"
    assert key.owner() == "enclave-portal"
    trusted = signing.load_trusted(signing.trusted_file(another))
    assert signing.key_id(signing.load_private(key).public_key()) in trusted
    tls = ssl.create_default_context(cafile=str(another.ca))
    assert httpx.get(f"{another.gateway_url}/healthz", verify=tls, trust_env=False).text == "ok\n"
    assert httpx.get(another.origin, verify=tls, trust_env=False).status_code == 200


def test_a_supervisor_that_was_killed_is_replaced(another: Site) -> None:
    """kill -9 of the supervisor leaves its services behind; `up` ends them and has them all anew under one supervisor."""
    operation.up(another)
    before = supervision.strays(another)
    os.kill(int((another.run / "supervisor.pid").read_text()), signal.SIGKILL)
    until(lambda: not supervision.alive(another))
    assert supervision.strays(another)
    status, _, told = ended(command("up", "--site", another.name))
    assert status == 0, told
    assert operation.silent_services(another) == []
    assert not set(before) & set(supervision.strays(another))
    assert set(supervision.states(another).values()) == {"RUNNING"}


def test_down_leaves_nothing_that_runs_and_keeps_what_was_recorded(another: Site) -> None:
    """A site with a workspace's container and network in it: `down` removes all that runs, and `up` has the records again."""
    operation.up(another)
    records = records_of(another, "operator")
    event = edge.event(Actor("operator", "operator"), "test.kept", Thing("test", "x"))
    with records.change(event):
        pass
    labels = {
        "enclave.site": another.name,
        "enclave.person": "x",
        "enclave.project": "x",
        "enclave.workspace": "0",
    }
    containers = Containers()
    containers.client.create_network(
        another.workspace_name("x", "x"), internal=True, labels=labels,
        options={"com.docker.network.bridge.name": another.bridge(0)},
    )  # fmt: skip
    body = {
        "Image": "enclave-analysis:current",
        "Entrypoint": [],
        "Cmd": ["/bin/sleep", "600"],
        "Labels": labels,
    }
    containers.start(containers.create(another.workspace_name("x", "x"), body))
    assert {"processes", "containers", "networks", "chains", "address"} <= set(left_of(another))
    status, _, told = ended(command("down", "--site", another.name))
    assert status == 0, told
    assert left_of(another) == {}
    with pytest.raises(Exception, match=r"ledger\.unavailable"), records.change(event):
        pass
    operation.up(another)
    with records_of(another, "operator").read() as connection:
        kept = connection.execute(t.outbox.select().where(t.outbox.c.leaf_id == event.id)).all()
    assert len(kept) == 1
    assert kept[0].index is not None


def test_down_and_forget_leaves_nothing_at_all(another: Site) -> None:
    """Supervisor killed just before: no process, container, network, rule, address or mount, and no file of the site."""
    operation.up(another)
    os.kill(int((another.run / "supervisor.pid").read_text()), signal.SIGKILL)
    status, _, told = ended(command("down", "--site", another.name, "--forget"))
    assert status == 0, told
    assert left_of(another) == {}
    assert not another.home.exists()
    assert not another.run.exists()


# -- logging in ------------------------------------------------------------------------------------------
def told_at_the_log_in(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refused log-in, whose page says it in both languages."""
    found = re.search(r'role="alert">(.*?)<br>(.*?) \[(session\.[a-z_]+)\]</p>', answer.text)
    assert found is not None, answer.text
    assert japanese(found.group(1))
    assert not japanese(found.group(2))
    assert len(found.group(2)) > 10
    return answer.status_code, found.group(3)


def test_a_wrong_and_a_used_code_let_nobody_in(site: Site, ground: Ground) -> None:
    """A wrong one and a used one are told apart only with the right password; the next code works."""
    person, password = "watanabe", account("watanabe").password
    code = fresh_code(site, person)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    assert told_at_the_log_in(Visitor(site).log_in(person, password, wrong)) == (401, "session.login_failed")
    visitor = Visitor(site)
    assert visitor.log_in(person, password, code).status_code == 200
    assert visitor.get("/status").status_code == 200
    assert told_at_the_log_in(Visitor(site).log_in(person, password, code)) == (401, "session.otp_used")
    assert told_at_the_log_in(Visitor(site).log_in(person, "guessed", code)) == (401, "session.login_failed")
    leaves = ground.leaves(action="session.login", person=person)
    assert [(leaf["outcome"], leaf["codes"]) for leaf in leaves[-4:]] == [
        ("refused", ["session.login_failed"]),
        ("ok", []),
        ("refused", ["session.otp_used"]),
        ("refused", ["session.login_failed"]),
    ]
    assert Visitor(site).log_in(person, password, fresh_code(site, person)).status_code == 200


def test_the_page_of_an_ended_permit_says_so_and_starts_nothing(site: Site, ground: Ground) -> None:
    """The project's page is there, the button is refused with its sentence in both languages, and no container starts."""
    ground.grant("pastdue", ends=-timedelta(minutes=5))
    tanaka = ground.person("tanaka")
    csrf = re.search(r'name="csrf" value="([^"]+)"', tanaka.get("/projects/pastdue").text)
    assert csrf is not None
    for language, sentence in (("ja", "承諾の利用期間が終わっています"), ("en", "The permit has expired")):
        answer = tanaka.http.post(
            "/projects/pastdue/workspace",
            data={"csrf": csrf.group(1)},
            headers={"Origin": site.origin, "Accept-Language": language},
        )
        assert answer.status_code == 403
        assert 'data-code="permit.expired"' in answer.text
        assert sentence in answer.text
    assert ground.containers("tanaka") == []
