"""What a site needs of the machine before its services start: users, folders, address, and, per service, its secrets.

Runs as root. Every function looks at what is there and makes what is missing, so it can be interrupted and run again;
no key is ever overwritten. Each secret is readable by the one user whose process needs it.
"""

import grp
import hashlib
import json
import os
import pwd
import secrets as chance
import shutil
import subprocess
from pathlib import Path

from enclave.adapters import signing
from enclave.config import RECORDS_GROUP, SERVICES_GROUP, USERS, Site

CALLS = {
    "ledger": ("custody", "gateway", "portal", "hub", "operator"),
    "custody": ("gateway", "operator", "portal"),
}
"""Callee → the callers it accepts. `operator` is root on this machine: set-up, and the custodian's commands."""

READERS_OF_LEDGER = ("portal", "operator", "custody")
"""May read the log over the ledger's socket; everybody else only appends."""

BEARERS = (
    ("hub", "portal.service"),
    ("hub", "metrics.service"),
    ("hub", "proxy"),
    ("hub", "cookie"),
    ("gateway", "metrics"),
    ("portal", "metrics"),
)
"""(owner, name) of secrets that are random tokens in a file of their own: `secrets/<owner>/<name>.token`."""

SHARED_WITH = (
    ("hub", "portal.service", "portal", "hub"),
    ("hub", "proxy", "proxy", "hub"),
)
"""(owner, name, other, name there): the same token in a second service's folder, where two services must know it."""


def user_id(service: str) -> tuple[int, int]:
    """uid and gid of a service's user; root for `operator`."""
    if service == "operator":
        return 0, 0
    entry = pwd.getpwnam(USERS[service])
    return entry.pw_uid, entry.pw_gid


def make_users() -> None:
    """One system user per service; groups for the sockets, the records and (for the hub) Docker."""
    for group in (SERVICES_GROUP, RECORDS_GROUP):
        if not _group_exists(group):
            subprocess.run(["groupadd", "--system", group], check=True)
    extra = {"portal": [RECORDS_GROUP], "gateway": [RECORDS_GROUP], "hub": [RECORDS_GROUP, "docker"]}
    for service, user in USERS.items():
        main = SERVICES_GROUP if service != "proxy" else None
        try:
            pwd.getpwnam(user)
        except KeyError:
            group_option = ["--gid", main] if main else ["--user-group"]
            subprocess.run(
                [
                    "useradd",
                    "--system",
                    "--no-create-home",
                    "--home-dir",
                    "/nonexistent",
                    *group_option,
                    "--shell",
                    "/usr/sbin/nologin",
                    user,
                ],
                check=True,
            )
        for group in extra.get(service, []):
            if _group_exists(group) and user not in grp.getgrnam(group).gr_mem:
                subprocess.run(["usermod", "--append", "--groups", group, user], check=True)


def _group_exists(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def folder(path: Path, owner: str, mode: int, group: str | None = None) -> None:
    """A folder with exactly this owner, group and mode."""
    path.mkdir(parents=True, exist_ok=True)
    uid, gid = user_id(owner)
    os.chown(path, uid, grp.getgrnam(group).gr_gid if group else gid)
    path.chmod(mode)


def make_folders(site: Site) -> None:
    """The site's places, each with the narrowest owner and mode that its readers allow."""
    folder(site.home, "operator", 0o755)
    folder(site.logs, "operator", 0o755)
    folder(site.run.parent, "operator", 0o755)
    # Sticky: a service may put its socket here and may not remove another's.
    folder(site.run, "operator", 0o1770, SERVICES_GROUP)
    site.run.chmod(0o1775)
    folder(site.home / "trust", "operator", 0o755)
    folder(site.records.parent, "operator", 0o2770, RECORDS_GROUP)
    folder(site.blobs, "operator", 0o2770, RECORDS_GROUP)
    folder(site.ledger, "ledger", 0o755)
    folder(site.log, "ledger", 0o755)
    folder(site.custody, "custody", 0o700)
    folder(site.extracts, "custody", 0o750, SERVICES_GROUP)
    folder(site.catalogue, "custody", 0o755)
    folder(site.workspaces, "hub", 0o700)
    folder(site.home / "hub", "hub", 0o700)
    folder(site.tls, "operator", 0o755)
    folder(site.secrets, "operator", 0o755)
    for service in (*USERS, "operator"):
        folder(site.secrets / service, service, 0o700)
    (site.home / "site.json").write_text(
        json.dumps({"name": site.name, "index": site.index, "profile": site.profile}) + "\n"
    )


def _secret(path: Path, owner: str, text: str) -> None:
    temporary = path.with_suffix(".part")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "w") as file:
        file.write(text)
    os.chown(temporary, *user_id(owner))
    temporary.rename(path)


def make_secrets(site: Site) -> None:
    """Tokens between services, the keys of permits, the keys of cookies. What exists stays."""
    for callee, callers in CALLS.items():
        digests: dict[str, str] = {}
        for caller in callers:
            path = site.token(caller, callee)
            if not path.exists():
                _secret(path, caller, chance.token_urlsafe(32))
            digests[caller] = hashlib.sha256(path.read_text().strip().encode()).hexdigest()
        _secret(site.callers(callee), callee, json.dumps(digests))
    for owner, name in BEARERS:
        path = site.secrets / owner / f"{name}.token"
        if not path.exists():
            _secret(path, owner, chance.token_hex(32))
    for owner, name, other, there in SHARED_WITH:
        text = (site.secrets / owner / f"{name}.token").read_text()
        _secret(site.secrets / other / f"{there}.token", other, text)
    permit_key = site.secrets / "portal" / "permit.key"
    if not permit_key.exists():
        # The key is in its place only once it is trusted and its owner's: an interrupted set-up makes another one.
        key, making = signing.generate_private(), permit_key.with_suffix(".part")
        making.unlink(missing_ok=True)
        signing.save_private(key, making)
        os.chown(making, *user_id("portal"))
        trusted = signing.trusted_file(site)
        trusted.write_text(signing.public_text(key) + "\n")
        trusted.chmod(0o644)
        making.rename(permit_key)


def put_address(site: Site) -> None:
    """The services' own address on the loopback interface, so that they bind to one fixed address and no other."""
    present = subprocess.run(
        ["ip", "-o", "addr", "show", "dev", "lo"], capture_output=True, text=True, check=True
    )
    if f" {site.service_ip}/32 " not in present.stdout:
        subprocess.run(["ip", "addr", "add", f"{site.service_ip}/32", "dev", "lo"], check=True)


def take_address(site: Site) -> None:
    """Remove the services' address again."""
    subprocess.run(
        ["ip", "addr", "del", f"{site.service_ip}/32", "dev", "lo"], capture_output=True, check=False
    )


def forget(site: Site) -> None:
    """Remove everything the site keeps on disk. Keys, extracts, log and records are gone for good."""
    for place in (site.home, site.run):
        shutil.rmtree(place, ignore_errors=True)
