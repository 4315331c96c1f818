"""The local authority and what it issues."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from enclave import config
from enclave.adapters import tls
from enclave.config import Site

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(config, "HOMES", tmp_path)
    return Site("x", 7)


def certificate(site: Site, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((site.tls / f"{name}.pem").read_bytes())


def names(site: Site, name: str) -> set[str]:
    found = certificate(site, name).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(general.value) for general in found}


def test_a_second_set_up_changes_nothing(site: Site) -> None:
    """Files stay byte for byte, and it says that nothing changed."""
    assert tls.set_up(site, NOW)
    before = {file.name: file.read_bytes() for file in site.tls.iterdir()}
    assert not tls.set_up(site, NOW + timedelta(days=10))
    assert {file.name: file.read_bytes() for file in site.tls.iterdir()} == before


def test_keys_are_for_their_owner_only(site: Site) -> None:
    """Certificates may be read by all, keys by one user."""
    tls.set_up(site, NOW)
    assert {f.name: oct(f.stat().st_mode & 0o777) for f in site.tls.glob("*.key")} == {
        "ca.key": "0o400",
        "public.key": "0o400",
        "gateway.key": "0o400",
    }
    assert not list(site.tls.glob(".*"))


def test_names_are_those_that_browsers_and_workspaces_use(site: Site) -> None:
    """Both public sites; the gateway by the address that a workspace knows."""
    tls.set_up(site, NOW)
    assert names(site, "public") == {
        "enclave.localhost",
        "enclave-work.localhost",
        "*.enclave-work.localhost",
    }
    assert "10.87.7.1" in names(site, "gateway")


def test_what_is_near_its_end_is_issued_anew_under_the_same_authority(site: Site) -> None:
    """Within thirty days of its end a certificate is replaced; the authority that people trusted stays."""
    tls.set_up(site, NOW)
    authority, public = site.ca.read_bytes(), certificate(site, "public")
    later = NOW + timedelta(days=tls.CERTIFICATE_DAYS - tls.RENEW_DAYS + 1)
    assert tls.set_up(site, later)
    assert site.ca.read_bytes() == authority
    assert certificate(site, "public").not_valid_after_utc > public.not_valid_after_utc


def test_a_certificate_verifies_against_its_authority_and_no_other(site: Site, tmp_path: Path) -> None:
    """A strict client that trusts this authority accepts the gateway; one that trusts another site's does not."""
    now = datetime.now(UTC)
    tls.set_up(site, now)
    other = Site("y", 8)
    tls.set_up(other, now)
    assert _handshake(site, site, "10.87.7.1") is None
    assert _handshake(site, site, "enclave.localhost") is None
    assert _handshake(site, other, "10.87.7.1") == "CERTIFICATE_VERIFY_FAILED"
    assert _handshake(site, site, "10.87.8.1") == "CERTIFICATE_VERIFY_FAILED"


def _handshake(server: Site, trusted: Site, name: str) -> str | None:
    """A TLS handshake in memory with the gateway's certificate; the reason where it fails."""
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(server.tls / "gateway.pem", server.tls / "gateway.key")
    theirs = ssl.create_default_context(cafile=str(trusted.ca))
    theirs.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = theirs.wrap_bio(to_client, to_server, server_hostname=name)
    serving = ours.wrap_bio(to_server, to_client, server_side=True)
    done = {id(client): False, id(serving): False}
    for _ in range(6):
        for side in (client, serving):
            try:
                side.do_handshake()
                done[id(side)] = True
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as error:
                return str(error.reason)
    assert all(done.values())
    return None
