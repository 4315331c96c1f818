"""What every ledger promises: the real process over its socket, and the ledger in memory."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from enclave.audit import checkpoint
from enclave.audit.ledger import Ledger, Sought
from enclave.audit.note import VerifierKey
from enclave.core.event import Actor, Event, Thing
from enclave.core.ids import EventId, uuid7
from enclave.core.refusal import Refused
from tests.fakes.ledger import MemoryLedger
from tests.fakes.ledger_process import LedgerProcess
from tests.fakes.log_copy import leaf_number, mth

START = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(params=["process", "memory"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Ledger, VerifierKey]]:
    if request.param == "memory":
        memory = MemoryLedger()
        yield memory, memory.signer.verifier
        return
    process = LedgerProcess(tmp_path).start()
    try:
        yield process.client("portal"), process.key
    finally:
        process.kill()


@pytest.fixture
def ledger(opened: tuple[Ledger, VerifierKey]) -> Ledger:
    return opened[0]


def event(i: int, **other: str) -> Event:
    return Event(
        EventId(uuid7(1_700_000_000_000 + i, i.to_bytes(10, "big"))),
        START + timedelta(seconds=i, microseconds=i % 3),
        Actor(other.get("person", "tanaka"), "handler"),
        other.get("action", "query.authorised"),
        Thing("query", f"q-{i}"),
        other.get("project", "nafld-fib"),
        other.get("permit", "p-2026-0001@1"),
    )


def places(ledger: Ledger, **sought: object) -> list[int]:
    return [entry.index for entry in ledger.search(Sought(**sought)).entries]  # type: ignore[arg-type]  # rows of a table


def test_leaves_get_the_next_places(ledger: Ledger) -> None:
    """The first leaf is 0, and a call's leaves keep their order."""
    assert ledger.append([event(1)]) == (0,)
    assert ledger.append([event(2), event(3)]) == (1, 2)
    assert [entry.leaf for entry in ledger.search(Sought()).entries] == [event(i).leaf() for i in (3, 2, 1)]


def test_the_same_leaf_again_keeps_its_place(ledger: Ledger) -> None:
    """Sending again after a lost answer records nothing twice, within a call too."""
    assert ledger.append([event(1), event(2)]) == (0, 1)
    assert ledger.append([event(2), event(3), event(1), event(3)]) == (1, 2, 0, 2)
    assert ledger.search(Sought()).size == 3


def test_another_leaf_of_the_same_id_is_a_conflict(ledger: Ledger) -> None:
    """Nothing of the call is recorded then."""
    ledger.append([event(1)])
    with pytest.raises(Refused) as no:
        ledger.append([event(2), event(1, person="suzuki")])
    assert (no.value.code, no.value.facts) == ("ledger.conflict", {"id": event(1).id})
    assert places(ledger) == [0]
    assert ledger.append([event(2)]) == (1,)


def test_a_conflict_within_one_call_is_one(ledger: Ledger) -> None:
    """The two need not be in different calls."""
    with pytest.raises(Refused) as no:
        ledger.append([event(1), event(1, person="suzuki")])
    assert no.value.code == "ledger.conflict"
    assert places(ledger) == []


def test_what_is_no_leaf_is_refused_whole(ledger: Ledger) -> None:
    """One wrong leaf of several: nothing is recorded, and the field is named."""
    with pytest.raises(Refused) as no:
        ledger.append_leaves([leaf_number(1), leaf_number(2, outcome="fine")])
    assert (no.value.code, no.value.facts) == ("ledger.leaf_invalid", {"field": "outcome"})
    assert places(ledger) == []


@pytest.mark.parametrize("text", ["a\nb", "\x1b[2J", '","v":2', "\n\n— ledger.test/log AAAA\n", "日本語"])
def test_a_hostile_text_comes_back_as_text(ledger: Ledger, text: str) -> None:
    """Whatever a name holds, it is one leaf, and it can be searched for."""
    ledger.append_leaves([leaf_number(1), leaf_number(2, project=text), leaf_number(3)])
    assert places(ledger, project=text) == [1]
    assert ledger.search(Sought(project=text)).entries[0].leaf == leaf_number(2, project=text)


@pytest.mark.parametrize(
    ("sought", "expected"),
    [
        ({}, [5, 4, 3, 2, 1, 0]),
        ({"project": "nafld-fib"}, [3, 1, 0]),
        ({"project": "nowhere"}, []),
        ({"person": "sato"}, [5, 1]),
        ({"action": "export.released"}, [5, 3]),
        ({"permit": "p-2026-0002@1"}, [4]),
        ({"project": "other", "person": "sato", "action": "export.released"}, [5]),
        ({"since": START + timedelta(seconds=3)}, [5, 4, 3]),
        ({"until": START + timedelta(seconds=3)}, [2, 1, 0]),
        ({"since": START + timedelta(seconds=1, microseconds=1), "until": START + timedelta(seconds=2)}, [1]),
        ({"since": START + timedelta(seconds=1, microseconds=2), "until": START + timedelta(seconds=2)}, []),
        ({"before": 2}, [1, 0]),
        ({"before": 0}, []),
        ({"before": 99, "limit": 2}, [5, 4]),
        ({"project": "nafld-fib", "before": 3, "limit": 1}, [1]),
    ],
)
def test_a_search_gives_the_newest_matches_first(
    ledger: Ledger, sought: dict[str, object], expected: list[int]
) -> None:
    """Every filter, alone and together; the end of a time is not within it."""
    ledger.append(
        [
            event(0),
            event(1, person="sato"),
            event(2, project="other"),
            event(3, action="export.released"),
            event(4, project="other", permit="p-2026-0002@1"),
            event(5, project="other", person="sato", action="export.released"),
        ]
    )
    assert places(ledger, **sought) == expected


def test_the_checkpoint_covers_what_was_appended(opened: tuple[Ledger, VerifierKey]) -> None:
    """Signed by the ledger's key, over exactly the leaves of the answers."""
    ledger, key = opened
    assert checkpoint.verified(ledger.checkpoint().encode(), key).root == mth([])
    ledger.append([event(i) for i in range(300)])
    found = checkpoint.verified(ledger.checkpoint().encode(), key)
    from enclave.audit import leaf

    assert (found.size, found.root) == (300, mth([leaf.entry_of(event(i).leaf()) for i in range(300)]))


def test_more_leaves_than_one_request_takes_go_in_order(ledger: Ledger) -> None:
    """An outbox that waited long is delivered all the same."""
    assert ledger.append_leaves([leaf_number(i) for i in range(2300)]) == tuple(range(2300))
    assert ledger.search(Sought(limit=1)).entries[0].leaf == leaf_number(2299)


def test_it_says_that_it_is_there(ledger: Ledger) -> None:
    """A ping is silent when all is well."""
    ledger.ping()
