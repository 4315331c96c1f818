"""The packet filter around workspaces: an internal Docker network still reaches every port of its host; this closes it.

Decides which packets of a workspace's bridge pass: to the hub's API and the gateway on the site's service address, and
nothing else, in both families and both directions, and how many connections one workspace may have. Relies on the bridges' names (`Site.bridge_prefix`), on root, and
on iptables/ip6tables. Does not look into packets.

Who may ask: the hub runs without the right to read packet rules, and a marker file would only say what was true once.
So a helper runs as root under the supervisor (`python -m enclave.adapters.firewall guard SITE`): it puts the rules back
when they are gone, and answers anyone who connects to `<run>/wall.sock` with what it finds in the kernel at that moment.
It reads nothing from the connection, so there is nothing to attack it with. The hub asks before each spawn and refuses
when the helper is silent or says no.
"""

import contextlib
import grp
import json
import logging
import os
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from enclave.config import SERVICES_GROUP, Site, load_site
from enclave.core.refusal import Refused

HEAL_SECONDS = 2.0

MAX_CONNECTIONS = 1_200
"""Connections that one workspace may have to the hub and the gateway together: a thousand requests at once are answered
with a code each, and no workspace takes all that a service may open (`supervision.OPEN_FILES`)."""

log = logging.getLogger(__name__)

Rule = tuple[str, ...]


def chain(site: Site) -> str:
    """Name of the site's own chain, in the INPUT and in the FORWARD part of the filter."""
    return f"ENCLAVE-{site.name.upper()}"


def forward_chain(site: Site) -> str:
    return f"ENCLAVE-{site.name.upper()}-FWD"


def rules(site: Site) -> dict[str, dict[str, tuple[Rule, ...]]]:
    """Every rule by program and chain, in order, as `iptables -S` prints them (without `-A <chain>`)."""
    bridges = f"{site.bridge_prefix}+"
    ports = f"{site.hub_port},{site.gateway_port}"
    # A new connection beyond the limit is refused at once. It comes before the one rule that lets connections begin.
    crowd = (
        *("-d", f"{site.service_ip}/32", "-p", "tcp", "-m", "multiport", "--dports", ports),
        *("-m", "tcp", "--tcp-flags", "FIN,SYN,RST,ACK", "SYN"),
        *("-m", "connlimit", "--connlimit-above", str(MAX_CONNECTIONS), "--connlimit-mask", "32"),
        *("--connlimit-saddr", "-j", "REJECT", "--reject-with", "tcp-reset"),
    )
    to_host = (
        ("-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"),
        crowd,
        ("-d", f"{site.service_ip}/32", "-p", "tcp", "-m", "multiport", "--dports", ports, "-j", "ACCEPT"),
        ("-j", "DROP"),
    )
    across = (("-i", bridges, "-j", "DROP"), ("-o", bridges, "-j", "DROP"), ("-j", "RETURN"))
    return {
        "iptables": {chain(site): to_host, forward_chain(site): across},
        "ip6tables": {chain(site): (("-j", "DROP"),), forward_chain(site): across},
    }


def hooks(site: Site) -> dict[str, tuple[tuple[str, Rule], ...]]:
    """Where the chains are entered from: first of all in INPUT, and in what Docker leaves to us of FORWARD."""
    from_bridges: Rule = ("-i", f"{site.bridge_prefix}+", "-j", chain(site))
    across: Rule = ("-j", forward_chain(site))
    return {
        "iptables": (("INPUT", from_bridges), ("DOCKER-USER", across)),
        # Docker 20.10 writes no rules for IPv6, so there is no DOCKER-USER to rely on.
        "ip6tables": (("INPUT", from_bridges), ("FORWARD", across)),
    }


def install(site: Site) -> None:
    """Put the wall up; a second call changes nothing. Root only. Raises CalledProcessError where the kernel refuses."""
    for program, chains in rules(site).items():
        for name, wanted in chains.items():
            if _listed(program, name) == list(wanted):
                continue
            # One transaction per chain: there is no moment with the chain emptied and the hook in place.
            text = [f"*filter\n:{name} - [0:0]\n"]
            text += [f"-A {name} {shlex.join(rule)}\n" for rule in wanted]
            _run(f"{program}-restore", "--noflush", "-w", stdin="".join(text) + "COMMIT\n")
        for parent, rule in hooks(site)[program]:
            if _first(program, parent, rule):
                continue
            if _listed(program, parent) is None:
                _run(program, "-w", "-N", parent)
                _run(program, "-w", "-I", "FORWARD", "1", "-j", parent)
            _run(program, "-w", "-I", parent, "1", *rule)
            while (_listed(program, parent) or []).count(rule) > 1:
                listed = _listed(program, parent) or []
                last = len(listed) - listed[::-1].index(rule)
                _run(program, "-w", "-D", parent, str(last))


def remove(site: Site) -> None:
    """Take the wall down; nothing to do where it is gone. Root only; for the end of a site, after its containers."""
    for program, chains in rules(site).items():
        for parent, rule in hooks(site)[program]:
            while rule in (_listed(program, parent) or []):
                _run(program, "-w", "-D", parent, *rule)
        for name in chains:
            if _listed(program, name) is not None:
                _run(program, "-w", "-F", name)
                _run(program, "-w", "-X", name)


def missing(site: Site) -> tuple[str, ...]:
    """What of the wall is not in the kernel right now, as `program chain`; empty where it stands. Root only."""
    gaps = []
    for program, chains in rules(site).items():
        gaps += [
            f"{program} {name}" for name, wanted in chains.items() if _listed(program, name) != list(wanted)
        ]
        gaps += [
            f"{program} {parent}"
            for parent, rule in hooks(site)[program]
            if not _first(program, parent, rule)
        ]
    return tuple(gaps)


def installed(site: Site) -> bool:
    """Whether the whole wall stands right now. Root only."""
    return not missing(site)


def wall_socket(site: Site) -> Path:
    return site.run / "wall.sock"


def check_wall(site: Site, timeout: float = 3.0) -> None:
    """Ask the guard, as any member of the services' group may. Raises Refused `session.wall_missing` unless it stands."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout)
            connection.connect(str(wall_socket(site)))
            text = b""
            while piece := connection.recv(4096):
                text += piece
        answer = json.loads(text)
    except (OSError, ValueError) as error:
        raise Refused("session.wall_missing", {"guard": "silent"}) from error
    if answer.get("installed") is not True:
        raise Refused("session.wall_missing", {"missing": ", ".join(answer.get("missing", ()))})


def guard(site: Site) -> None:
    """Serve the wall's state and put it back when it is gone, until SIGTERM. Root only; run by the supervisor."""
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: ended.append(number))
    signal.signal(signal.SIGINT, lambda number, _frame: ended.append(number))
    path = wall_socket(site)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o660)
        with contextlib.suppress(KeyError):
            os.chown(path, 0, grp.getgrnam(SERVICES_GROUP).gr_gid)
        listener.listen(16)
        install(site)
        heal_at = time.monotonic() + HEAL_SECONDS
        while not ended:
            ready, _, _ = select.select([listener], [], [], max(0.05, min(0.5, heal_at - time.monotonic())))
            if ready:
                _answer(site, listener)
            if time.monotonic() >= heal_at:
                if gaps := missing(site):
                    log.error("wall.missing: %s; put back", ", ".join(gaps))
                    install(site)
                heal_at = time.monotonic() + HEAL_SECONDS
    path.unlink(missing_ok=True)


def _answer(site: Site, listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(1)
        gaps = missing(site)
        with contextlib.suppress(OSError):
            connection.sendall(json.dumps({"installed": not gaps, "missing": list(gaps)}).encode())


def _listed(program: str, name: str) -> list[Rule] | None:
    """The rules of a chain in their order, None where there is no such chain."""
    done = subprocess.run([_program(program), "-w", "-S", name], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        if re.search(r"No chain|does not exist|incompatible", done.stderr):
            return None
        raise subprocess.CalledProcessError(done.returncode, done.args, done.stdout, done.stderr)
    lines = (shlex.split(line) for line in done.stdout.splitlines())
    return [tuple(words[2:]) for words in lines if words[:2] == ["-A", name]]


def _first(program: str, parent: str, rule: Rule) -> bool:
    """Whether the hook is the chain's first rule, other sites' hooks aside."""
    for present in _listed(program, parent) or []:
        if present == rule:
            return True
        if not present[-1].startswith("ENCLAVE-"):
            return False
    return False


def _run(program: str, *arguments: str, stdin: str | None = None) -> None:
    subprocess.run([_program(program), *arguments], input=stdin, capture_output=True, text=True, check=True)


def _program(name: str) -> str:
    # Not by PATH: this runs as root.
    found = [folder for folder in ("/usr/sbin", "/sbin") if (Path(folder) / name).exists()]
    if not found:
        raise FileNotFoundError(f"{name} is not installed (Debian package: iptables)")
    return f"{found[0]}/{name}"


def _main(arguments: Sequence[str]) -> Iterator[str]:
    action, name = arguments
    site = load_site(name)
    match action:
        case "install":
            install(site)
        case "remove":
            remove(site)
        case "check":
            yield from (f"missing: {gap}" for gap in missing(site))
        case "guard":
            guard(site)
        case _:
            raise SystemExit("install | remove | check | guard")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    found = list(_main(sys.argv[1:]))
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)
