"""A table, or several that share cells, as one system: cells that may be hidden, and sums that tie them.

Decides nothing: it is what the search for patterns (`cutting`), the audit and the certificates speak about. Every number
is a whole number of the table's smallest decimal unit, so that sums and certificates are exact. `merged` makes the system
smaller without changing what an attacker can know. Relies on nothing else of this package.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Need:
    """How far from its true value an unsafe cell must be able to lie, in the table's unit (SHAPES, Table to protect).

    `down`, `up`: its least possible value is at most value - down, its greatest at least value + up. `slide`: greatest
    and least are at least this far apart, wherever the true value lies between.
    """

    down: Fraction = Fraction(0)
    up: Fraction = Fraction(0)
    slide: Fraction = Fraction(0)

    def stricter(self, other: "Need") -> "Need":
        return Need(max(self.down, other.down), max(self.up, other.up), max(self.slide, other.slide))


@dataclass(frozen=True)
class Insider:
    """Contributors who pool what they know. `known`: cells whose number they know. `partly`: what unsafe cells need against
    them in which they have a part and others too; every other unsafe cell needs against them what it needs at all."""

    known: frozenset[int]
    partly: Mapping[int, Need]

    def asks(self, cell: int, needs: Mapping[int, Need]) -> Need | None:
        """What an unsafe cell needs against them; None where nothing."""
        need = self.partly.get(cell, needs[cell])
        return None if cell in self.known or need == Need() else need


@dataclass(frozen=True)
class System:
    """`values`: the true number of each cell, in the table's unit. `least`: what an attacker knows each to be at least.
    `whole`: the attacker knows that numbers change by whole steps of `unit` only. `sums`: (total, its details). `needs`:
    unsafe cells. `costs`: what hiding a cell costs where it is not unsafe. `open`: cells that are never hidden.
    `insiders`: those against whom unsafe cells must hold as well.
    """

    values: tuple[int, ...]
    least: tuple[int, ...]
    whole: bool
    unit: int
    sums: tuple[tuple[int, tuple[int, ...]], ...]
    needs: Mapping[int, Need]
    costs: tuple[Fraction, ...]
    open: frozenset[int] = frozenset()
    insiders: tuple[Insider, ...] = ()

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Merged:
    """A smaller system and, per cell of the larger one, its place in it (None: open and tied to nothing)."""

    system: System
    place: tuple[int | None, ...]


class _Classes:
    """Cells that are always equal (union-find)."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def of(self, cell: int) -> int:
        parent = self._parent
        while parent[cell] != cell:
            parent[cell] = parent[parent[cell]]
            cell = parent[cell]
        return cell

    def join(self, one: int, other: int) -> bool:
        a, b = sorted((self.of(one), self.of(other)))
        self._parent[b] = a
        return a != b


def merged(system: System) -> Merged:
    """The system in which cells that always have the same number are one, and open cells are left out.

    A total with one detail that is not open moves as that detail does: whoever knows one knows the other, so both are
    hidden or neither. What was unsafe in one is unsafe for all, and a class costs what its cells cost together.
    """
    classes = _Classes(len(system))
    sums = [
        (total, tuple(cell for cell in details if cell not in system.open)) for total, details in system.sums
    ]
    sums = [(total, details) for total, details in sums if details and total not in system.open]
    changed = True
    while changed:
        changed = False
        seen: dict[tuple[int, ...], int] = {}
        for total, details in sums:
            key = tuple(sorted(classes.of(cell) for cell in details))
            if len(key) == 1:
                changed |= classes.join(total, key[0])
            elif key in seen:
                changed |= classes.join(total, seen[key])
            else:
                seen[key] = total
    return _numbered(system, classes, sums)


def _numbered(system: System, classes: _Classes, sums: Sequence[tuple[int, tuple[int, ...]]]) -> Merged:
    live = [cell for cell in range(len(system)) if cell not in system.open]
    heads = sorted({classes.of(cell) for cell in live})
    number = {head: place for place, head in enumerate(heads)}
    place = tuple(None if cell in system.open else number[classes.of(cell)] for cell in range(len(system)))
    needs: dict[int, Need] = {}
    costs = [Fraction(0)] * len(heads)
    least = [system.least[head] for head in heads]
    for cell in live:
        at = number[classes.of(cell)]
        least[at] = max(least[at], system.least[cell])
        need = system.needs.get(cell)
        if need is None:
            costs[at] += system.costs[cell]
        else:
            needs[at] = need.stricter(needs.get(at, need))
    tied: dict[tuple[int, ...], int] = {}
    for total, details in sums:
        key = tuple(sorted(number[classes.of(cell)] for cell in details))
        if len(key) > 1:
            tied.setdefault(key, number[classes.of(total)])
    small = System(
        tuple(system.values[head] for head in heads),
        tuple(least),
        system.whole,
        system.unit,
        tuple((total, details) for details, total in tied.items()),
        dict(sorted(needs.items())),
        tuple(costs),
        insiders=tuple(_of_classes(one, place) for one in system.insiders),
    )
    return Merged(small, place)


def _of_classes(insider: Insider, place: Sequence[int | None]) -> Insider:
    partly: dict[int, Need] = {}
    for cell, need in insider.partly.items():
        at = place[cell]
        if at is not None:
            partly[at] = need.stricter(partly.get(at, need))
    return Insider(frozenset(at for cell in insider.known if (at := place[cell]) is not None), partly)


class Sums:
    """Whether a change of cells keeps every sum and what everybody knows; in exact numbers."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._of: list[list[int]] = [[] for _ in range(len(system))]
        for number, (total, details) in enumerate(system.sums):
            for cell in (total, *details):
                self._of[cell].append(number)

    def hold(self, change: Mapping[int, int] | Mapping[int, int | Fraction]) -> bool:
        system = self._system
        if any(system.values[cell] + step < system.least[cell] for cell, step in change.items()):
            return False
        for number in {number for cell in change for number in self._of[cell]}:
            total, details = system.sums[number]
            if change.get(total, 0) != sum(change.get(cell, 0) for cell in details):
                return False
        return True
