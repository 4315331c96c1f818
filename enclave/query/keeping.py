"""What follows from an extract's answers about whole blocks: what is answered in steps, what is merged, what is near.

Decides how a statement of the aggregate tier keeps to whole blocks once `blocks.probes` are answered. An expression that
cuts through blocks becomes one that does not (`rewrite.step` does it); areas with too few persons are one. Relies on the
answers alone, which are about identifying columns and areas. Does not make or run statements.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlglot import exp

from enclave.core.refusal import Refused
from enclave.query.blocks import BLOCK, Probe, columns_named
from enclave.query.cuts import Cut, Cuts, KeyCut, Kind
from enclave.query.stages import Merge, Near, Values

MAX_AREAS = 20_000

FAR = 3
"""A cell of an area is far from what was asked where one in so many of its persons is another's, or lives there and is not in it."""

Answer = Sequence[Mapping[str, object]]
"""A probe's rows."""


@dataclass(frozen=True)
class Steps:
    """What `rewrite.step` does, and how the rows are to be read. `everywhere`: a condition was answered in steps, which
    touches every cell."""

    stepped: tuple[Cut, ...] = ()
    near: tuple[Near, ...] = ()
    everywhere: bool = False
    merges: tuple[Merge, ...] = ()


def settle(found: Sequence[Probe], answers: Sequence[Answer], cuts: Cuts, k: int) -> Steps:
    """How the statement keeps to whole blocks, from the answers to `probes` in their order.

    Raises Refused `query.blocks_cut` where it cannot: a condition cuts through the small areas, or an expression stands for
    several. `query.areas_small` where a condition on residence would count mostly others than those who live there.
    """
    stepped: list[Cut] = []
    near: list[Near] = []
    merges: list[Merge] = []
    everywhere = False
    joint = Kind.KNOWN in cuts.kinds()
    for probe, answer in zip(found, answers, strict=True):
        if probe.conditions:
            counts = answer[0] if answer else {}
            through = [c for n, c in enumerate(probe.conditions) if counts.get(f"n{n}")]
            stepped += [part for cut in through for part in (cut.parts or (cut,))]
            everywhere |= bool(through)
        elif probe.homes:
            if _is_far(probe.homes[0], answer):
                raise Refused("query.areas_small", {"columns": columns_named(probe.homes)})
        elif probe.keys:
            if any(row[BLOCK] is not None for row in answer):
                stepped += [key.cut for key in probe.keys]
                near.append(_near(probe.keys, answer, complete=not cuts.conditions))
        else:
            merges += _merged_areas(probe, answer, k, joint)
    split = [cut for cut in stepped if not cut.whole]
    if split:
        raise Refused("query.blocks_cut", {"columns": columns_named(split)})
    return Steps(tuple(stepped), tuple(near), everywhere, tuple(merges))


def _near(keys: Sequence[KeyCut], answer: Answer, complete: bool) -> Near:
    """The values of keys that share a block with others, block by block."""
    by_block: dict[object, dict[Values, int]] = defaultdict(dict)
    for row in answer:
        values = tuple(row[f"k{place}"] for place in range(len(keys)))
        by_block[row[BLOCK]][values] = int(str(row["persons"]))
    whole = by_block.pop(None, {})
    home = frozenset(place for place, key in enumerate(keys) if key.cut.home)
    return Near(tuple(key.key for key in keys), tuple(by_block.values()), whole, home, complete)


def _is_far(cut: Cut, answer: Answer) -> bool:
    """Whether steps misplace more than a third: of those for whom a condition holds, of everybody for any other value."""
    rows = answer
    if isinstance(cut.expression.unnest(), exp.Predicate | exp.Connector | exp.Not):
        rows = [row for row in answer if row["value"] is True]
    own, lost, gained = (sum(int(str(row[name])) for row in rows) for name in ("own", "lost", "gained"))
    return max(lost, gained) * FAR > own


def _components(sets: Iterable[set[tuple[object, ...]]]) -> tuple[tuple[tuple[object, ...], ...], ...]:
    """Groups of tuples that are together in some set, directly or through others; those of one are left out."""
    leader: dict[tuple[object, ...], tuple[object, ...]] = {}

    def top(one: tuple[object, ...]) -> tuple[object, ...]:
        while leader.setdefault(one, one) != one:
            leader[one] = leader[leader[one]]
            one = leader[one]
        return one

    for together in sets:
        ordered = sorted(together, key=_order)
        for other in ordered[1:]:
            first, second = sorted((top(ordered[0]), top(other)), key=_order)
            leader[second] = first
    found: dict[tuple[object, ...], list[tuple[object, ...]]] = defaultdict(list)
    for one in sorted(leader, key=_order):
        found[top(one)].append(one)
    return tuple(tuple(group) for group in found.values() if len(group) > 1)


def _order(values: tuple[object, ...]) -> tuple[tuple[bool, str, object], ...]:
    return tuple((v is None, type(v).__name__, 0 if v is None else v) for v in values)


def _merged_areas(probe: Probe, answer: Answer, k: int, joint: bool) -> list[Merge]:
    """The small areas are one unit, with the smallest of the others where they are fewer than k persons together."""
    if len(answer) > MAX_AREAS:
        raise Refused(
            "query.blocks_cut", {"columns": columns_named([*probe.areas, *(a.cut for a in probe.area_keys)])}
        )
    measured = [(int(str(row["persons"])), int(str(row["least"])), row) for row in answer]
    small = [row for persons, least, row in measured if persons < k or (joint and least < k)]
    large = sorted(
        ((persons, number) for number, (persons, least, row) in enumerate(measured) if row not in small)
    )
    if small and sum(persons for persons, _, row in measured if row in small) < k and large:
        small.append(measured[large[0][1]][2])
    if not small:
        return []
    for place, cut in enumerate(probe.areas):
        if len({repr(row[f"v{place}"]) for row in small}) > 1:
            raise Refused("query.blocks_cut", {"columns": columns_named([cut])})
    merges = []
    for place, key in enumerate(probe.area_keys, len(probe.areas)):
        values = _components([{(row[f"v{place}"],) for row in small}])
        if values:
            merges.append(Merge((key.key,), values))
    return merges


def mapped(expressions: Mapping[str, exp.Expr], merges: Sequence[Merge]) -> dict[str, exp.Expr]:
    """The key expressions with every merged value written as the first of its group."""
    found = dict(expressions)
    for merge in merges:
        for place, name in enumerate(merge.keys):
            branches = []
            for group in merge.groups:
                for other in group[1:]:
                    if other[place] == group[0][place] and (other[place] is None) == (
                        group[0][place] is None
                    ):
                        continue
                    same = exp.and_(
                        *(
                            exp.NullSafeEQ(this=exp.paren(expressions[key].copy()), expression=literal(value))
                            for key, value in zip(merge.keys, other, strict=True)
                        )
                    )
                    branches.append(exp.If(this=same, true=literal(group[0][place])))
            if branches:
                found[name] = exp.Case(ifs=branches, default=expressions[name].copy())
    return found


def literal(value: object) -> exp.Expr:
    match value:
        case None:
            return exp.Null()
        case bool():
            return exp.Boolean(this=value)
        case int() | Decimal():
            return exp.Neg(this=exp.Literal.number(-value)) if value < 0 else exp.Literal.number(value)
        case float():
            return exp.Cast(this=exp.Literal.string(repr(value)), to=exp.DataType.build("DOUBLE"))
        case datetime():
            return exp.Cast(this=exp.Literal.string(value.isoformat(" ")), to=exp.DataType.build("TIMESTAMP"))
        case date():
            return exp.Cast(this=exp.Literal.string(value.isoformat()), to=exp.DataType.build("DATE"))
        case str():
            return exp.Literal.string(value)
        case _:
            raise Refused("query.blocks_cut", {"columns": "?"})
