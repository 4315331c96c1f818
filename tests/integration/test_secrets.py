"""Who can read what, tried as each service's own user on the files of the running site: the kernel answers, not a list.

`readable` is what the tests rest on, so it is tried itself: a grant given by mistake (a mode, a group) must show up in it.
What stays: the hub reaches Docker, and whoever reaches Docker can mount anything (docs/decisions). It is the only one.
"""

import grp
import os
import pwd
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from enclave.config import USERS, Site
from tests.integration.running_site import Ground

pytestmark = pytest.mark.site

TRY = """
import os, socket, stat, sys
for line in sys.stdin.read().splitlines():
    try:
        kind = os.lstat(line).st_mode
        if stat.S_ISSOCK(kind):
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(2)
                s.connect(line)
        elif stat.S_ISDIR(kind):
            os.listdir(line)
        else:
            with open(line, "rb") as f:
                f.read(1)
    except OSError:
        continue
    print(line)
"""


def groups_of(user: str) -> list[int]:
    main = pwd.getpwnam(user).pw_gid
    return sorted({main, *(g.gr_gid for g in grp.getgrall() if user in g.gr_mem)})


def readable(user: str, places: Iterable[Path]) -> set[Path]:
    """The places that a process of this user, with the groups it has right now, reads, lists or connects to."""
    groups = ",".join(map(str, groups_of(user)))
    entry = pwd.getpwnam(user)
    words = [
        "setpriv",
        f"--reuid={entry.pw_uid}",
        f"--regid={entry.pw_gid}",
        f"--groups={groups}",
        "--no-new-privs",
    ]
    tried = subprocess.run(
        [*words, "/usr/bin/python3", "-I", "-c", TRY],
        input="\n".join(map(str, places)), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {Path(line) for line in tried.stdout.splitlines()}


def files(folder: Path) -> set[Path]:
    return {p for p in folder.rglob("*") if p.is_file()}


def secrets_of(site: Site) -> Mapping[str, set[Path]]:
    """Service → the files that are its own and nobody else's, as they lie on the disk now."""
    own = {service: files(site.secrets / service) for service in (*USERS, "operator")}
    own["custody"] |= files(site.custody)
    own["gateway"] |= {site.tls / "gateway.key"}
    own["proxy"] |= {site.tls / "public.key"}
    own["operator"] |= {site.tls / "ca.key"}
    own["ledger"] |= set(site.ledger.glob("ledger.sqlite*"))
    own["hub"] |= files(site.home / "hub") | files(site.workspaces)
    return own


def trespasses(site: Site) -> set[tuple[str, str]]:
    """(user, file) wherever a user reads a secret of another service. Empty is what must be."""
    own = secrets_of(site)
    found = set()
    for service, user in USERS.items():
        others = set().union(*(places for owner, places in own.items() if owner != service))
        found |= {(user, str(place)) for place in readable(user, others)}
    everyone = set().union(*own.values())
    return found | {("nobody", str(place)) for place in readable("nobody", everyone)}


def test_every_secret_is_readable_by_its_own_service_alone(ground: Ground) -> None:
    """Keys, sources, the vault, tokens, cookie secrets: tried as every other service's user and as nobody."""
    assert trespasses(ground.site) == set()


def test_the_list_of_secrets_is_not_empty(ground: Ground) -> None:
    """What was tried includes the things that matter, and each owner reads its own: the check would see a success."""
    site, own = ground.site, secrets_of(ground.site)
    names = {service: {p.name for p in places} for service, places in own.items()}
    assert {"master.key", "vault.sqlite", "store.duckdb"} <= names["custody"]
    assert {"log.key", "ledger.sqlite", "callers.json"} <= names["ledger"]
    assert {"permit.key", "sessions.sqlite", "ledger.token", "hub.token"} <= names["portal"]
    assert {"custody.token", "ledger.token", "gateway.key"} <= names["gateway"]
    assert {"cookie.token", "proxy.token", "jupyterhub.sqlite"} <= names["hub"]
    for service, user in USERS.items():
        assert readable(user, own[service]) == own[service], service
    assert {p.parent.name for p in own["custody"]} >= {"custody"}
    assert all(p.is_relative_to(site.home) for places in own.values() for p in places)


@pytest.mark.parametrize(
    "secret", ["master.key", "log.key", "permit.key", "custody.token", "cookie.token", "gateway.key"]
)
def test_a_mode_given_by_mistake_is_seen(ground: Ground, secret: str) -> None:
    """`chmod go+r` on a secret and `go+x` on its folder: the very check above names file and readers; then it is closed again."""
    places = [p for paths in secrets_of(ground.site).values() for p in paths if p.name == secret]
    file = places[0]
    kept = {place: place.stat().st_mode for place in (file, file.parent)}
    try:
        file.chmod(kept[file] | 0o044)
        file.parent.chmod(kept[file.parent] | 0o011)
        found = trespasses(ground.site)
        assert {path for _, path in found} == {str(file)}
        assert {user for user, _ in found} == {"nobody", *USERS.values()} - {file.owner()}
    finally:
        for place, mode in kept.items():
            place.chmod(mode)
    assert trespasses(ground.site) == set()


def test_a_group_given_by_mistake_is_seen(ground: Ground) -> None:
    """The vault opened to the services' group shows up for all who are in it."""
    vault = ground.site.custody / "vault.sqlite"
    kept = {place: place.stat().st_mode for place in (vault, vault.parent)}
    try:
        vault.chmod(0o640)
        vault.parent.chmod(0o710)
        assert {user for user, path in trespasses(ground.site) if path == str(vault)} == set(
            USERS.values()
        ) - {
            USERS["custody"],
            USERS["proxy"],
        }
    finally:
        for place, mode in kept.items():
            place.chmod(mode)


DOCKER = Path("/var/run/docker.sock")


def reach_docker() -> set[str]:
    return {user for user in (*USERS.values(), "nobody") if readable(user, [DOCKER])}


def test_the_hub_alone_reaches_docker(ground: Ground) -> None:
    """The named residual, and nobody else; a second user put into Docker's group is seen at once."""
    assert reach_docker() == {USERS["hub"]}
    try:
        subprocess.run(["gpasswd", "-a", USERS["policy"], "docker"], check=True, capture_output=True)
        assert reach_docker() == {USERS["hub"], USERS["policy"]}
    finally:
        subprocess.run(["gpasswd", "-d", USERS["policy"], "docker"], check=True, capture_output=True)
    assert reach_docker() == {USERS["hub"]}


def test_the_records_are_open_to_those_who_keep_them(ground: Ground) -> None:
    """Portal, gateway and hub; not custody, ledger, policy server or proxy, and nobody else."""
    site = ground.site
    kept = {site.records, site.records.parent, site.blobs}
    for service, user in USERS.items():
        found = readable(user, kept)
        assert found == (kept if service in {"portal", "gateway", "hub"} else set()), service
    assert readable("nobody", kept) == set()


def test_nobody_outside_reaches_a_service(ground: Ground) -> None:
    """The sockets of ledger, custody, policy server, walls and supervisor are closed to a user of the machine."""
    site = ground.site
    inner = {site.ledger_socket, site.custody_socket, site.policy_socket, site.run / "wall.sock"}
    every = inner | {site.supervisor_socket}
    assert readable("nobody", every) == set()
    assert readable(USERS["proxy"], every) == set()
    assert readable(USERS["gateway"], every) == inner


def test_extracts_are_encrypted_and_closed_to_strangers(ground: Ground) -> None:
    """Whoever is not a service sees no extract at all; a service sees bytes that it has no key for."""
    found = {p for p in ground.site.extracts.rglob("*") if p.is_file()}
    assert found
    assert readable("nobody", found) == set()
    assert readable(USERS["proxy"], found) == set()
    assert readable(USERS["gateway"], found) == found


def test_no_secret_stands_on_a_command_line_or_in_an_environment(ground: Ground) -> None:
    """Any user may read any command line; the services' environments are what the supervisor's file says, and no secret."""
    site = ground.site
    tokens = {
        p.read_text().strip() for paths in secrets_of(site).values() for p in paths if p.suffix == ".token"
    }
    assert len(tokens) > 8
    lines = [
        p.read_bytes().decode(errors="replace") for p in Path("/proc").glob("[0-9]*/cmdline") if p.exists()
    ]
    assert not [token for token in tokens for line in lines if token in line]
    assert not [token for token in tokens if token in (site.home / "supervisord.conf").read_text()]
    said = "".join(p.read_text(errors="replace") for p in site.logs.iterdir())
    assert not [token for token in tokens if token in said]


def test_services_run_as_their_own_users(ground: Ground) -> None:
    """Nothing but the supervisor and the packet filter's guard is root."""
    from enclave.adapters import supervision

    control = supervision._control(ground.site).supervisor
    for program in supervision.programs(ground.site):
        info = control.getProcessInfo(program.name)
        assert Path(f"/proc/{info['pid']}").owner() == program.user  # type: ignore[index,call-overload]
        assert (program.user == "root") == (program.name == "walls")
    assert os.geteuid() == 0
    assert sys.platform == "linux"


def test_the_programs_of_services_are_not_theirs_to_change(ground: Ground) -> None:
    """What they run, and the policies and trusted keys that they follow, belong to root."""
    from enclave.adapters import signing
    from enclave.config import PREFIX

    for place in (
        PREFIX / "app",
        PREFIX / "venv",
        signing.trusted_file(ground.site),
        ground.site.home / "supervisord.conf",
    ):
        for path in [place, *(place.rglob("*.py") if place.name == "app" else ())]:
            assert path.owner() == "root"
            assert not path.stat().st_mode & 0o022, path
