"""Large sets in other words: what the words stand for is the set, always."""

from hypothesis import given, seed, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from enclave.disclosure.releases.definitions import AllBut, AllOf, defined, evaluated

SETS = st.lists(st.frozensets(st.integers(0, 15)), max_size=8)


@seed(20_240_918)
@settings(max_examples=300, deadline=None)
@given(SETS, st.none() | st.frozensets(st.integers(0, 15)))
def test_a_definition_stands_for_exactly_its_set(
    given_sets: list[frozenset[int]], extract: frozenset[int] | None
) -> None:
    """Whatever is defined by others and by an extract is the same set again, and no definition leads back to itself."""
    sets = {f"c{place}": BitMap(one) for place, one in enumerate(given_sets)}
    everybody = None if extract is None else BitMap(extract)
    found = defined(sets, everybody, 0)
    depth: list[str] = []

    def load(name: str) -> BitMap:
        assert name not in depth
        depth.append(name)
        try:
            if name not in found:
                return sets[name]
            return evaluated(found[name], load, lambda: BitMap(extract or ()))
        finally:
            depth.pop()

    for name, one in sets.items():
        assert load(name) == one


def test_totals_and_nearly_everybody_are_defined() -> None:
    """A total is its parts, nearly everybody is everybody but a few, and a part of the middle is kept as it is."""
    men, women = BitMap(range(0, 40_000, 2)), BitMap(range(1, 39_000, 2))
    sets = {"men": men, "women": women, "both": men | women, "most": BitMap(range(45_000)) - BitMap([7])}
    found = defined(sets, BitMap(range(45_000)), 4_000)
    assert found["both"] == AllOf(("men", "women"))
    assert found["most"] == AllBut(BitMap([7]))
    assert set(found) == {"both", "most"}
