"""The site's services under supervisord: which programs, as which user, with which environment; start, stop, state.

supervisord restarts what dies. This module writes its configuration from the site alone and speaks to it over its
socket; it decides nothing else.
"""

import os
import pwd
import resource
import signal
import subprocess
import time
import xmlrpc.client
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from supervisor.xmlrpc import SupervisorTransport

from enclave.adapters import policy_server
from enclave.adapters.engine_process import FIRST
from enclave.config import PREFIX, USERS, Site

PYTHON = PREFIX / "venv" / "bin" / "python"

OPEN_FILES = 65_536
"""Files and connections that one service may have open."""


@dataclass(frozen=True)
class Program:
    """One supervised process. `priority` orders the start: lower first."""

    name: str
    user: str
    command: str
    priority: int
    environment: Mapping[str, str] = field(default_factory=dict)
    umask: str = "027"


def programs(site: Site) -> tuple[Program, ...]:
    """Every service of a site, in the order of their start."""

    def service(name: str, priority: int, user: str | None = None, **environment: str) -> Program:
        return Program(
            name,
            USERS[name] if user is None else user,
            f"{PYTHON} -P -m enclave serve {name} --site {site.name}",
            priority,
            environment,
        )

    opa = " ".join(policy_server.command(site.policies, site.policy_socket))
    return (
        service("ledger", 10),
        # Its heap is small: collected less often, a decision takes a seventh less of a processor.
        Program("policy", USERS["policy"], opa, 10, {"GOGC": "400"}),
        service("walls", 15, user="root"),
        service("custody", 20),
        # Answers pass through many threads: with a heap for each, every heap would keep what the largest batch took.
        service("gateway", 30, MALLOC_ARENA_MAX="2"),
        service("portal", 30),
        service("proxy", 30),
        service("hub", 40),
    )


def configuration(site: Site) -> str:
    """The text of supervisord's configuration file."""
    lines = [
        "[unix_http_server]",
        f"file={site.supervisor_socket}",
        "chmod=0700",
        "[supervisord]",
        f"logfile={site.logs}/supervisord.log",
        "logfile_maxbytes=5MB",
        f"pidfile={site.run}/supervisor.pid",
        "nodaemon=false",
        f"minfds={open_files()}",
        "user=root",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
        "[supervisorctl]",
        f"serverurl=unix://{site.supervisor_socket}",
    ]
    for program in programs(site):
        environment = {
            "HOME": "/nonexistent",
            "ENCLAVE_SITE": site.name,
            "LANG": "C.UTF-8",
            **program.environment,
        }
        lines += [
            f"[program:{program.name}]",
            f"command={program.command}",
            f"user={program.user}",
            f"priority={program.priority}",
            f"umask={program.umask}",
            "directory=/",
            "autostart=true",
            "autorestart=true",
            "startsecs=1",
            "startretries=20",
            "stopwaitsecs=10",
            "stopasgroup=true",
            "killasgroup=true",
            "redirect_stderr=true",
            f"stdout_logfile={site.logs}/{program.name}.log",
            "stdout_logfile_maxbytes=5MB",
            "stdout_logfile_backups=2",
            "environment=" + ",".join(f'{k}="{v}"' for k, v in environment.items()),
        ]
    return "\n".join(lines) + "\n"


def alive(site: Site) -> bool:
    """Whether the site's supervisor runs."""
    pid = _pid(site)
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
        return b"supervisord" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _pid(site: Site) -> int | None:
    try:
        return int((site.run / "supervisor.pid").read_text())
    except (OSError, ValueError):
        return None


def start(site: Site) -> None:
    """Start the supervisor, which starts the services. Does nothing where it runs already."""
    if alive(site):
        return
    end_strays(site)
    site.supervisor_socket.unlink(missing_ok=True)
    file = site.home / "supervisord.conf"
    file.write_text(configuration(site))
    # A clean environment: what the person at the terminal has set is not the services' business.
    clean = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    for name in ("ENCLAVE_PREFIX", "ENCLAVE_HOMES"):
        if name in os.environ:
            clean[name] = os.environ[name]
    subprocess.run(
        [str(PYTHON), "-P", "-m", "supervisor.supervisord", "-c", str(file)],
        check=True,
        env=clean,
        stdin=subprocess.DEVNULL,
        close_fds=True,
        preexec_fn=_let_workers_come_back,
    )


def open_files() -> int:
    """How many files a service may open: `OPEN_FILES`, or fewer where the system does not let this process have them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard >= OPEN_FILES:
        return OPEN_FILES
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, OPEN_FILES))
        return OPEN_FILES
    return hard


def _let_workers_come_back() -> None:
    """A worker of the gateway that made way for others may begin its next statement like any other (`adapters.engine`).

    Where the system does not allow it, the gateway starts another worker instead.
    """
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NICE, (20 - FIRST, 20 - FIRST))


def _control(site: Site) -> xmlrpc.client.ServerProxy:
    transport = SupervisorTransport(None, None, f"unix://{site.supervisor_socket}")
    return xmlrpc.client.ServerProxy("http://localhost", transport=transport)


def states(site: Site) -> dict[str, str]:
    """Program → state word of supervisord (RUNNING, STARTING, BACKOFF, FATAL …); empty where nothing runs."""
    if not alive(site):
        return {}
    try:
        answers = _control(site).supervisor.getAllProcessInfo()
    except (OSError, xmlrpc.client.Fault):
        return {}
    return {str(a["name"]): str(a["statename"]) for a in answers}  # type: ignore[index,union-attr,call-overload]


def restart(site: Site, program: str) -> None:
    """End and start one program."""
    control = _control(site).supervisor
    stop_program(site, program)
    control.startProcess(program)


def stop_program(site: Site, program: str) -> None:
    """End one program and leave it ended."""
    try:
        _control(site).supervisor.stopProcess(program)
    except xmlrpc.client.Fault as fault:
        if "NOT_RUNNING" not in fault.faultString:
            raise


def start_program(site: Site, program: str) -> None:
    """Start one program that was ended."""
    try:
        _control(site).supervisor.startProcess(program)
    except xmlrpc.client.Fault as fault:
        if "ALREADY_STARTED" not in fault.faultString:
            raise


def stop(site: Site) -> None:
    """End the supervisor and every service; returns when they are gone."""
    pid = _pid(site)
    if pid is not None and alive(site):
        os.kill(pid, signal.SIGTERM)
        if not _until(lambda: not alive(site), 30.0):
            os.kill(pid, signal.SIGKILL)
    end_strays(site)


def end_strays(site: Site) -> None:
    """End what a killed supervisor, or a start that was killed half-way, left behind."""
    for number, patience in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
        left = strays(site)
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if not left or _until(lambda: not strays(site), patience):
            return


def strays(site: Site) -> list[int]:
    """Processes of this site's services, supervisors first. Only of the services' own users, and the two that are root."""
    known = {entry.pw_uid for entry in pwd.getpwall() if entry.pw_name in USERS.values()}
    supervisors, services = [], []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
            uid = process.stat().st_uid
            marked = f"ENCLAVE_SITE={site.name}".encode() in (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if (
            uid == 0
            and words[-1:] == [str(site.home / "supervisord.conf")]
            and "supervisor.supervisord" in words
        ):
            supervisors.append(int(process.name))
        elif (uid == 0 and words[-4:] == ["serve", "walls", "--site", site.name]) or (
            uid in known and (marked or any(f"{site.home}/" in word for word in words))
        ):
            services.append(int(process.name))
    return supervisors + services


def _until(true: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
