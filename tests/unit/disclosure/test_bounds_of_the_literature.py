"""Bounds of hidden cells in tables that were published with their answers."""

from fractions import Fraction
from math import inf

from enclave.disclosure.protection.certificate import ranges
from enclave.disclosure.protection.system import System

# Investment by activity (rows) and region (columns), with totals: Willenborg and De Waal, Statistical Disclosure Control in
# Practice (Springer 1996); as Figure 1 of Fischetti and Salazar-González, Management Science 47 (2001) 1008-1027.
INVESTMENT = (
    (20, 50, 10, 80),
    (8, 19, 22, 49),
    (17, 32, 12, 61),
    (45, 101, 44, 190),
)


def system(table: tuple[tuple[int, ...], ...]) -> System:
    wide, high = len(table[0]), len(table)
    rows = [(row * wide + wide - 1, tuple(row * wide + at for at in range(wide - 1))) for row in range(high)]
    columns = [
        ((high - 1) * wide + at, tuple(row * wide + at for row in range(high - 1))) for at in range(wide)
    ]
    values = tuple(value for row in table for value in row)
    return System(values, (0,) * len(values), False, 1, (*rows, *columns), {}, tuple(map(Fraction, values)))


def bounds(hidden: dict[str, int]) -> dict[str, tuple[Fraction, Fraction]]:
    one = system(INVESTMENT)
    found = ranges(one, hidden.values(), lambda: inf)
    assert all(reach.exact and not reach.endless for reach in found.values())
    return {
        name: (
            one.values[cell] + found[cell].low.get(cell, Fraction(0)),
            one.values[cell] + found[cell].high.get(cell, Fraction(0)),
        )
        for name, cell in hidden.items()
    }


def test_investment_of_activity_two_in_region_c() -> None:
    """Four hidden cells: an attacker can tell that the 22 million lie between 5 and 30."""
    assert bounds({"II A": 4, "II C": 6, "III A": 8, "III C": 10}) == {
        "II A": (0, 25),
        "II C": (5, 30),
        "III A": (0, 25),
        "III C": (4, 29),
    }


def test_one_hidden_cell_is_had_by_subtraction() -> None:
    assert bounds({"II C": 6}) == {"II C": (22, 22)}


def test_three_hidden_cells_hide_only_what_lies_on_a_cycle() -> None:
    """A cell alone in its column is had by subtraction, and then the other two of them as well."""
    assert bounds({"II A": 4, "II C": 6, "III A": 8}) == {"II A": (8, 8), "II C": (22, 22), "III A": (17, 17)}
