"""To which numbers of a table persons contribute, where a rule asks for the largest contributions (dominance, p %, p-q).

Decides what has to be counted per person: for each sum, mean and variance what is summed (of a variance its squares besides);
for each count the records, since a join can make a sum of a count; for each number of different values these. And what is left
over where numbers of one answer are subtracted from each other: sums and differences of up to three of them, and one less all others
of the same expression. Relies on resolved trees. Touches no data; whether a cell is safe is `disclosure.answers.given`'s.

What is not looked at: multiples (twice one sum less another), and differences of counts, which hide by their persons.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from sqlglot import exp

from enclave.core.refusal import Refused
from enclave.query import lineage
from enclave.query.cells import Call, Shape
from enclave.query.origins import untouched
from enclave.query.rewrite.coded import is_term
from enclave.query.schema import Schema
from enclave.query.stages import Authorised, Obligations

MAX_SUMS = 8
"""Sums of one question that may be subtracted from each other: of more there are too many differences."""

MAX_KEYS = 8
"""Keys of a question: every total that could be asked for is counted, which doubles with each."""

TOGETHER = 3
"""Sums that are added to and subtracted from each other."""


@dataclass(frozen=True)
class Base:
    """One number that persons contribute to. `value`: what one record adds to it, null where nothing; of `distinct` numbers, the
    value that is counted once; of `squared` ones, a square. `apart`: it stands for a part of another number and is not
    told itself. `sort`: what it may be subtracted from (None: from anything of its kind)."""

    name: str
    value: exp.Expr
    counts: bool = False
    distinct: bool = False
    squared: bool = False
    apart: bool = False
    sort: str | None = None


@dataclass(frozen=True)
class Told:
    """A number that can be read: `of` are the places of what it is made of, each added (1) or subtracted (-1)."""

    name: str
    of: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Contributions:
    """What to count per person. `largest`: how many of the largest contributions rules look at."""

    bases: tuple[Base, ...]
    told: tuple[Told, ...]
    largest: int


def largest_needed(obligations: Obligations) -> int:
    """How many of a number's largest contributions the binding sets look at; 0 where none does."""
    needed = 0
    for rules in obligations.rule_sets.values():
        if rules.get("dominance"):
            needed = max(needed, int(rules["dominance"].get("n", 1)))
        if rules.get("p_percent"):
            needed = max(needed, int(rules["p_percent"].get("n", 1)) + 1)
        if rules.get("pq"):
            needed = max(needed, 2)
    return needed


def contributions_of(authorised: Authorised) -> Contributions | None:
    """What to count per person for a statement in table form; None where no rule asks or nobody can contribute more than another.

    Raises Refused `query.contributions_uncounted` (`sums`, `keys`: the most that can be).
    """
    shape, tree = authorised.known.shape, authorised.known.tree
    largest = largest_needed(authorised.obligations)
    if not largest or shape is None or not isinstance(tree, exp.Select):
        return None
    bases = tuple(_bases(shape, tree, authorised.known.schema))
    if not bases:
        return None
    told = [Told(one.name, ((n, 1),)) for n, one in enumerate(bases)]
    sums = [n for n, one in enumerate(bases) if not (one.counts or one.squared or one.apart)]
    squares = [n for n, one in enumerate(bases) if one.squared]
    for group in (*_comparable(bases, sums), *_comparable(bases, squares)):
        if len(group) > MAX_SUMS or len(shape.keys) > MAX_KEYS:
            raise Refused("query.contributions_uncounted", {"sums": MAX_SUMS, "keys": MAX_KEYS})
        told += _left_over(bases, group)
    return Contributions(bases, tuple(told), largest)


def _bases(shape: Shape, tree: exp.Select, schema: Schema) -> Iterator[Base]:
    seen: set[tuple[object, ...]] = set()
    for call in shape.calls:
        for one in _of_call(call, shape, tree, schema):
            said = (one.value, one.distinct)
            if said not in seen:
                seen.add(said)
                yield one


def _of_call(call: Call, shape: Shape, tree: exp.Select, schema: Schema) -> Iterator[Base]:
    if call.summed is not None:
        number = exp.TryCast(this=exp.paren(call.summed.copy()), to=exp.DataType.build("DOUBLE"))
        base = untouched(call.summed, tree)
        sort = None if base is None else ".".join(base)
        yield Base(call.id, _where(call, number), apart=is_term(call), sort=sort)
        if call.kind == "variance" and not is_term(call):
            square = exp.Mul(this=number.copy(), expression=number.copy())
            yield Base(f"{call.id} squared", _where(call, square), squared=True, sort=sort)
    elif call.kind in {"records", "count"}:
        yield Base(call.id, _where(call, exp.Literal.number(1)), counts=True)
    else:
        argument = _argument(call)
        if argument != shape.person and not lineage.is_person(tree, schema, argument):
            yield Base(call.id, _where(call, argument), counts=True, distinct=True)


def _where(call: Call, value: exp.Expr) -> exp.Expr:
    if call.contributes is None:
        return value.copy()
    return exp.Case(ifs=[exp.If(this=call.contributes.copy(), true=value.copy())])


def _argument(call: Call) -> exp.Expr:
    node: exp.Expr = call.node
    while isinstance(node, exp.Filter | exp.Count | exp.Distinct | exp.Paren):
        node = node.expressions[0] if isinstance(node, exp.Distinct) else node.this
    return node


def _comparable(bases: Sequence[Base], sums: Sequence[int]) -> list[list[int]]:
    """Sums by what may be subtracted from what: all of them where they are few, else those of one column, of which something
    computed may be any."""
    if len(sums) <= MAX_SUMS or any(bases[n].sort is None for n in sums):
        return [list(sums)]
    groups: dict[str | None, list[int]] = {}
    for n in sums:
        groups.setdefault(bases[n].sort, []).append(n)
    return list(groups.values())


def _left_over(bases: Sequence[Base], sums: Sequence[int]) -> Iterator[Told]:
    found: set[tuple[tuple[int, int], ...]] = set()
    for size in range(2, TOGETHER + 1):
        for some in combinations(sums, size):
            for signs in product((1, -1), repeat=size - 1):
                found.add(tuple(zip(some, (1, *signs), strict=True)))
    for whole in sums if len(sums) > TOGETHER else ():
        others = [n for n in sums if n != whole and bases[n].sort == bases[whole].sort]
        if len(others) >= TOGETHER:
            found.add(tuple(sorted([(whole, 1), *((n, -1) for n in others)])))
    for of in sorted(found):
        name = " ".join(f"{'+' if sign > 0 else '-'} {bases[n].name}" for n, sign in of)
        yield Told(name.removeprefix("+ "), of)
