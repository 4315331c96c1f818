"""Tables that contributors who know more than the public cannot tell from the truth either.

Decides whether an unsafe cell of a pattern holds against insiders: its two tables do where no insider knows a cell that they
change; for those who do, others are looked for in which nothing that they know changes. Relies on `certificate` for tables
and on exact numbers for what they show. Chooses nothing to hide: a cell without such a table is a refusal.
"""

from collections.abc import Callable, Iterable, Mapping

from enclave.core.refusal import Refused
from enclave.disclosure.protection.attack import Witnesses
from enclave.disclosure.protection.certificate import Change, Possible, Range, far_enough
from enclave.disclosure.protection.system import System


def tables_for_insiders(
    system: System, hidden: Iterable[int], possible: Mapping[int, Range], left: Callable[[], float]
) -> dict[int, tuple[Change, ...]]:
    """Further tables of unsafe cells, for those who see through the two of each. `possible`: these two, by cell.

    Raises Refused `disclosure.no_safe_pattern`, `disclosure.out_of_time`.
    """
    if not system.insiders:
        return {}
    witnesses, within = Witnesses(system), Possible(system, hidden)
    found: dict[int, tuple[Change, ...]] = {}
    for cell, need in system.needs.items():
        tables: list[Change] = [possible[cell].low, possible[cell].high]
        seen = witnesses.of(cell, {*tables[0], *tables[1]})
        far = max(int(max(need.up, need.slide)) + 1, system.unit)
        if len(seen) > 1:
            # One way round all of them is mostly there, and enough.
            reach = within.range(cell, far, {one for _, known in seen for one in known})
            tables += [one for one in (reach.low, reach.high) if one]
        for asked, known in seen:
            if far_enough(cell, asked, tables, known):
                continue
            if left() <= 0:
                raise Refused("disclosure.out_of_time")
            reach = within.range(cell, far, known)
            if not far_enough(cell, asked, (reach.low, reach.high)):
                raise Refused("disclosure.no_safe_pattern" if reach.exact else "disclosure.out_of_time")
            tables += [one for one in (reach.low, reach.high) if one]
        found[cell] = tuple(tables[2:])
    return found
