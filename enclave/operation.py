"""The running system: `up`, `down`, `status`. Each looks at the world and does what is missing; two at once exclude each other.

Runs as root. Relies on supervision for the processes, on machine for users and places, on firewall and containers for
what surrounds the workspaces.
"""

import fcntl
import grp
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from docker.errors import DockerException

from enclave.adapters import containers, edge, firewall, ledger_files, machine, supervision, tls
from enclave.adapters.migrations import bring_up_to_date
from enclave.adapters.records import connect
from enclave.config import PREFIX, RECORDS_GROUP, Site
from enclave.core.refusal import Refused


@contextmanager
def _alone(site: Site) -> Iterator[None]:
    if os.geteuid() != 0:
        raise Refused("operation.not_root")
    place = Path("/run/enclave")
    place.mkdir(exist_ok=True)
    with (place / f"{site.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused("operation.busy", {"site": site.name}) from error
        yield


def prepare(site: Site) -> None:
    """Users, folders, keys, certificates, address, walls and the records' shape. What exists stays."""
    machine.make_users()
    machine.make_folders(site)
    machine.make_secrets(site)
    tls.set_up(site, edge.now())
    key = site.secrets / "ledger" / "log.key"
    ledger_files.make_key(key, f"{site.hub_host}/log/{site.name}")
    os.chown(key, *machine.user_id("ledger"))
    machine.put_address(site)
    firewall.install(site)
    old = os.umask(0o007)
    try:
        engine = connect(site.records)
        bring_up_to_date(engine)
        engine.dispose()
    finally:
        os.umask(old)
    group = grp.getgrnam(RECORDS_GROUP).gr_gid
    for file in site.records.parent.glob("records.sqlite*"):
        os.chown(file, -1, group)
        file.chmod(0o660)


def up(site: Site, wait_s: float = 60.0) -> None:
    """Bring the site up and return when every service answers. Raises Refused `operation.service_failed`."""
    with _alone(site):
        if not _docker_answers():
            raise Refused("operation.docker_silent")
        prepare(site)
        if outdated(site):
            supervision.stop(site)
        supervision.start(site)
        (site.home / "program").write_text(_program())
        _await_services(site, wait_s)


def _program() -> str:
    """The digest of the installed copy of the program."""
    stamp = PREFIX / ".program"
    return stamp.read_text() if stamp.exists() else ""


def outdated(site: Site) -> bool:
    """Whether the site runs with another copy of the program than the one installed."""
    running = site.home / "program"
    return supervision.alive(site) and (not running.exists() or running.read_text() != _program())


def _await_services(site: Site, wait_s: float) -> None:
    end = time.monotonic() + wait_s
    names = [p.name for p in supervision.programs(site)]
    while True:
        silent = silent_services(site)
        if not silent:
            return
        if time.monotonic() > end:
            name = min(silent, key=names.index)
            raise Refused(
                "operation.service_failed", {"service": name, "log": str(site.logs / f"{name}.log")}
            )
        time.sleep(0.1)


def silent_services(site: Site) -> list[str]:
    """Services that do not answer, in the order of their start; empty when the whole site works."""
    from enclave.app import answers

    states = supervision.states(site)
    return [
        p.name
        for p in supervision.programs(site)
        if states.get(p.name) not in {"RUNNING", "STARTING"} or not answers(site, p.name)
    ]


def down(site: Site, *, forget: bool = False, keep_docker: bool = False) -> None:
    """End the site: no process, container, network, firewall rule or address of it remains.

    Homes of researchers (volumes) and all records stay unless `forget`. The Docker daemon that the set-up started
    itself is ended with the last site, unless `keep_docker`: who brings a site up again at once needs it.
    """
    with _alone(site):
        supervision.stop(site)
        if _docker_answers():
            containers.purge(site, volumes=forget)
        firewall.remove(site)
        machine.take_address(site)
        if forget:
            machine.forget(site)
        if not keep_docker:
            _end_own_docker()


def _docker_answers() -> bool:
    try:
        return bool(containers.Containers().client.ping())
    except (DockerException, OSError):
        return False


def _end_own_docker() -> None:
    """End the daemon that the set-up started, when no site is up any more."""
    place = Path("/run/enclave")
    file = place / "dockerd.pid"
    others = [p for p in place.glob("*/supervisor.pid") if _alive(p)]
    if not file.exists() or others:
        return
    pid = int(file.read_text())
    try:
        if b"dockerd" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGTERM)
            for _ in range(200):
                if not Path(f"/proc/{pid}").exists():
                    break
                time.sleep(0.1)
    except OSError:
        pass
    file.unlink(missing_ok=True)


def _alive(pid_file: Path) -> bool:
    try:
        os.kill(int(pid_file.read_text()), 0)
    except (OSError, ValueError):
        return False
    return True
