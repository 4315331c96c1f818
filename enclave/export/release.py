"""What leaves: exactly the bytes that were checked, named by a digest over the list of files.

Decides the digest that votes are for, and how several files become one download. Does not keep or fetch bytes.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable

from enclave.core.ids import Digest
from enclave.core.refusal import Refused

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a ZIP can hold: the same files make the same archive on any day."""


def digest_of(data: bytes) -> Digest:
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def export_digest(files: Iterable[tuple[str, ...]]) -> Digest:
    """The digest of an export: over (name, digest) of its files in order, as JSON without room for a second reading. A file's
    description and evidence follow with digests of their own: the votes are for what was judged, not only for what leaves."""
    text = json.dumps([list(file) for file in files], ensure_ascii=True, separators=(",", ":"))
    return digest_of(text.encode())


def check_bytes(data: bytes | None, digest: str, name: str) -> bytes:
    """`data` where it still is what was checked. Raises Refused `export.bytes_changed` (also where they are gone)."""
    if data is None or digest_of(data) != digest:
        raise Refused("export.bytes_changed", {"name": name})
    return data


def archive(files: Iterable[tuple[str, bytes]]) -> bytes:
    """A ZIP whose members are the given bytes, stored as they are; the same files give the same archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archived:
        for name, data in files:
            member = zipfile.ZipInfo(name, _EPOCH)
            member.external_attr = 0o644 << 16
            member.create_system = 3
            archived.writestr(member, data)
    return packed.getvalue()
