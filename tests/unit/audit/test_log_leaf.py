"""A leaf is exactly what SHAPES says, and has one form in bytes."""

import json
import re
from datetime import UTC, datetime

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from enclave.audit import leaf
from enclave.audit.codes import CODES
from enclave.audit.tiles import MAX_ENTRY
from enclave.core.event import Actor, Event, Outcome, Thing
from enclave.core.ids import EventId, uuid7
from enclave.core.refusal import Refused
from tests.fakes.log_copy import leaf_number

WHOLE = leaf_number(1)


def wrong_field(candidate: object) -> object:
    with pytest.raises(Refused) as no:
        leaf.entry_of(candidate)
    assert no.value.code == "ledger.leaf_invalid"
    return no.value.facts["field"]


def test_the_leaf_of_an_event_is_one() -> None:
    """What the core makes of an event the log takes, and gives back unchanged."""
    event = Event(
        EventId(uuid7(1, bytes(10))),
        datetime(2026, 11, 1, 9, 30, 0, 250, UTC),
        Actor("tanaka", "handler", "s-1"),
        "query.refused",
        Thing("query", "q-1", "sha256:00"),
        "nafld-fib",
        "p-2026-0007@1",
        Outcome.REFUSED,
        ("query.column_not_permitted",),
        {"rows": 0},
    )
    assert leaf.leaf_of(leaf.entry_of(event.leaf())) == event.leaf()


def test_the_bytes_are_canonical() -> None:
    """Keys sorted, no spaces, UTF-8."""
    entry = leaf.entry_of({**WHOLE, "project": "肝臓"})
    assert entry.startswith(
        b'{"action":"query.authorised","actor":{"person":"tanaka","role":"handler","session":null}'
    )
    assert "肝臓".encode() in entry


_TEXT = st.text(min_size=1, max_size=128).filter(lambda text: not re.search("[\ud800-\udfff]", text))
_NAME = st.from_regex(r"[a-z][a-z0-9_.:-]{0,63}", fullmatch=True)
_NUMBER = st.integers(-leaf.MAX_COUNT, leaf.MAX_COUNT)


@given(
    _TEXT,
    st.none() | _TEXT,
    st.dictionaries(_NAME, _NUMBER, max_size=8),
)
def test_the_bytes_are_those_of_rfc_8785(person: str, project: str | None, counts: dict[str, int]) -> None:
    """Whatever a leaf may hold: control characters, line breaks, every plane of Unicode, the largest numbers."""
    actor = {"person": person, "role": "handler", "session": project}
    written = {**WHOLE, "actor": actor, "project": project, "counts": counts}
    assert leaf.entry_of(written) == rfc8785.dumps(written)


def test_every_control_character_is_written_as_rfc_8785_does() -> None:
    text = "".join(map(chr, range(128)))
    written = {**WHOLE, "project": text}
    assert leaf.entry_of(written) == rfc8785.dumps(written)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("v", 2),
        ("v", True),
        ("v", 1.0),
        ("id", "0190E0A0-0000-7000-8000-000000000000"),
        ("id", "0190e0a0-0000-4000-8000-000000000000"),
        ("id", "0190e0a0-0000-7000-8000-000000000000\n"),
        ("time", "2026-11-01T00:00:00+09:00"),
        ("time", "2026-02-30T00:00:00Z"),
        ("time", "2026-11-01 00:00:00Z"),
        ("time", None),
        ("actor", {"person": "tanaka", "role": "handler"}),
        ("actor", {"person": "tanaka", "role": "handler", "session": None, "admin": True}),
        ("actor", {"person": "", "role": "handler", "session": None}),
        ("actor", {"person": "x" * 129, "role": "handler", "session": None}),
        ("project", 5),
        ("project", "\ud800"),
        ("action", "Query.Authorised"),
        ("action", "query"),
        ("action", "query.authorised\n"),
        ("object", None),
        ("outcome", "fine"),
        ("outcome", ["ok"]),
        ("codes", "query.x"),
        ("codes", ["not a code"]),
        ("codes", ["query.x"] * 65),
        ("counts", {"rows": 1.5}),
        ("counts", {"rows": True}),
        ("counts", {"rows": 2**53}),
        ("counts", {"行": 1}),
        ("counts", []),
    ],
)
def test_a_wrong_value_is_refused_by_its_field(field: str, value: object) -> None:
    """Each field has its closed type; the refusal names the field and never the value."""
    assert wrong_field({**WHOLE, field: value}) == field


@pytest.mark.parametrize("field", sorted(WHOLE))
def test_no_field_may_be_missing(field: str) -> None:
    """Absent is not null."""
    assert wrong_field({name: value for name, value in WHOLE.items() if name != field}) == field


def test_no_field_may_be_added() -> None:
    """Free text does not slip into the log under a new name."""
    assert wrong_field({**WHOLE, "comment": "…"}) == "unknown"


@pytest.mark.parametrize("candidate", [None, [], "leaf", 1])
def test_other_json_is_no_leaf(candidate: object) -> None:
    """A leaf is an object."""
    assert wrong_field(candidate) == "leaf"


@pytest.mark.parametrize(
    "text", ["a\nb", "\x1b[31mred", '"},"v":2,{"', "x\r\n\n— example.org/log AAAA", "\x00", "\u2028"]
)
def test_whatever_a_text_holds_a_leaf_stays_one_leaf(text: str) -> None:
    """Line breaks, terminal sequences, JSON and signature lines are carried as text and come back as text."""
    entry = leaf.entry_of({**WHOLE, "project": text})
    assert not any(byte < 0x20 for byte in entry)
    assert leaf.leaf_of(entry)["project"] == text


@pytest.mark.parametrize(
    "entry",
    [
        json.dumps(WHOLE).encode(),
        leaf.entry_of(WHOLE) + b"\n",
        leaf.entry_of(WHOLE).replace(b'"v":1', b'"v":1,"v":1'),
        leaf.entry_of(WHOLE).replace(b"tanaka", b"\\u0074anaka"),
        b"[" * 100_000,
        b"\xff",
        b"",
        b"NaN",
    ],
)
def test_other_bytes_of_the_same_leaf_are_refused(entry: bytes) -> None:
    """One leaf has one form: no second spelling can hide a second meaning."""
    with pytest.raises(Refused) as no:
        leaf.leaf_of(entry)
    assert no.value.code == "audit.entry_not_leaf"


def test_the_longest_leaf_fits_into_a_bundle() -> None:
    """All fields at their longest, every character escaped: still below the 65,535 bytes of a length prefix."""
    control = "\x00" * 128
    word = "a" * 64
    longest = {
        **WHOLE,
        "time": "2026-11-01T00:00:00.000000Z",
        "actor": {"person": control, "role": word, "session": control},
        "project": control,
        "permit": control,
        "action": "a." + "b" * 78,
        "object": {"kind": word, "id": control, "digest": control},
        "counts": {f"c{i:02d}" + "x" * 61: -(2**53 - 1) for i in range(64)},
        "codes": ["a." + "b" * 78] * 64,
    }
    assert 10_000 < len(leaf.entry_of(longest)) <= MAX_ENTRY


def test_every_code_has_four_sentences() -> None:
    """Title and hint, in Japanese and in English."""
    for code, wording in CODES.items():
        sentences = (wording.title_ja, wording.title_en, wording.hint_ja, wording.hint_en)
        assert all(sentences), code
        assert code.split(".")[0] in {"audit", "ledger"}
