"""Blocks have at least k persons, are cut along the columns in order, and nobody ever changes theirs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enclave.catalogue.descriptor import Column, ColumnType, Role, Table, Title
from enclave.custody.blocks import Cell, extended, form, gathered, residence

cells = st.dictionaries(st.tuples(st.integers(-1, 1), st.integers(0, 20)), st.integers(1, 60), max_size=40)


@given(cells, st.integers(1, 50))
def test_every_block_has_k_persons_where_there_are_k(found: dict[Cell, int], k: int) -> None:
    """Every cell is in one block; no block is smaller than k unless all persons together are."""
    blocks = form(found, k)
    assert set(blocks.of) == set(found)
    assert sum(blocks.counts.values()) == sum(found.values())
    if sum(found.values()) >= k:
        assert blocks.smallest >= k
    else:
        assert len(blocks.counts) <= 1


@given(cells, st.integers(1, 50))
def test_no_block_could_be_cut_along_the_first_column(found: dict[Cell, int], k: int) -> None:
    """What is left together had to be: any cut between two values of any column leaves fewer than k on one side."""
    blocks = form(found, k)
    for block in blocks.counts:
        group = [cell for cell, of in blocks.of.items() if of == block]
        for column in range(2):
            for edge in {cell[column] for cell in group}:
                below = sum(found[cell] for cell in group if cell[column] <= edge)
                above = sum(found[cell] for cell in group if cell[column] > edge)
                assert below < k or above < k


@given(cells, cells, st.integers(1, 50))
def test_newcomers_move_nobody(before: dict[Cell, int], newcomers: dict[Cell, int], k: int) -> None:
    """A cell that has a block keeps it; a new block has k newcomers, or there was no block to join."""
    known = form(before, k).of
    of = extended(known, newcomers, k)
    assert set(of) == set(newcomers)
    assert all(of[cell] == known[cell] for cell in newcomers if cell in known)
    fresh = {block for block in of.values() if block not in set(known.values())}
    for block in fresh:
        together = sum(newcomers[cell] for cell in newcomers if of[cell] == block)
        assert together >= k or not known


@given(cells, cells, st.integers(1, 50))
def test_a_block_that_was_too_small_grows_before_another_is_formed(
    before: dict[Cell, int], newcomers: dict[Cell, int], k: int
) -> None:
    """A population that began smaller than k has k in every block as soon as it has k persons."""
    first = form(before, k)
    of = extended(first.of, newcomers, k, first.counts)
    have = dict(first.counts)
    for cell, count in newcomers.items():
        have[of[cell]] = have.get(of[cell], 0) + count
    assert all(of[cell] == first.of[cell] for cell in newcomers if cell in first.of)
    if sum(have.values()) >= k:
        assert min(have.values()) >= k
    else:
        assert len(have) <= 1


def test_sex_is_cut_before_age() -> None:
    """The rule set's order is the order of the cuts."""
    blocks = form({(1, 4): 15, (1, 5): 15, (2, 4): 15, (2, 5): 15}, 20)
    assert blocks.of[1, 4] == blocks.of[1, 5] != blocks.of[2, 4] == blocks.of[2, 5]


def test_a_newcomer_joins_the_nearest_cell() -> None:
    """A person of an age that nobody had goes to the block of the next age of the same sex."""
    known = {(1, 4): 0, (1, 9): 1, (2, 4): 2}
    assert extended(known, {(1, 8): 1}, 20) == {(1, 8): 1}
    assert extended(known, {(2, 9): 1}, 20) == {(2, 9): 2}


def test_k_is_a_number_of_persons() -> None:
    """Zero would be no protection at all."""
    with pytest.raises(ValueError, match="at least 1"):
        form({}, 0)


def test_blocks_of_which_an_extract_holds_few_are_gathered_with_their_neighbours() -> None:
    """Within an extract, too, nobody is in fewer than k; where all have k nothing changes."""
    counts = {0: 25, 1: 3, 2: 4, 5: 18, 6: 40, 9: 2}
    of = gathered(counts, 20)
    assert of == {0: 0, 1: 1, 2: 1, 5: 1, 6: 6, 9: 6}
    assert gathered({0: 20, 1: 31}, 20) == {0: 0, 1: 1}
    assert gathered({3: 4, 8: 5}, 20) == {3: 3, 8: 3}
    assert gathered({}, 20) == {}


def test_blocks_of_one_area_and_sex_are_gathered_before_those_of_several() -> None:
    """What a block is like decides, not its number: those of newcomers come last by number alone."""
    like: dict[int, Cell] = {
        0: (13, 1, 30),
        1: (13, 2, 30),
        2: (27, 1, 30),
        3: (27, 2, 30),
        4: (13, 1, 40),
        5: (27, 2, 40),
    }
    of = gathered({0: 12, 1: 25, 2: 30, 3: 11, 4: 13, 5: 14}, 20, like)
    assert of == {0: 0, 4: 0, 1: 1, 2: 2, 3: 3, 5: 3}
    assert gathered(dict.fromkeys(like, 20), 20, like) == {block: block for block in like}


def test_an_area_beside_a_service_is_not_where_somebody_lives() -> None:
    """The widest and the narrowest area are a person's own; one between counts beside one of these only."""

    def table(*names: str) -> Table:
        columns = {name: Column(name, name, ColumnType.TEXT, Role.AREA, Title(name, name)) for name in names}
        pid = Column("pid", "pid", ColumnType.INT, Role.PERSON, Title("pid", "pid"))
        return Table("t", "t.csv", Title("t", "t"), {"pid": pid, **columns})

    areas = ("pref_code", "sma_code", "muni_code")
    assert residence(table("sma_code", "pref_code"), areas) == ("pref_code", "sma_code")
    assert residence(table("muni_code", "facility_sma"), areas) == ("muni_code",)
    assert residence(table("sma_code"), areas) == ()
    assert residence(table("facility_pref"), areas) == ()
