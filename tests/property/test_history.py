"""Releases together, against a referee that tries every group of persons in populations of up to 12."""

from itertools import combinations

from hypothesis import given, seed, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from enclave.disclosure.releases.combinations import atoms, examine
from enclave.disclosure.releases.history import Book, Cell, Ruler, pairs, triples

MOST = 12
FLOORS = st.integers(2, 4)


def rank(rows: list[list[int]]) -> int:
    """Rank over the rationals, the slow obvious way: whole numbers, nothing divided."""
    rows = [list(row) for row in rows]
    done = 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((row for row in range(done, len(rows)) if rows[row][column]), None)
        if pivot is None:
            continue
        rows[done], rows[pivot] = rows[pivot], rows[done]
        first = rows[done][column]
        for row in range(done + 1, len(rows)):
            if factor := rows[row][column]:
                rows[row] = [
                    mine * first - factor * theirs for mine, theirs in zip(rows[row], rows[done], strict=True)
                ]
        done += 1
    return done


def tells(sets: list[frozenset[int]], floor: int) -> bool:
    """Whether some weights of the sets' numbers, not all of which cancel, leave only 1 to floor - 1 persons with a part."""
    everybody = sorted(frozenset().union(*sets)) if sets else []
    matrix = [[int(person in one) for person in everybody] for one in sets]
    whole = rank(matrix)
    for size in range(1, floor):
        for few in combinations(range(len(everybody)), size):
            others = [[row[place] for place in range(len(everybody)) if place not in few] for row in matrix]
            if rank(others) < whole:
                return True
    return False


def sets_of(floor: int, most: int) -> st.SearchStrategy[list[frozenset[int]]]:
    one = st.frozensets(st.integers(0, MOST - 1), min_size=floor)
    return st.lists(one, min_size=1, max_size=most)


def book(sets: list[frozenset[int]], floor: int, name: str, ruler: Ruler) -> Book:
    kept = {f"{name}{place}": BitMap(one) for place, one in enumerate(sets)}
    cells = tuple(
        Cell(key, name, "p", "t", (("k", key),), len(one), ruler.sketch(one), floor)
        for key, one in kept.items()
    )
    return Book(cells, kept.__getitem__)


@seed(20_240_918)
@settings(max_examples=150, deadline=None)
@given(st.data(), FLOORS, st.integers(1, 20))
def test_every_pair_that_tells_of_too_few_persons_is_found_and_no_other(
    data: st.DataObject, floor: int, width: int
) -> None:
    """A pair of cells is found exactly where the referee finds a sum in which 1 to n - 1 persons take part."""
    old, new = data.draw(sets_of(floor, 4)), data.draw(sets_of(floor, 3))
    ruler = Ruler(width)
    found = {one.cells for one in pairs(book(new, floor, "n", ruler), book(old, floor, "o", ruler))}
    named = [(f"n{place}", one) for place, one in enumerate(new)]
    both = [(f"o{place}", one) for place, one in enumerate(old)] + named
    wanted = {
        frozenset((one, other))
        for one, mine in named
        for other, theirs in both
        if one != other and tells([mine, theirs], floor)
    }
    assert found == wanted


@seed(20_240_918)
@settings(max_examples=150, deadline=None)
@given(st.data(), FLOORS, st.integers(1, 20))
def test_pairs_and_triples_find_all_that_three_cells_tell(
    data: st.DataObject, floor: int, width: int
) -> None:
    """No three cells tell of too few persons by any weights unless a pair or a triple among them is found."""
    old, new = data.draw(sets_of(floor, 4)), data.draw(sets_of(floor, 2))
    ruler = Ruler(width)
    mine, theirs = book(new, floor, "n", ruler), book(old, floor, "o", ruler)
    sums = triples(mine, theirs)
    assert sums.complete
    found = [one.cells for one in (*pairs(mine, theirs), *sums.collisions)]
    named = {f"n{place}": one for place, one in enumerate(new)}
    both = named | {f"o{place}": one for place, one in enumerate(old)}
    for three in combinations(sorted(both), 3):
        # What old cells tell by themselves was told when they were released.
        if not set(three) & set(named) or tells([both[one] for one in three if one not in named], floor):
            continue
        seen = any(one <= set(three) for one in found)
        assert seen == tells([both[one] for one in three], floor), three


@seed(20_240_918)
@settings(max_examples=150, deadline=None)
@given(st.data(), FLOORS)
def test_any_number_of_cells_together_is_examined_without_a_miss(data: st.DataObject, floor: int) -> None:
    """Linear algebra finds a sum of too few persons exactly where trying every group of persons finds one."""
    sets = data.draw(sets_of(floor, 7))
    result = examine([BitMap(one) for one in sets], floor)
    assert result.complete
    assert bool(result.told) == tells(sets, floor)
    for one in result.told:
        assert tells([sets[place] for place in one.cells], floor)


@seed(20_240_918)
@settings(max_examples=150, deadline=None)
@given(sets_of(1, 7))
def test_atoms_are_the_persons_of_the_same_sets(sets: list[frozenset[int]]) -> None:
    """Atoms have the sizes and sets that sorting persons by the sets they stand in gives."""
    wanted: dict[tuple[int, ...], int] = {}
    for person in frozenset().union(*sets):
        pattern = tuple(int(person in one) for one in sets)
        wanted[pattern] = wanted.get(pattern, 0) + 1
    found = atoms([BitMap(one) for one in sets])
    assert found is not None
    assert {
        tuple(found.member[:, place].tolist()): int(size) for place, size in enumerate(found.sizes)
    } == wanted


@seed(20_240_918)
@settings(max_examples=150, deadline=None)
@given(st.data(), FLOORS, st.integers(1, 20))
def test_one_person_between_two_releases_is_always_found(data: st.DataObject, floor: int, width: int) -> None:
    """Whoever is planted into a cell that was released without them is found, whatever else was released."""
    old = data.draw(sets_of(floor, 5))
    lacking = [one for one in old if len(one) < MOST]
    if not lacking:
        return
    chosen = data.draw(st.sampled_from(lacking))
    planted = data.draw(st.sampled_from(sorted(set(range(MOST)) - chosen)))
    ruler = Ruler(width)
    found = pairs(book([chosen | {planted}], floor, "n", ruler), book(old, floor, "o", ruler))
    assert any(one.persons == 1 for one in found)


@seed(20_240_918)
@settings(max_examples=150, deadline=None)
@given(st.data(), FLOORS, st.integers(1, 20))
def test_more_history_never_takes_a_finding_away(data: st.DataObject, floor: int, width: int) -> None:
    """Every collision with some releases is one with these and any more."""
    ruler = Ruler(width)
    old, more = data.draw(sets_of(floor, 4)), data.draw(sets_of(floor, 4))
    mine = book(data.draw(sets_of(floor, 3)), floor, "n", ruler)
    before, after = book(old, floor, "o", ruler), book([*old, *more], floor, "o", ruler)
    for find in (lambda b: pairs(mine, b), lambda b: triples(mine, b).collisions):
        assert {one.cells for one in find(before)} <= {one.cells for one in find(after)}
    few = examine([BitMap(one) for one in old], floor)
    many = examine([BitMap(one) for one in (*old, *more)], floor)
    assert not few.told or many.told


@seed(20_240_918)
@settings(max_examples=100, deadline=None)
@given(st.frozensets(st.integers(0, 5_000_000), max_size=300), st.integers(1, 100_000))
def test_a_sketch_counts_every_person_once(persons: frozenset[int], width: int) -> None:
    """A sketch has the persons of each group of numbers, round and round, and adds up to the set."""
    sketch = Ruler(width).sketch(BitMap(persons))
    wanted = [0] * 64
    for person in persons:
        wanted[person // width % 64] += 1
    assert list(sketch) == wanted


def test_a_system_that_is_too_large_is_said_to_be_left_out() -> None:
    """Beyond the bound nothing is claimed to be complete."""
    sets = [BitMap(range(n, n + 12)) for n in range(0, 60, 3)]
    assert atoms(sets, most=100) is None
    assert examine([BitMap(range(40_000)), *(BitMap(range(n, 40_000, 211)) for n in range(211))], 10).complete
    wide = [BitMap(range(n, 60_000, 240)) for n in range(240)]
    assert not examine([*wide, *(BitMap(range(n * 250, n * 250 + 250)) for n in range(240))], 10).complete
