"""A permit is what was signed, byte for byte, or it is nothing."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enclave.adapters import signing
from enclave.core import permit as permits
from enclave.core.permit import Permit
from enclave.core.refusal import Refused

KEY = signing.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TRUSTED = {signing.key_id(KEY.public_key()): KEY.public_key()}


def a_permit() -> Permit:
    return permits.parse(
        {
            "schema": "enclave.permit/1",
            "permit_id": "p-2026-0007",
            "revision": 1,
            "project": "nafld-fib",
            "provision": "v-81c2",
            "handlers": ["tanaka"],
            "purpose": "脂肪肝と予後",
            "tier": "record",
            "workspace": "direct",
            "databases": {"nafld": {"patients": {"columns": ["pid", "age"], "rows": "age >= 18"}}},
            "linkage_groups": [["nafld"]],
            "rule_sets": ["ndb-2024-09"],
            "outputs": [],
            "limits": {"queries_day": 2000},
            "checkers": 2,
            "valid_from": "2026-11-01T00:00:00Z",
            "valid_to": "2027-10-31T15:00:00Z",
        }
    )


ENVELOPE = signing.sign_permit(a_permit(), KEY)


def resigned(payload: bytes) -> dict[str, Any]:
    """An envelope around any bytes, properly signed."""
    signature = KEY.sign(signing.pae(signing.PAYLOAD_TYPE, payload))
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": signing.PAYLOAD_TYPE,
        "signatures": [{"keyid": next(iter(TRUSTED)), "sig": base64.b64encode(signature).decode()}],
    }


def test_the_encoding_is_that_of_the_specification() -> None:
    """The example of DSSE's protocol.md, byte for byte."""
    encoded = signing.pae("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_lengths_count_bytes_not_characters() -> None:
    """A type with a character of three bytes is three bytes long."""
    assert signing.pae("型", b"") == b"DSSEv1 3 \xe5\x9e\x8b 0 "


def test_what_was_signed_comes_back_equal() -> None:
    """A permit survives the envelope and its JSON spelling."""
    assert signing.verify_permit(json.loads(json.dumps(ENVELOPE)), TRUSTED) == a_permit()


@given(st.data())
def test_one_edited_byte_of_the_payload_is_refused(data: st.DataObject) -> None:
    """Whichever byte of the payload changes, the signature no longer holds."""
    payload = bytearray(base64.b64decode(ENVELOPE["payload"]))
    place = data.draw(st.integers(0, len(payload) - 1))
    payload[place] ^= data.draw(st.integers(1, 255))
    edited = {**ENVELOPE, "payload": base64.b64encode(payload).decode()}
    with pytest.raises(Refused) as no:
        signing.verify_permit(edited, TRUSTED)
    assert no.value.code == "permit.signature"


@pytest.mark.parametrize(
    "edit",
    [
        {"signatures": []},
        {"payloadType": "application/vnd.in-toto+json"},
        {"payload": "!!!"},
        {"payload": 7},
        {"signatures": [{"keyid": "unknown", "sig": ENVELOPE["signatures"][0]["sig"]}]},
        {"signatures": [{"keyid": next(iter(TRUSTED)), "sig": base64.b64encode(bytes(64)).decode()}]},
        {"signatures": "none"},
    ],
)
def test_an_envelope_that_proves_nothing_is_refused(edit: dict[str, Any]) -> None:
    """No signature, a strange key, another type, a broken spelling: all one no."""
    with pytest.raises(Refused) as no:
        signing.verify_permit({**ENVELOPE, **edit}, TRUSTED)
    assert no.value.code == "permit.signature"


def test_a_key_that_is_not_trusted_signs_nothing() -> None:
    """The same key id with another key behind it verifies nothing; nor do no keys at all."""
    stranger = signing.generate_private().public_key()
    for trusted in ({next(iter(TRUSTED)): stranger}, {}):
        with pytest.raises(Refused):
            signing.verify_permit(ENVELOPE, trusted)


def test_a_yes_ends_with_the_trust_in_its_key() -> None:
    """What was found once is found again for the same bytes and keys only."""
    envelope = signing.sign_permit(a_permit(), KEY)
    assert signing.verify_permit(envelope, TRUSTED) == a_permit()
    other = signing.generate_private().public_key()
    for trusted in ({}, dict.fromkeys(TRUSTED, other), {"another name": KEY.public_key()}):
        with pytest.raises(Refused) as refused:
            signing.verify_permit(envelope, trusted)
        assert refused.value.code == "permit.signature"
    assert signing.verify_permit(envelope, TRUSTED) == a_permit()


def test_a_no_is_not_kept() -> None:
    """A key that is trusted later signs from then on."""
    late = signing.generate_private()
    envelope = signing.sign_permit(a_permit(), late)
    with pytest.raises(Refused):
        signing.verify_permit(envelope, TRUSTED)
    trusted = {**TRUSTED, signing.key_id(late.public_key()): late.public_key()}
    assert signing.verify_permit(envelope, trusted) == a_permit()


def test_a_signed_payload_with_two_spellings_is_refused() -> None:
    """A repeated key could be read in two ways by two readers, so only canonical bytes count."""
    text = base64.b64decode(ENVELOPE["payload"]).decode()
    for payload in (text.replace("{", '{"tier":"aggregate",', 1), " " + text):
        with pytest.raises(Refused) as no:
            signing.verify_permit(resigned(payload.encode()), TRUSTED)
        assert no.value.code == "permit.signature"


def test_a_signed_thing_that_is_no_permit_is_malformed() -> None:
    """A good signature does not make a permit of a list or of an empty object."""
    for payload in (b"[]", b"{}"):
        with pytest.raises(Refused) as no:
            signing.verify_permit(resigned(payload), TRUSTED)
        assert no.value.code == "permit.malformed"


def test_a_changed_permit_needs_a_new_signature() -> None:
    """The signature of one revision says nothing of another."""
    later = signing.sign_permit(replace(a_permit(), valid_to=datetime(2030, 1, 1, tzinfo=UTC)), KEY)
    with pytest.raises(Refused):
        signing.verify_permit({**later, "signatures": ENVELOPE["signatures"]}, TRUSTED)


def test_a_private_key_is_written_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    """Mode 0400, readable back, never overwritten."""
    path = tmp_path / "permit.key"
    signing.save_private(KEY, path)
    assert path.stat().st_mode & 0o777 == 0o400
    assert signing.key_id(signing.load_private(path).public_key()) == next(iter(TRUSTED))
    with pytest.raises(FileExistsError):
        signing.save_private(signing.generate_private(), path)


def test_trusted_keys_are_a_text_file() -> None:
    """Comments and empty lines are skipped; a repeated key id or a strange line is an error."""
    line = signing.public_text(KEY)
    assert signing.verify_permit(ENVELOPE, signing.parse_trusted("# permits\n\n" + line)) == a_permit()
    for text in (line + line, "x rsa AAAA\n", "only-one-field\n"):
        with pytest.raises(ValueError, match="trusted keys, line"):
            signing.parse_trusted(text)
