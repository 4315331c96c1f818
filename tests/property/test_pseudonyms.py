"""Names of two provisions have no more in common than two draws of chance; within one they are one to one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enclave.custody.pseudonym import RECORDS, SIZE, Permutation, RecordPermutation, derive

keys = st.binary(min_size=32, max_size=32)
N = 200_000
NUMBERS = np.arange(N, dtype=np.uint32)


def permutation(key: bytes, *group: str, kind: str = "person") -> Permutation:
    return Permutation(derive(key, kind, group or ("ndb",)))


@settings(max_examples=20, deadline=None)
@given(keys, st.lists(st.integers(0, SIZE - 1), min_size=1, max_size=500, unique=True))
def test_nobody_shares_a_name_and_every_name_leads_back(key: bytes, numbers: list[int]) -> None:
    """Bijective on any set of numbers; the fast form is the obvious one."""
    found = permutation(key)
    names = found.of_all(np.array(numbers, dtype=np.uint32))
    assert len(set(names.tolist())) == len(numbers)
    assert [found.number(int(name)) for name in names] == numbers
    assert [found.of(number) for number in numbers[:20]] == names[:20].tolist()


@settings(max_examples=20, deadline=None)
@given(keys, st.lists(st.integers(0, RECORDS - 1), min_size=1, max_size=500, unique=True))
def test_records_too(key: bytes, numbers: list[int]) -> None:
    """63 bits in, 63 bits out, one to one."""
    found = RecordPermutation(derive(key, "record", ["ndb"]))
    names = found.of_all(np.array(numbers, dtype=np.int64))
    assert len(set(names.tolist())) == len(numbers)
    assert names.min() >= 0
    assert [found.number(int(name)) for name in names] == numbers


def test_a_record_outside_its_range_has_no_name() -> None:
    """No number is quietly taken for another."""
    with pytest.raises(ValueError, match="63 bits"):
        RecordPermutation(bytes(32)).of_all(np.array([-1], dtype=np.int64))
    with pytest.raises(ValueError, match="32 bytes"):
        RecordPermutation(b"short")


PAIRS = [
    ("two provisions", permutation(b"a" * 32), permutation(b"b" * 32)),
    ("keys that differ in one bit", permutation(bytes(32)), permutation(bytes(31) + b"\x01")),
    ("two databases that are not linked", permutation(b"a" * 32, "ndb"), permutation(b"a" * 32, "kaigo")),
    (
        "a group and one of its databases",
        permutation(b"a" * 32, "ndb"),
        permutation(b"a" * 32, "kaigo", "ndb"),
    ),
    ("persons and facilities", permutation(b"a" * 32), permutation(b"a" * 32, kind="facility")),
    ("a name and the number itself", permutation(b"a" * 32), None),
]


@pytest.mark.parametrize(("what", "one", "other"), PAIRS, ids=[row[0] for row in PAIRS])
def test_names_of_the_same_people_share_nothing_beyond_chance(
    what: str, one: Permutation, other: Permutation | None
) -> None:
    """Common names, order, bits, differences and remainders: each as between two draws of chance (five deviations)."""
    a = one.of_all(NUMBERS)
    b = NUMBERS if other is None else other.of_all(NUMBERS)
    expected = N * N / SIZE  # of two random sets
    if other is not None:
        assert np.isin(a, b).sum() <= expected + 5 * np.sqrt(expected) + 1
    ranks = np.corrcoef(a.argsort().argsort(), b.argsort().argsort())[0, 1]
    assert abs(ranks) < 5 / np.sqrt(N)
    if other is not None:  # the numbers themselves are one apart
        neighbours = np.corrcoef(np.abs(np.diff(a.astype(float))), np.abs(np.diff(b.astype(float))))[0, 1]
        assert abs(neighbours) < 5 / np.sqrt(N)
    same_bits = np.array([((a >> bit & 1) == (b >> bit & 1)).mean() for bit in range(32)])
    if other is None:
        same_bits = same_bits[:17]  # a small number's upper bits are all 0
    assert np.abs(same_bits - 0.5).max() < 5 / (2 * np.sqrt(N))
    common = (a % 97 == b % 97).mean()
    assert abs(common - 1 / 97) < 5 * np.sqrt(1 / 97 / N)


def test_names_are_spread_over_all_their_space() -> None:
    """So are those of newcomers: in 256 equal parts no part has more or fewer than chance gives it (chi square)."""
    found = permutation(b"c" * 32)
    for numbers in (NUMBERS, NUMBERS + np.uint32(50_000_000), NUMBERS * np.uint32(4096)):
        counts = np.bincount(found.of_all(numbers) >> np.uint32(24), minlength=256)
        chi = float(((counts - N / 256) ** 2 / (N / 256)).sum())
        assert abs(chi - 255) < 6 * np.sqrt(2 * 255)


@settings(max_examples=20, deadline=None)
@given(keys, st.permutations(["ndb", "kaigo", "dpc"]))
def test_the_order_in_which_a_permit_names_its_databases_does_not_matter(
    key: bytes, group: list[str]
) -> None:
    """Linked databases are a set."""
    assert derive(key, "person", group) == derive(key, "person", sorted(group))


@settings(max_examples=50, deadline=None)
@given(keys, keys)
def test_no_other_key_computes_a_name(key: bytes, guess: bytes) -> None:
    """Whoever guesses a key gets the right names of eight people at most by chance."""
    right = permutation(key).of_all(NUMBERS[:8])
    assert (key == guess) == bool((permutation(guess).of_all(NUMBERS[:8]) == right).all())
