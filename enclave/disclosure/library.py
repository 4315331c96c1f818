"""The engine as a library: tables and rule sets in memory in; protected tables, proofs and verdicts out.

Decides nothing of its own: it is the part of `enclave.disclosure` whose names and shapes stay (decision 0035,
docs/disclosure-library.md), and it puts the others together as `enclave protect`, `check` and `perturb` do. Needs no site, no
policy server and no right. Reads no file; no clock but the one it is given, and that only where a spec has a `time_limit`.

Every no is `enclave.core.refusal.Refused` with a code of `enclave.disclosure.codes` and facts that name a place, never a value.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from types import MappingProxyType
from typing import Any

from enclave.core.refusal import Refused
from enclave.disclosure.criteria.rules import RuleSet, combine, parse
from enclave.disclosure.files import description as describing
from enclave.disclosure.files.examine import Findings, TableFile
from enclave.disclosure.files.examine import examine as examined
from enclave.disclosure.perturb import KEYS, Error, error, parameters, ptable
from enclave.disclosure.proof import reread
from enclave.disclosure.proof.verify import problems
from enclave.disclosure.protection import written
from enclave.disclosure.protection.protecting import protect as protected_system
from enclave.disclosure.protection.spec import hierarchy, parse_tables
from enclave.disclosure.protection.tabular import linked, tabular
from enclave.disclosure.releases import differencing
from enclave.disclosure.releases.history import Book, Cell, Persons, Ruler

Row = Mapping[str, Any]
Rows = Sequence[Row]
"""One mapping per cell, margins included: codes by dimension, numbers by column (int, Decimal, or text in decimals)."""

Parents = Mapping[str, Mapping[str, str]]
"""By dimension, the parent of every code below the total."""

_FLAT: Parents = MappingProxyType({})


@dataclass(frozen=True)
class ProtectedTable:
    """`rows`: for the checker, one per cell, all as text (docs/protecting-tables.md); `public`: the same without reasons and
    bounds; `certificates`: one per hidden cell. `cost`: of what is hidden and not unsafe, in units of the spec's `cost`;
    `bound`: no safe pattern costs less; `optimal`: the search ended by itself. Of several tables `rows` and `public` are of
    one of them, by `name`, and the certificates speak of all."""

    name: str
    rows: tuple[Mapping[str, str], ...]
    public: tuple[Mapping[str, str], ...]
    certificates: tuple[Mapping[str, Any], ...]
    cost: float
    bound: float
    optimal: bool


def rule_set(data: Row) -> RuleSet:
    """A rule set from a mapping as `policies/data/<id>/data.yaml` holds it.

    Raises Refused `disclosure.rule_unknown_key`, `disclosure.rule_invalid` (`where`, `needs`).
    """
    return parse(data)


def protect(
    rows: Rows,
    spec: Row,
    rules: Iterable[RuleSet],
    hierarchies: Parents = _FLAT,
    clock: Callable[[], float] = time.monotonic,
) -> ProtectedTable:
    """One table with everything hidden that must be, and the proof (Fischetti and Salazar-González, Management Science 47, 2001).

    `spec`: as the YAML of `enclave protect`; a hierarchy is taken from `hierarchies` by its dimension. `clock`: seconds, for
    `time_limit`, which counts from here.

    Raises Refused `disclosure.*` with the place of what is wrong; `disclosure.no_safe_pattern`, `disclosure.out_of_time`.
    """
    (found,) = _protected({"": rows}, spec, rules, hierarchies, clock)
    return found


def protect_tables(
    tables: Mapping[str, Rows],
    spec: Row,
    rules: Iterable[RuleSet],
    hierarchies: Parents = _FLAT,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[ProtectedTable, ...]:
    """Several tables that share cells, as one system (decision 0028); `tables` by the names of the spec's `tables`.

    Raises Refused as `protect` does, and `disclosure.tables_differ` (`place`, `other`).
    """
    return _protected(tables, spec, rules, hierarchies, clock)


def _protected(
    tables: Mapping[str, Rows],
    spec: Row,
    rules: Iterable[RuleSet],
    hierarchies: Parents,
    clock: Callable[[], float],
) -> tuple[ProtectedTable, ...]:
    began = clock()
    specs = parse_tables(spec)
    if {one.name for one in specs} != set(tables):
        raise Refused("disclosure.spec_invalid", {"where": "tables", "needs": ", ".join(sorted(tables))})
    described = []
    for one in specs:
        own = {
            axis.name: hierarchy(axis, hierarchies[axis.name].items())
            for axis in one.dimensions
            if axis.hierarchy is not None or (not one.name and axis.name in hierarchies)
        }
        described.append((one, own, tables[one.name]))
    sets = list(rules)
    system = linked(described, sets) if specs[0].name else tabular(*described[0], sets)
    limit = inf if specs[0].time_limit is None else specs[0].time_limit
    done = protected_system(system, lambda: limit - (clock() - began), clock() - began)
    certificates = tuple(json.loads(line) for line in written.certificates(done))
    found = []
    for part, one, _ in written.parts(done) or [(done, specs[0], "")]:
        told = tuple(written.rows(part, one))
        names = [axis.name for axis in one.dimensions]
        public = tuple(written.public(row, names, one.published) for row in told)
        found.append(
            ProtectedTable(
                one.name, told, public, certificates, done.found.cost, done.found.bound, not done.found.ended
            )
        )
    return tuple(found)


def verify(
    rows: Rows,
    spec: Row,
    rules: Iterable[Row],
    checked: Sequence[Mapping[str, str]],
    certificates: Sequence[Row],
    hierarchies: Parents = _FLAT,
) -> tuple[str, ...]:
    """What does not hold of a protected table, in words; nothing: proven. `rules`: the mappings themselves, since what is checked is
    read a second time, by code that shares nothing with the protector (exact arithmetic, no solver).

    Raises KeyError, ValueError where spec or rows are none that could be protected.
    """
    totals = {name: str(about["total"]) for name, about in spec["dimensions"].items()}
    files = reread.Files(rows, checked, totals, hierarchies, {})
    claim, wrong = reread.claim([files], spec, list(rules))
    return tuple(wrong or problems(claim, certificates))


def check(
    columns: Mapping[str, Sequence[str]],
    rules: Iterable[RuleSet],
    description: Row | None = None,
    evidence: Mapping[str, Sequence[str]] | None = None,
    name: str = "table",
) -> Findings:
    """Whether a table may leave as it is: `verdict` pass, fail or human, and what it follows from (docs/checking-files.md).

    `columns`: cells as text, all equally long; `description`: what they are; `evidence`: columns that do not leave, joined by
    the described dimensions. Raises Refused `disclosure.column_missing`, `disclosure.spec_invalid`,
    `disclosure.duplicate_row`, `disclosure.no_rules`.
    """
    said = describing.Description() if description is None else describing.parse(description)
    attached = {} if evidence is None else describing.attach(said, columns, evidence)
    return examined(TableFile(name, columns, description=said, attached=attached), combine(list(rules)))


@dataclass(frozen=True)
class Release:
    """Numbers of persons that were published together. `cells`: by the codes of a cell (dimension, code) the persons behind it, by
    their numbers in the population (unsigned 32-bit). `floor`: the least persons that its rules ask for."""

    name: str
    cells: Mapping[tuple[tuple[str, str], ...], Iterable[int]]
    floor: int


def examine(new: Release, released: Sequence[Release], population: int) -> differencing.Examined:
    """What an output tells together with everything released before (docs/releases.md): pairs and threes of cells, and any
    number by linear algebra up to the `bound` that it states. `verdict` fail, human or pass; `collisions`: sums of released
    and new numbers in which 1 to floor - 1 persons take part. `population`: how many persons are numbered.

    Raises OverflowError for a number of a person that is none.
    """
    ruler = Ruler.for_size(population)
    return differencing.examine(_book([new], ruler), _book(released, ruler))


def _book(releases: Sequence[Release], ruler: Ruler) -> Book:
    sets: dict[str, Persons] = {}
    cells = []
    for number, release in enumerate(releases):
        for place, (keys, numbers) in enumerate(release.cells.items()):
            name = f"{number}/{place}/{release.name}"
            sets[name] = found = Persons(numbers)
            cells.append(
                Cell(
                    name,
                    release.name,
                    None,
                    release.name,
                    keys,
                    len(found),
                    ruler.sketch(found),
                    release.floor,
                )
            )
    return Book(tuple(cells), sets.__getitem__)


@dataclass(frozen=True)
class Perturbed:
    """`counts`: as shown, in the order given. `method`: what anybody may know of it; `error`: what it did, for the checker alone."""

    counts: tuple[int, ...]
    method: Mapping[str, object]
    error: Error


def perturb_counts(counts: Sequence[int], keys: Sequence[int], rules: RuleSet) -> Perturbed:
    """Counts of a public table, changed by the cell-key method as the set's `perturbation` says (Fraser and Wooton, 2005;
    docs/perturbation.md says what it does not protect). `keys`: per cell the sum of its persons' record keys modulo 2**32.

    Raises Refused `disclosure.rule_unsupported` where the set has no `perturbation`, `disclosure.evidence_invalid`.
    """
    if rules.perturbation is None:
        raise Refused("disclosure.rule_unsupported", {"rule": "perturbation", "rule_sets": [rules.id]})
    if len(keys) != len(counts) or any(not 0 <= key < KEYS for key in keys):
        raise Refused("disclosure.evidence_invalid", {"row": "key"})
    table = ptable(parameters(rules.perturbation))
    shown = tuple(table.perturbed(count, key) for count, key in zip(counts, keys, strict=True))
    return Perturbed(shown, {"rule_set": rules.id, **table.published()}, error(counts, shown, []))
