"""Large sets of persons in other words: what a cell is made of instead of who is in it.

Decides which sets of one release need not be kept as such. A total is the cells beside it put together; nearly everybody
is an extract's persons but a few. Both are definitions over what never changes: an extract's list of persons, once it is
built, and the release's own cells. Exact always: a set that these words do not fit exactly is kept as it is.

Relies on the sets that it is given. Does not keep anything, and does not evaluate a statement: no text of a query is needed
to know a set again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from enclave.disclosure.releases.history import Persons

LARGE: Final = 16 << 10
"""Bytes of a set from which on other words are looked for."""
SHORTER: Final = 4
"""How many times shorter the exceptions have to be than the set."""


@dataclass(frozen=True)
class AllOf:
    """Everybody in these cells of the same release, which have nobody in common."""

    cells: tuple[str, ...]


@dataclass(frozen=True)
class AllBut:
    """The persons of the release's extract without these."""

    persons: Persons


Definition = AllOf | AllBut


def defined(sets: Mapping[str, Persons], everybody: Persons | None, large: int) -> dict[str, Definition]:
    """Definitions of those of the `sets` of one release, by cell, that are large and have one.

    `everybody`: the persons of the extract that they were counted in; None where there is none. `large` in bytes.
    """
    weight = {name: len(one.serialize()) for name, one in sets.items()}
    # Parts come after what they make up, so that no definition leads back to itself.
    order = sorted(sets, key=lambda name: (len(sets[name]), name), reverse=True)
    found: dict[str, Definition] = {}
    for place, name in enumerate(order):
        if weight[name] < large:
            continue
        but = None if everybody is None or not sets[name] <= everybody else everybody - sets[name]
        if but is not None and len(but.serialize()) * SHORTER <= weight[name]:
            found[name] = AllBut(but)
            continue
        parts = _parts(sets[name], order[place + 1 :], sets)
        if parts is not None:
            found[name] = AllOf(parts)
    return found


def _parts(whole: Persons, smaller: list[str], sets: Mapping[str, Persons]) -> tuple[str, ...] | None:
    left, parts = Persons(whole), []
    for name in smaller:
        if sets[name] and len(sets[name]) <= len(left) and sets[name] <= left:
            left -= sets[name]
            parts.append(name)
            if not left:
                return tuple(parts)
    return None


def evaluated(
    definition: Definition, load: Callable[[str], Persons], everybody: Callable[[], Persons]
) -> Persons:
    """The set that a definition stands for."""
    match definition:
        case AllOf(cells):
            return Persons.union(*(load(one) for one in cells))
        case AllBut(persons):
            return everybody() - persons
