"""A pseudonym is one person's within a provision, and nobody's across two."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enclave.custody.pseudonym import SIZE, Permutation, derive

KEY = bytes(range(32))
OURS = Permutation(KEY)
THEIRS = Permutation(bytes(range(1, 33)))
numbers = st.integers(0, SIZE - 1)


@given(numbers)
def test_nothing_is_lost(number: int) -> None:
    """Each number can be found again by who holds the key, so no two persons share a pseudonym."""
    assert OURS.number(OURS.of(number)) == number


@given(numbers)
def test_everything_is_reached(pseudonym: int) -> None:
    """Each 32-bit value is someone's pseudonym: the map is onto."""
    assert OURS.of(OURS.number(pseudonym)) == pseudonym


@given(st.lists(numbers, max_size=50))
def test_many_at_once_are_the_same_as_one_by_one(many: list[int]) -> None:
    """The fast version agrees with the obvious one."""
    assert OURS.of_all(np.array(many, dtype=np.uint32)).tolist() == [OURS.of(one) for one in many]
    assert OURS.numbers(np.array(many, dtype=np.uint32)).tolist() == [OURS.number(one) for one in many]


def test_half_a_million_persons_have_half_a_million_pseudonyms() -> None:
    """A dense run of numbers, as the register deals them, collides nowhere."""
    assert len(np.unique(OURS.of_all(np.arange(500_000, dtype=np.uint32)))) == 500_000


def test_another_provision_shares_no_names() -> None:
    """Under another key the same persons have unrelated pseudonyms: no more agree than chance allows."""
    persons = np.arange(200_000, dtype=np.uint32)
    assert int((OURS.of_all(persons) == THEIRS.of_all(persons)).sum()) <= 2


def test_a_pseudonym_does_not_tell_the_order_of_the_register() -> None:
    """Neighbours in the register are no neighbours in the extract: ranks are uncorrelated, bits are balanced."""
    persons = np.arange(100_000, dtype=np.uint32)
    given_out = OURS.of_all(persons).astype(np.float64)
    assert abs(np.corrcoef(persons, given_out)[0, 1]) < 0.02
    bits = np.unpackbits(OURS.of_all(persons).view(np.uint8)).reshape(-1, 32).mean(axis=0)
    assert bool(((bits > 0.49) & (bits < 0.51)).all())


def test_one_changed_bit_of_a_number_changes_half_of_the_pseudonym() -> None:
    """On average 16 of 32 bits flip, whichever bit was changed."""
    persons = np.arange(20_000, dtype=np.uint32)
    for bit in range(32):
        flipped = OURS.of_all(persons) ^ OURS.of_all(persons ^ np.uint32(1 << bit))
        assert 15.8 < np.unpackbits(flipped.view(np.uint8)).sum() / len(persons) < 16.2


def test_linked_databases_share_a_key_and_others_do_not() -> None:
    """A group has one key whatever the order of its members; another group, kind or provision has another."""
    assert derive(KEY, "person", ["ndb", "kaigo"]) == derive(KEY, "person", ["kaigo", "ndb"])
    others = {
        derive(KEY, "person", ["ndb"]),
        derive(KEY, "person", ["kaigo"]),
        derive(KEY, "person", ["ndb", "kaigo"]),
        derive(KEY, "facility", ["ndb", "kaigo"]),
        derive(bytes(32), "person", ["ndb", "kaigo"]),
        derive(KEY, "person", ["ndbkaigo"]),
    }
    assert len(others) == 6


def test_a_short_key_is_a_defect_not_a_weak_pseudonym() -> None:
    """Neither a key nor a number outside its range is quietly accepted."""
    with pytest.raises(ValueError, match="32 bytes"):
        Permutation(b"short")
    with pytest.raises(ValueError, match="32 bytes"):
        derive(b"short", "person", ["ndb"])
    with pytest.raises(ValueError, match="32-bit"):
        OURS.of(SIZE)
