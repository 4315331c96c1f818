"""What the draws promise, for any input."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from enclave.synth.columns import coded
from enclave.synth.draws import cumulated, even, liability, mixed, pick, ragged, stream, systematic

expectations = arrays.arrays(np.float64, st.integers(1, 200), elements=st.floats(0, 4, allow_nan=False))


@settings(deadline=None)
@given(expectations, st.floats(0, 0.999))
def test_systematic_counts_stay_within_one_of_every_running_sum(expected: np.ndarray, start: float) -> None:
    """Up to any row the count differs from the expectation by less than one, so every margin along the order is met."""
    counts = systematic(expected, start)
    assert (counts >= 0).all()
    assert np.abs(np.cumsum(counts) - np.cumsum(expected)).max() < 1 + 1e-6


@settings(deadline=None)
@given(arrays.arrays(np.int64, st.integers(0, 100), elements=st.integers(0, 7)))
def test_ragged_repeats_every_row_as_often_as_counted(counts: np.ndarray) -> None:
    """Row indices are repeated in order and positions count from zero."""
    owner, within = ragged(counts)
    assert np.bincount(owner, minlength=len(counts)).tolist() == counts.tolist()
    assert within.tolist() == [k for count in counts for k in range(count)]


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(1, 9), st.integers(0, 2**31))
def test_liabilities_are_even_within_a_stratum_and_follow_the_score(size: int, cells: int, seed: int) -> None:
    """One number in each of n equal parts, the highest score first."""
    rng = stream(seed, 0, "test")
    cell, score = rng.integers(0, cells, size), rng.standard_normal(size)
    u = liability(score, cell, rng)
    for number in range(cells):
        mine = np.flatnonzero(cell == number)
        if len(mine):
            order = mine[np.argsort(-score[mine])]
            assert np.floor(u[order] * len(mine)).astype(int).tolist() == list(range(len(mine)))


@settings(deadline=None)
@given(arrays.arrays(np.uint64, st.integers(1, 200), elements=st.integers(0, 2**64 - 1), unique=True))
def test_mixing_never_makes_two_numbers_one(values: np.ndarray) -> None:
    """Distinct ids stay distinct, equal ids stay equal, and numbers lie from 0 to below 1."""
    made = mixed(5, values)
    assert len(np.unique(made)) == len(values)
    assert (mixed(5, values) == made).all()
    assert (mixed(6, values) != made).any()
    assert ((even(made) >= 0) & (even(made) < 1)).all()


@settings(deadline=None)
@given(arrays.arrays(np.float64, st.tuples(st.integers(1, 20), st.integers(1, 6)), elements=st.floats(0, 10)))
def test_a_category_without_weight_is_never_picked(weights: np.ndarray) -> None:
    """Unless none has any."""
    chosen = pick(cumulated(weights), np.full(len(weights), 0.5))
    for row, category in enumerate(chosen):
        assert weights[row].sum() == 0 or weights[row, category] > 0


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=6), st.data())
def test_codes_come_out_as_they_are_listed(codes: list[str | None], data: st.DataObject) -> None:
    """A position gives its text, also where a list repeats one; no text and no position are null."""
    index = data.draw(arrays.arrays(np.int64, st.integers(0, 20), elements=st.integers(-1, len(codes) - 1)))
    assert coded(index, codes).to_pylist() == [None if i < 0 else codes[i] for i in index]


def test_streams_differ_by_seed_block_and_topic() -> None:
    """No two of them begin alike, and each begins again as it did."""
    first = {stream(s, b, t).integers(0, 2**62) for s in range(5) for b in range(-1, 5) for t in ("x", "y")}
    assert len(first) == 60
    assert stream(3, 2, "x").integers(0, 2**62) == stream(3, 2, "x").integers(0, 2**62)
