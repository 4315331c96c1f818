"""What persons contribute to the numbers of a table: which cells a rule about contributions finds unsafe, and what they lack.

Decides, for every cell of the lattice, by the same rules as a file's (`criteria.cell_rules`), in exact arithmetic; and how dominated
several hidden cells under one shown total may be, which can be read as one. Relies on evidence for every total that could be asked
for. Does not search: that is `widths` and `secondary`.

Several cells as one. A rule says that a weight of the largest contributions exceeds the sum of all. The largest contributions of
several cells together are at most the sums of the largest of each, so that what they lack together is at most the sum of what each
lacks: two safe cells are safe together. The sum of all contributions is that of the cells where nobody's cancel each other; where
somebody adds in one cell and takes away in another, it is less by at most what the total of all these cells is less.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from enclave.core.refusal import Refused
from enclave.disclosure.answers.table import Contribution, Contributions
from enclave.disclosure.criteria.cell_rules import lacking
from enclave.disclosure.criteria.evidence import CellEvidence, Statistic
from enclave.disclosure.criteria.rules import Rules

Keys = tuple[object, ...]
Lacks = tuple[Fraction | None, ...]
"""Per rule about contributions what a number lacks to keep it (0 or less where it keeps it), None where nobody can say."""


@dataclass(frozen=True)
class Magnitude:
    """One number over all cells, by place: its `values`, the sums of all contributions (`totals`), what is lacked per rule
    (`lacks`), and how far an unsafe cell must be able to lie from its value (`needs`, 0 where it is safe).

    `sign`: 1 or -1 where everybody knows that nobody takes away, or nobody adds; else 0. `fixed`: cells whose number is known
    whatever is hidden: nobody contributes to it, or it is a total nobody asked for, hidden for another number of this
    question, that a question about this number alone would show (`told`).
    """

    values: tuple[Fraction, ...]
    totals: tuple[Fraction, ...]
    lacks: tuple[tuple[Fraction, ...], ...]
    needs: tuple[Fraction, ...]
    sign: int
    fixed: tuple[bool, ...]
    told: tuple[bool, ...]

    def lower(self, cell: int) -> Fraction | None:
        """How far the number may lie below its value, for all that is known; None: without end."""
        return self.values[cell] if self.sign > 0 else None

    def upper(self, cell: int) -> Fraction | None:
        """As `lower`, above."""
        return -self.values[cell] if self.sign < 0 else None

    def together(self, cells: Sequence[int], lost: Fraction) -> Fraction:
        """What these cells may lack as one, by the rule of which they lack most. `lost`: by how much the sum of all
        contributions to their total is less than the sum of those to its details."""
        total = sum((self.totals[cell] for cell in cells), Fraction(0))
        at_most = total - abs(sum((self.values[cell] for cell in cells), Fraction(0)))
        less = min(lost, at_most)
        return max(sum((lacks[cell] for cell in cells), less) for lacks in self.lacks)


def evidence_of(one: Contribution) -> CellEvidence:
    """A number as `cell_rules` reads it."""
    return CellEvidence(
        one.persons,
        Statistic.SUM,
        total=one.total,
        contributions=one.largest,
        contributors=one.persons,
    )


def lacks_of(one: Contribution, rules: Rules) -> Lacks:
    """Per rule, in the order of `lacking`; nothing where nobody contributes."""
    return tuple(lack for _, _, lack in lacking(evidence_of(one), rules))


def is_unsafe(lacks: Lacks) -> bool:
    return any(lack is None or lack > 0 for lack in lacks)


class Given:
    """The contributions of a table, judged. Raises Refused `disclosure.no_evidence` for a cell of which nothing was counted."""

    def __init__(self, contributions: Contributions, rules: Rules) -> None:
        self._series, self._least = contributions.series, rules.n
        self._cells: Mapping[Keys, tuple[Contribution, ...]] = dict(contributions.cells)
        self._lacks = {
            keys: tuple(lacks_of(one, rules) for one in cell) for keys, cell in contributions.cells
        }

    def unsafe(self, keys: Keys, persons: int) -> bool:
        """Whether a rule finds a cell of so many persons unsafe."""
        if keys not in self._cells:
            if persons:
                raise Refused("disclosure.no_evidence", {"row": 0})
            return False
        return any(is_unsafe(lacks) for lacks in self._lacks[keys])

    def magnitudes(
        self,
        keys: Sequence[Keys],
        families: Iterable[tuple[int, Sequence[int]]],
        elsewhere: Sequence[bool],
    ) -> tuple[Magnitude, ...]:
        """The numbers of these cells that have to be looked at beyond each cell alone: those of which some cell is unsafe, and
        those of which persons take away in one cell what they add in another. `elsewhere`: totals nobody asked for that are
        hidden for some number of the question."""
        families = list(families)
        found = []
        for place, one in enumerate(self._series):
            if not one.adds:
                continue
            made = self._magnitude(place, keys, elsewhere)
            if any(made.needs) or (
                one.whole and any(lost_by(made, total, cells) for total, cells in families)
            ):
                found.append(made)
        return tuple(found)

    def _magnitude(self, place: int, keys: Sequence[Keys], elsewhere: Sequence[bool]) -> Magnitude:
        nobody = Contribution(Fraction(0), Fraction(0), (), 0)
        cells = [self._cells[one][place] if one in self._cells else nobody for one in keys]
        lacks = [self._lacks[one][place] if one in self._cells else () for one in keys]
        width = max(map(len, lacks), default=0)
        known = [[lack or Fraction(0) for lack in found] or [Fraction(0)] * width for found in lacks]
        signs = {1 if one.sum > 0 else -1 for one in cells if one.sum}
        # Somebody takes away what others add: nobody knows a bound then.
        mixed = len(signs) > 1 or any(abs(one.sum) != one.total for one in cells)
        told = tuple(
            hides and not is_unsafe(found) and (one.persons == 0 or one.persons >= self._least)
            for hides, found, one in zip(elsewhere, lacks, cells, strict=True)
        )
        return Magnitude(
            tuple(one.sum for one in cells),
            tuple(one.total for one in cells),
            tuple(zip(*known, strict=True)),
            tuple(max([Fraction(0), *found]) for found in known),
            0 if mixed else min(signs, default=1),
            tuple(known or one.persons == 0 for known, one in zip(told, cells, strict=True)),
            told,
        )


def lost_by(one: Magnitude, total: int, cells: Sequence[int]) -> Fraction:
    """By how much the sum of all contributions to a total is less than the sum of those to its details."""
    return max(Fraction(0), sum((one.totals[cell] for cell in cells), Fraction(0)) - one.totals[total])
