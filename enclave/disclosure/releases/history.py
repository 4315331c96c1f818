"""What an output tells together with everything released before. Sets of persons in, collisions out.

Decides which sums of released numbers speak of too few persons. A released number is a sum over the persons behind
it (how many they are, how many of them died, what they cost; a mean is two such sums), so from numbers over the sets
S1, S2, … a reader has, whatever was summed, exactly the sums with weights w = λ1·1[S1] + λ2·1[S2] + … and nothing
else without guessing. Who has weight 0 in w takes no part. **Found is every w in which 1 to n - 1 persons take part.**

Pairs, all of them: of two sets the weights that leave most persons out are 1[A] - 1[B], in which A and B without what
they share take part. So: a cell within another that lacks 1 to n - 1 persons of it, and two cells that differ by so
few. That A without B is small says nothing while B without A is large: nobody can compute it from these two numbers.
Triples, all of them: 1[W] - 1[P] - 1[Q] (see `triples` for why no other weights are needed). More cells at once:
`combinations`. An overlap is found there, as soon as the numbers around it are released.

Relies on the sets being of persons in the population's own numbering, whatever extract or project they came from: so
a refreshed extract, another project or a renamed column open no difference. Persons are not records: where the same
persons have two values of one measure, the difference speaks of some records, of how many persons nobody knows, and a
checker is told (`Kind.RECORDS`). Does not: read a file, know a key, or tell records apart where the persons differ too.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

BUCKETS: Final = 64
_COARSE: Final = 8

MARGIN: Final = "Σ"
"""The category of a total, in a cell's keys."""

Persons: TypeAlias = BitMap
"""A set of persons: numbers in the population's own numbering, unsigned 32-bit."""

Load = Callable[[str], Persons]
"""The set behind a cell, by the cell's id. Asked only where a collision is possible."""


@dataclass(frozen=True)
class Ruler:
    """How sets of one population are summarised: the persons in each of 64 groups of `width` numbers, round and round.

    `width` is chosen when a population gets its numbering and stays, or old summaries would mean something else.
    """

    width: int

    @classmethod
    def for_size(cls, persons: int) -> "Ruler":
        return cls(max(1, -(-persons // BUCKETS)))

    def sketch(self, persons: Persons) -> tuple[int, ...]:
        """Persons per group: `BUCKETS` numbers that add up to the size of the set."""
        numbers = np.array(persons.to_array(), dtype=np.uint32)
        return tuple(np.bincount(numbers // self.width % BUCKETS, minlength=BUCKETS).tolist())


@dataclass(frozen=True)
class Cell:
    """One number of a release or of a new output, without the number.

    id          names the set for `Load`; unlike any other's
    release     the release it belongs to; cells of one release and `table` were published side by side
    project     whose it was; None for what is public
    keys        what the table says of the cell, dimension → category; for messages and for neighbours
    size        persons behind it
    sketch      `Ruler.sketch` of the set
    floor       the least persons that the rules of its release asked for
    definition  digest of the words that define it, where it has any: two cells of equal words are one
    zero_hidden whether the rules of its release hide that nobody is in a category
    measure     digest of what was computed of the persons, apart from who they are; None where nobody knows
    value       digest of the number; only asked whether two are the same
    area        the municipality that the cell is about, where it is about one
    strictest   the least persons that the rules ask for in the smallest municipality of which they let numbers be shown
    """

    id: str
    release: str
    project: str | None
    table: str
    keys: tuple[tuple[str, str], ...]
    size: int
    sketch: tuple[int, ...]
    floor: int
    definition: str | None = None
    zero_hidden: bool = False
    measure: str | None = None
    value: str | None = None
    area: str | None = None
    strictest: int = 0

    @property
    def most(self) -> int:
        """The most persons that a difference in which this cell takes part may be asked to speak of."""
        return max(self.floor, self.strictest)


def floor_of(cells: Sequence[Cell]) -> int:
    """The least persons that a sum of these cells must speak of."""
    return max(cell.floor for cell in cells)


def most_of(cells: Sequence[Cell]) -> int:
    """The least persons beyond which nobody needs to look: those of a sum in which a municipality stands beside anything else
    may all be of one that is smaller than the cells are about. Within one, where none is named, and within one table, which was
    protected as a whole by the inhabitants of each, the floor holds."""
    alike = (
        len({cell.area for cell in cells}) == 1 or len({(cell.release, cell.table) for cell in cells}) == 1
    )
    return max(cell.floor if alike else cell.most for cell in cells)


class Kind(StrEnum):
    """How a collision is computed: by one subtraction, by several, because two definitions fit the same persons, because the
    same persons have two values of one measure, or by subtraction of so few that a small municipality might not show them."""

    PAIR = "pair"
    SUM = "sum"
    EQUAL = "equal"
    RECORDS = "records"
    AREA = "area"


@dataclass(frozen=True)
class Collision:
    """Weights of released and new cells, at least one of them new, in which `persons` of fewer than `floor` take part.

    `persons` is a finding's secret: the checker's page may show it, a refusal never.
    """

    kind: Kind
    terms: tuple[tuple[Cell, int], ...]
    floor: int
    persons: int

    @property
    def cells(self) -> frozenset[str]:
        return frozenset(cell.id for cell, _ in self.terms)


@dataclass(frozen=True)
class Book:
    """Cells with what finds them quickly. Order of `cells` is of no consequence."""

    cells: tuple[Cell, ...]
    load: Load = field(repr=False)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        return np.argsort(np.array([cell.size for cell in self.cells], dtype=np.int64), kind="stable")

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        return np.array([self.cells[place].size for place in self.order], dtype=np.int64)

    @cached_property
    def sketches(self) -> NDArray[np.int32]:
        found = np.array([self.cells[place].sketch for place in self.order], dtype=np.int32)
        return found.reshape(len(self.cells), BUCKETS)

    @cached_property
    def coarse(self) -> NDArray[np.int32]:
        shaped = self.sketches.reshape(len(self.cells), _COARSE, BUCKETS // _COARSE)
        return np.asarray(shaped.sum(axis=2, dtype=np.int32))

    @cached_property
    def floor(self) -> int:
        return max((cell.floor for cell in self.cells), default=0)

    @cached_property
    def most(self) -> int:
        return max((cell.most for cell in self.cells), default=0)

    def near(self, size: int, sketch: NDArray[np.int32], apart: int) -> Iterator[Cell]:
        """Cells that a set of this size and sketch may differ from by at most `apart` persons; none is left out.

        A person changes one number of a sketch by one, so sketches are at least as near as their sets.
        """
        low = int(np.searchsorted(self.sizes, size - apart, "left"))
        high = int(np.searchsorted(self.sizes, size + apart, "right"))
        if low == high:
            return
        rough = np.abs(self.coarse[low:high] - sketch.reshape(_COARSE, -1).sum(axis=1)).sum(axis=1)
        places = low + np.flatnonzero(rough <= apart)
        if len(places):
            fine = np.abs(self.sketches[places] - sketch).sum(axis=1)
            for place in places[fine <= apart]:
                yield self.cells[self.order[place]]

    def within(self, cell: Cell, out: int) -> list[Cell]:
        """Cells of which at most `out` persons are not in `cell`, whatever their size; some others, none left out."""
        return self._nested(cell, out, sign=1)

    def around(self, cell: Cell, out: int) -> list[Cell]:
        """Cells that lack at most `out` persons of `cell`, whatever their size; some others, none left out."""
        return self._nested(cell, out, sign=-1)

    def _nested(self, cell: Cell, out: int, sign: int) -> list[Cell]:
        sketch = np.array(cell.sketch, dtype=np.int32)
        rough = sketch.reshape(_COARSE, -1).sum(axis=1)
        beyond = np.maximum(sign * (self.coarse - rough), 0).sum(axis=1)
        places = np.flatnonzero(beyond <= out)
        beyond = np.maximum(sign * (self.sketches[places] - sketch), 0).sum(axis=1)
        return [self.cells[self.order[place]] for place in places[beyond <= out]]


def pairs(new: Book, released: Book) -> list[Collision]:
    """Every pair of a new cell with a released or another new one in which 1 to n - 1 persons take part.

    n is the larger floor of the two (`floor_of`). Complete for any number of cells. Where the rules of either hide that nobody is in a
    category, two different definitions that fit the same persons tell it too.
    """
    found: dict[frozenset[str], Collision] = {}
    for book in (released, new):
        apart = max(new.most, released.most) - 1
        for cell in new.cells:
            own: Persons | None = None
            for other in book.near(cell.size, np.array(cell.sketch, dtype=np.int32), apart):
                key = frozenset((cell.id, other.id))
                if other.id == cell.id or key in found:
                    continue
                own = new.load(cell.id) if own is None else own
                floor = floor_of((cell, other))
                differ = own.symmetric_difference_cardinality(book.load(other.id))
                if 0 < differ < floor:
                    found[key] = Collision(Kind.PAIR, _ordered(cell, other), floor, differ)
                elif 0 < differ < (most := most_of((cell, other))):
                    found[key] = Collision(Kind.AREA, _ordered(cell, other), most, differ)
                elif differ == 0 and (kind := _same_persons(cell, other)) is not None:
                    found[key] = Collision(kind, _ordered(cell, other), floor, 0)
    return list(found.values())


def _same_persons(cell: Cell, other: Cell) -> Kind | None:
    if (cell.zero_hidden or other.zero_hidden) and _otherwise(cell, other):
        return Kind.EQUAL
    # Months side by side have the same persons and other records, which speaks of everybody: only the same words count.
    if (
        cell.measure is not None
        and cell.measure == other.measure
        and cell.value != other.value
        and _categories(cell) == _categories(other)
    ):
        return Kind.RECORDS
    return None


def _categories(cell: Cell) -> frozenset[str]:
    return frozenset(value for _, value in cell.keys if value != MARGIN)


def _otherwise(cell: Cell, other: Cell) -> bool:
    return None not in (cell.definition, other.definition) and cell.definition != other.definition


def _ordered(cell: Cell, other: Cell) -> tuple[tuple[Cell, int], ...]:
    large, small = (cell, other) if cell.size >= other.size else (other, cell)
    return ((large, 1), (small, -1))


@dataclass(frozen=True)
class Sums:
    """What `triples` found, and whether it could look at everything that it should."""

    collisions: tuple[Collision, ...]
    complete: bool


TRIPLES_AT_MOST: Final = 500_000
"""Candidates that `triples` looks at before it gives up and a human is told so."""


def triples(new: Book, released: Book, at_most: int = TRIPLES_AT_MOST) -> Sums:
    """Every W, P, Q of which at least one is new and in whose weights 1[W] - 1[P] - 1[Q] 1 to n - 1 persons take part.

    These weights are enough for three sets of n persons and more. For weights a, b, c, none 0, a person who takes no part
    stands in sets whose weights cancel: a + b = 0, a + c = 0, b + c = 0 or a + b + c = 0. Two of the first three
    give (1, -1, -1) up to order and sign. Any other two at once make a weight 0. With a + b = 0 alone whoever is in C
    takes part, and they are n or more. With a + b + c = 0 alone whoever takes no part is in all three sets, and then
    1[A] - 1[B], a pair, has no more persons than that sum. So pairs and these find all that three cells tell.
    """
    both = Book((*new.cells, *released.cells), _either(new, released))
    floor = both.most
    fresh = frozenset(cell.id for cell in new.cells)
    found: dict[frozenset[str], Collision] = {}
    looked = 0
    for cell in new.cells:
        out = floor - 1
        pairs_of = [(cell, part) for part in both.within(cell, out) if part.id != cell.id]
        pairs_of += [(whole, cell) for whole in both.around(cell, out) if whole.id != cell.id]
        for whole, part in pairs_of:
            looked += 1
            if looked > at_most:
                return Sums(tuple(found.values()), complete=False)
            rest = np.array(whole.sketch, dtype=np.int32) - np.array(part.sketch, dtype=np.int32)
            # Whoever is in both parts and not in the whole has weight -2.
            for other in both.near(whole.size - part.size, rest, 2 * out):
                looked += 1
                key = frozenset((whole.id, part.id, other.id))
                if len(key) < 3 or key in found:
                    continue
                collision = _sum(whole, part, other, both.load)
                if collision is not None and fresh & key:
                    found[key] = collision
    return Sums(tuple(found.values()), complete=True)


def _either(new: Book, released: Book) -> Load:
    own = frozenset(cell.id for cell in new.cells)
    return lambda name: new.load(name) if name in own else released.load(name)


def _sum(whole: Cell, part: Cell, other: Cell, load: Load) -> Collision | None:
    inside, left, right = load(whole.id), load(part.id), load(other.id)
    persons = len((inside ^ (left | right)) | (left & right))
    floor = floor_of((whole, part, other))
    terms = ((whole, 1), (part, -1), (other, -1))
    if 0 < persons < floor:
        return Collision(Kind.SUM, terms, floor, persons)
    most = most_of((whole, part, other))
    return Collision(Kind.AREA, terms, most, persons) if 0 < persons < most else None


def by_table(cells: Sequence[Cell]) -> dict[tuple[str, str], list[Cell]]:
    """Cells by release and table, in the order in which they come."""
    tables: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        tables.setdefault((cell.release, cell.table), []).append(cell)
    return tables
