"""Identifiers. Each is a NewType over str, so that a person's id cannot be passed where a project's is meant.

Ids are lower case (SHAPES). This module decides their form and nothing else; chance and time arrive as arguments.
"""

import re
from typing import NewType

PersonId = NewType("PersonId", str)
ProjectId = NewType("ProjectId", str)
PermitId = NewType("PermitId", str)
ProvisionId = NewType("ProvisionId", str)
DatabaseId = NewType("DatabaseId", str)
ApplicationId = NewType("ApplicationId", str)
AmendmentId = NewType("AmendmentId", str)
ExportId = NewType("ExportId", str)
QueryId = NewType("QueryId", str)
SessionId = NewType("SessionId", str)
EventId = NewType("EventId", str)
Digest = NewType("Digest", str)

PERSON = re.compile(r"[a-z][a-z0-9]{1,29}")
"""A person's id is also a DNS label and part of container names: letters and digits only."""

PROJECT = re.compile(r"[a-z0-9-]{1,30}")
"""A project's id is the name of its workspace's server at the hub (SHAPES, Session of a workspace)."""


def uuid7(unix_ms: int, random: bytes) -> str:
    """An RFC 9562 UUID version 7 from milliseconds since 1970 and 10 random bytes.

    Raises ValueError where `random` is not 10 bytes or the time does not fit 48 bits.
    """
    if len(random) != 10 or not 0 <= unix_ms < 1 << 48:
        raise ValueError("uuid7 needs a 48-bit time and 10 random bytes")
    value = (unix_ms << 80) | int.from_bytes(random, "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
