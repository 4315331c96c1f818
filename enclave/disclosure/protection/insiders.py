"""Contributors who know more than the public: what they know, and what unsafe cells then need against them.

Decides, for every cell with so few contributors that they can pool what they know (`most`; one: each knows their own), which
cells they know exactly: every cell that has no other contributors. Against them
 1. an unsafe cell that they have no part in needs what it needs at all;
 2. an unsafe cell that holds more than theirs needs the width of a frequency rule where what others have in it is fewer than
    the rule's minimum of persons, and nothing where others are enough;
 3. a cell that they know needs nothing.
Whoever contributes to a cell with more contributors knows only that it is at least their own, which the sums say already.
Relies on `system` alone: a cell has a part of another where sums lead from the one to the other. Who is the same contributor
in two cells that no sum connects nobody can know from a table.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from enclave.disclosure.protection.system import Insider, Need, System


def insiders(system: System, counts: Sequence[int], most: int, n: int, width: Fraction) -> System:
    """The system with those who know the cells of `most` contributors or fewer. `counts`: contributors by cell; `n`: the
    rule's minimum of persons; `width`: what a frequency rule asks, in the system's unit."""
    below: dict[int, set[int]] = defaultdict(set)
    above: dict[int, set[int]] = defaultdict(set)
    for total, details in system.sums:
        below[total].update(details)
        for cell in details:
            above[cell].add(total)
    found: dict[frozenset[int], Insider] = {}
    for cell, count in enumerate(counts):
        if not 0 < count <= most:
            continue
        same = [one for one in (cell, *_reached([cell], above)) if counts[one] == count]
        known = frozenset((*same, *_reached(same, below)))
        if known not in found:
            partly = _partly(system, counts, known, above, n, width)
            found[known] = Insider(known, partly)
    return replace(system, insiders=tuple(found.values()))


def _reached(start: Sequence[int], steps: Mapping[int, set[int]]) -> set[int]:
    reached: set[int] = set()
    waiting = list(start)
    while waiting:
        for cell in steps.get(waiting.pop(), ()):
            if cell not in reached:
                reached.add(cell)
                waiting.append(cell)
    return reached


def _partly(
    system: System,
    counts: Sequence[int],
    known: frozenset[int],
    above: Mapping[int, set[int]],
    n: int,
    width: Fraction,
) -> dict[int, Need]:
    """`own`: by cell above what they know, how many of its contributors they are."""
    own: dict[int, int] = {}
    for part in sorted(known, key=lambda one: (-counts[one], one)):
        if counts[part]:
            for cell in _reached([part], above):
                own.setdefault(cell, counts[part])
    partly = {}
    for cell, count in own.items():
        need = system.needs.get(cell)
        if need is not None and cell not in known:
            others = 0 < counts[cell] - count < n
            partly[cell] = Need(slide=min(width, max(need.slide, need.down + need.up))) if others else Need()
    return partly
