"""Signed permits: DSSE envelopes (Ed25519) around the canonical JSON of a permit.

Decides whether a permit is signed by a key that this site trusts. Relies on `cryptography` for Ed25519 and on
RFC 8785 for canonical JSON. Does not decide who may sign, nor whether the permit is in force
(`Permit.check_in_force`).

The envelope is that of DSSE v1.0.2 (github.com/secure-systems-lab/dsse, envelope.md and protocol.md), with
one rule more: the payload must be canonical, so that one permit has one spelling and a repeated key cannot
mean two things.

Files:

- a private key is PKCS #8 PEM, mode 0400, owned by the service that signs;
- trusted public keys are `<site.home>/trust/permit.pub`, world-readable text, one key a line:
  `<keyid> ed25519 <base64 of the 32 raw bytes>`; empty lines and lines that begin with `#` are ignored.
"""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from enclave.config import Site
from enclave.core import permit as permits
from enclave.core.permit import Permit
from enclave.core.refusal import Refused

PAYLOAD_TYPE = "application/vnd.enclave.permit+json"

Envelope = dict[str, Any]
"""`{payload: base64, payloadType, signatures: [{keyid, sig: base64}]}`."""


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value. Raises ValueError for what has none (NaN, integers over 2^53)."""
    return rfc8785.dumps(value)


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: `DSSEv1 len(type) type len(payload) payload`, lengths in bytes."""
    kind = payload_type.encode()
    return b" ".join((b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload))


def key_id(public: Ed25519PublicKey) -> str:
    """A short name that follows from the key: 16 hexadecimal digits of the SHA-256 of its raw bytes."""
    return hashlib.sha256(_raw(public)).hexdigest()[:16]


def sign_permit(permit: Permit, key: Ed25519PrivateKey, keyid: str | None = None) -> Envelope:
    """The envelope around a permit. `keyid` is `key_id(public key)` unless told."""
    payload = canonical(permit.to_json())
    signature = key.sign(pae(PAYLOAD_TYPE, payload))
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [
            {"keyid": keyid or key_id(key.public_key()), "sig": base64.b64encode(signature).decode()}
        ],
    }


def sign(schema: str, statement: Mapping[str, Any], key: Ed25519PrivateKey) -> Envelope:
    """The envelope around a statement of another kind, `schema` (`enclave.erasure/1`) in its payload type."""
    kind = f"application/vnd.{schema.replace('/', '.v')}+json"
    payload = canonical(dict(statement))
    signature = key.sign(pae(kind, payload))
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": kind,
        "signatures": [{"keyid": key_id(key.public_key()), "sig": base64.b64encode(signature).decode()}],
    }


def verify(
    schema: str, envelope: Mapping[str, Any], trusted: Mapping[str, Ed25519PublicKey]
) -> dict[str, Any]:
    """The statement inside an envelope of that schema. Raises Refused `custody.certificate_signature`."""
    try:
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [
            (str(one["keyid"]), base64.b64decode(one["sig"], validate=True)) for one in envelope["signatures"]
        ]
        kind = str(envelope["payloadType"])
        statement = json.loads(payload)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Refused("custody.certificate_signature") from error
    message = pae(kind, payload)
    right = kind == f"application/vnd.{schema.replace('/', '.v')}+json"
    if not right or not any(_good(trusted.get(keyid), one, message) for keyid, one in signatures):
        raise Refused("custody.certificate_signature")
    return dict(statement)


def verify_permit(envelope: Mapping[str, Any], trusted: Mapping[str, Ed25519PublicKey]) -> Permit:
    """The permit inside an envelope, once its signature is seen to be good.

    1. The envelope has the form and the payload type of a permit.
    2. At least one signature names a trusted key and verifies over the PAE; no trusted keys means no.
    3. The payload is canonical JSON and a permit.

    Raises Refused `permit.signature` for 1, 2 and a payload that is not canonical, `permit.malformed` for a
    signed payload that is no permit. Whether it is in force is asked of the permit itself, at each use.

    A yes to the same bytes under the same keys is not computed again: nothing else decides it.
    """
    payload, signatures = _opened(envelope)
    return _verified(payload, tuple(signatures), tuple((name, _raw(key)) for name, key in trusted.items()))


@lru_cache(maxsize=256)
def _verified(
    payload: bytes, signatures: tuple[tuple[str, bytes], ...], keys: tuple[tuple[str, bytes], ...]
) -> Permit:
    """Steps 2 and 3. A no is an exception, and no exception is kept."""
    trusted = {name: Ed25519PublicKey.from_public_bytes(raw) for name, raw in keys}
    message = pae(PAYLOAD_TYPE, payload)
    if not any(_good(trusted.get(keyid), signature, message) for keyid, signature in signatures):
        raise Refused("permit.signature")
    try:
        data = json.loads(payload)
        canonical_payload = canonical(data)
    except (ValueError, RecursionError) as error:
        raise Refused("permit.signature") from error
    if canonical_payload != payload:
        raise Refused("permit.signature")
    if not isinstance(data, dict):
        raise Refused("permit.malformed", {"place": "schema"})
    return permits.parse(data)


def _opened(envelope: Mapping[str, Any]) -> tuple[bytes, list[tuple[str, bytes]]]:
    try:
        kind = envelope["payloadType"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [
            (str(s["keyid"]), base64.b64decode(s["sig"], validate=True)) for s in envelope["signatures"]
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused("permit.signature") from error
    if kind != PAYLOAD_TYPE:
        raise Refused("permit.signature")
    return payload, signatures


def _good(key: Ed25519PublicKey | None, signature: bytes, message: bytes) -> bool:
    if key is None:
        return False
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def envelope_digest(envelope: Mapping[str, Any]) -> str:
    """`sha256:<hex>` of the signed payload: what an event says of which permit it saw."""
    return "sha256:" + hashlib.sha256(base64.b64decode(envelope["payload"])).hexdigest()


# -- keys ----------------------------------------------------------------------------------------
def generate_private() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def save_private(key: Ed25519PrivateKey, path: Path) -> None:
    """Write a private key, mode 0400, for the current user. Raises FileExistsError: no key is overwritten."""
    data = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def load_private(path: Path) -> Ed25519PrivateKey:
    """The Ed25519 key of a PKCS #8 PEM file. Raises OSError, or ValueError where it is no such key."""
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 key")
    return key


def public_text(key: Ed25519PrivateKey | Ed25519PublicKey, keyid: str | None = None) -> str:
    """The line of `permit.pub` for a key, with its line end."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return f"{keyid or key_id(public)} ed25519 {base64.b64encode(_raw(public)).decode()}\n"


def parse_trusted(text: str) -> dict[str, Ed25519PublicKey]:
    """The keys of a `permit.pub`. Raises ValueError for a line that is no key or a key id named twice."""
    keys: dict[str, Ed25519PublicKey] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split()
        if len(fields) != 3 or fields[1] != "ed25519" or fields[0] in keys:
            raise ValueError(f"trusted keys, line {number}")
        keys[fields[0]] = Ed25519PublicKey.from_public_bytes(base64.b64decode(fields[2], validate=True))
    return keys


def trusted_file(site: Site) -> Path:
    """Where every service of a site finds the keys that may sign permits."""
    return site.home / "trust" / "permit.pub"


def load_trusted(path: Path) -> dict[str, Ed25519PublicKey]:
    """The keys of a trusted-keys file. Raises OSError or ValueError; an empty answer verifies nothing."""
    return parse_trusted(path.read_text())


def _raw(public: Ed25519PublicKey) -> bytes:
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)
