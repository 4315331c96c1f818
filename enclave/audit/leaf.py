"""The leaf: what one entry of the log may be (SHAPES, Log leaf), and its one form in bytes (RFC 8785).

Decides whether a JSON object is a leaf: exactly the fields of version 1, their types, their lengths. Canonical
JSON escapes line breaks and terminal control sequences, so whatever a text holds, a leaf stays one leaf.
Does not know whether what a leaf says is true, nor who sent it.
"""

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from enclave.core.clock import parse_rfc3339
from enclave.core.event import Outcome
from enclave.core.refusal import Refused

Leaf = Mapping[str, Any]

MAX_CODES = 64
MAX_COUNTS = 64
MAX_COUNT = 2**53 - 1
"""Largest whole number that RFC 8785 writes exactly."""

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,63}", re.ASCII)
_DOTTED = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+", re.ASCII)
_KEY = re.compile(r"[a-z][a-z0-9_.:-]{0,63}", re.ASCII)
_OUTCOMES = frozenset(outcome.value for outcome in Outcome)

Check = Callable[[object], bool]


def _text(value: object, longest: int) -> bool:
    # A lone surrogate has no UTF-8 form and so no canonical bytes.
    return (
        isinstance(value, str)
        and 0 < len(value) <= longest
        and not any("\ud800" <= c <= "\udfff" for c in value)
    )


def _short(value: object) -> bool:
    return _text(value, 128)


def _short_or_null(value: object) -> bool:
    return value is None or _text(value, 128)


def _matches(pattern: re.Pattern[str], longest: int) -> Check:
    return lambda value: isinstance(value, str) and len(value) <= longest and bool(pattern.fullmatch(value))


def _time(value: object) -> bool:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return False
    try:
        parse_rfc3339(value)
    except ValueError:
        return False
    return True


def _fields(checks: Mapping[str, Check]) -> Check:
    return lambda value: _wrong_field(value, checks) is None


def _wrong_field(value: object, checks: Mapping[str, Check]) -> str | None:
    if not isinstance(value, Mapping):
        return "leaf"
    for name, check in checks.items():
        if name not in value or not check(value[name]):
            return name
    return "unknown" if len(value) != len(checks) else None


def _codes(value: object) -> bool:
    code = _matches(_DOTTED, 80)
    return isinstance(value, list) and len(value) <= MAX_CODES and all(code(one) for one in value)


def _counts(value: object) -> bool:
    key = _matches(_KEY, 64)
    return (
        isinstance(value, Mapping)
        and len(value) <= MAX_COUNTS
        and all(key(name) and type(n) is int and -MAX_COUNT <= n <= MAX_COUNT for name, n in value.items())
    )


FIELDS: Mapping[str, Check] = MappingProxyType(
    {
        "v": lambda value: type(value) is int and value == 1,
        "id": _matches(_ID, 36),
        "time": _time,
        "actor": _fields({"person": _short, "role": _matches(_WORD, 64), "session": _short_or_null}),
        "project": _short_or_null,
        "permit": _short_or_null,
        "action": _matches(_DOTTED, 80),
        "object": _fields({"kind": _matches(_WORD, 64), "id": _short, "digest": _short_or_null}),
        "outcome": lambda value: isinstance(value, str) and value in _OUTCOMES,
        "codes": _codes,
        "counts": _counts,
    }
)
"""Version 1 of the leaf. A field that is added later makes version 2; this table then stays for the old entries."""


def entry_of(leaf: object) -> bytes:
    """The canonical bytes of a leaf. Raises Refused `ledger.leaf_invalid` with the first field that is wrong."""
    wrong = _wrong_field(leaf, FIELDS)
    if wrong is not None or not isinstance(leaf, Mapping):
        raise Refused("ledger.leaf_invalid", {"field": wrong or "leaf"})
    # The lengths of the fields add up to less than a bundle's length prefix can say. Of what a leaf may hold (texts, whole
    # numbers within 2**53, names in ASCII) the standard library writes RFC 8785's form; tests hold it against `rfc8785`.
    return json.dumps(leaf, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def leaf_of(entry: bytes) -> Leaf:
    """The leaf that an entry is. Raises Refused `audit.entry_not_leaf` unless the bytes are its only form."""
    try:
        leaf = json.loads(entry)
        again = entry_of(leaf)
    except (ValueError, RecursionError, Refused):
        raise Refused("audit.entry_not_leaf") from None
    if again != entry:
        raise Refused("audit.entry_not_leaf")
    found: Leaf = leaf
    return found


def readable_id(entry: bytes) -> str | None:
    """The leaf id in an entry that may have been altered; None where no well-formed id can be read."""
    found = re.search(rb'"id":"(' + _ID.pattern.encode() + rb')","object"', entry)
    return found[1].decode() if found else None
