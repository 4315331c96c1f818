"""The local authority of a site, and the certificates it issues: public names, and the gateway's address.

Decides lifetimes, names and file modes. A real site brings its own certificates for its two registrable names; this
authority exists so that a machine without any still has no unencrypted step. Its key never leaves `ca.key` (root's).
Relies on being run as root at set-up and by `enclave up`, which renews what is near its end.
"""

import grp
import os
import pwd
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from enclave.config import USERS, Site

AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 397
"""The longest that browsers accept of a certificate."""

RENEW_DAYS = 30
"""A certificate is issued anew when it has less than this left."""


def public_names(site: Site) -> tuple[str, ...]:
    """DNS names of the browser's side: portal and hub on one site, every person's workspaces on another."""
    return (site.hub_host, site.workspace_domain, f"*.{site.workspace_domain}")


def set_up(site: Site, now: datetime) -> bool:
    """Make or renew the authority and both certificates; True where a file changed (services must then reload).

    Files: `ca.pem`, `public.pem`, `gateway.pem` (0644), `ca.key` (0400 root), `public.key` (0400 proxy's user),
    `gateway.key` (0400 gateway's user). `*.pem` of the services carry the authority's certificate behind their own.
    """
    site.tls.mkdir(mode=0o755, parents=True, exist_ok=True)
    ca_file, ca_key_file = site.ca, site.tls / "ca.key"
    changed = False
    if not ca_key_file.exists() or _near_its_end(ca_file, now):
        key, authority = _authority(site, now)
        _write(ca_key_file, _pem(key), 0o400, None)
        _write(ca_file, _text(authority), 0o644, None)
        changed = True
    authority = x509.load_pem_x509_certificate(ca_file.read_bytes())
    key = _load_key(ca_key_file)
    public: list[x509.GeneralName] = [x509.DNSName(name) for name in public_names(site)]
    gateway: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.DNSName(site.hub_host),
        x509.IPAddress(IPv4Address(site.service_ip)),
    ]
    for name, user, subjects in (("public", USERS["proxy"], public), ("gateway", USERS["gateway"], gateway)):
        file = site.tls / f"{name}.pem"
        if not changed and (site.tls / f"{name}.key").exists() and not _near_its_end(file, now):
            continue
        own = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(own, subjects, key, authority, now)
        _write(site.tls / f"{name}.key", _pem(own), 0o400, user)
        _write(file, _text(certificate) + _text(authority), 0o644, None)
        changed = True
    return changed


def _near_its_end(file: Path, now: datetime) -> bool:
    if not file.exists():
        return True
    return x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc < now + timedelta(
        days=RENEW_DAYS
    )


def _authority(site: Site, now: datetime) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Enclave local authority ({site.name})")])
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        # Whoever trusts this authority trusts it for these names only: its key cannot speak for the rest of the world.
        .add_extension(
            x509.NameConstraints(
                permitted_subtrees=[
                    x509.DNSName("localhost"),
                    x509.IPAddress(_network(site.service_ip)),
                ],
                excluded_subtrees=None,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def _certificate(
    own: ec.EllipticCurvePrivateKey,
    subjects: list[x509.GeneralName],
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    now: datetime,
) -> x509.Certificate:
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subjects[0].value)]))
        .issuer_name(authority.subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(min(now + timedelta(days=CERTIFICATE_DAYS), authority.not_valid_after_utc))
        .add_extension(x509.SubjectAlternativeName(subjects), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _network(address: str) -> IPv4Network:
    return IPv4Network(f"{address}/32")


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _text(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _load_key(file: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the authority's key is of another kind")
    return key


def _write(file: Path, data: bytes, mode: int, user: str | None) -> None:
    """Write a file that is never readable by more than its mode says, and never half written."""
    temporary = file.with_name(f".{file.name}.part")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    if user is not None and user in {entry.pw_name for entry in pwd.getpwall()}:
        entry = pwd.getpwnam(user)
        os.chown(temporary, entry.pw_uid, grp.getgrgid(entry.pw_gid).gr_gid)
    temporary.chmod(mode)
    temporary.rename(file)
