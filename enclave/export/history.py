"""Which numbers of an answer a submitted table shows, and what is said of them beside everything released before.

Decides which cells of a recomputed answer are in a file. Relies on custody for the comparison itself: it alone knows
which persons two provisions' pseudonyms stand for. Does not see a person.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from enclave.export.request import Finding, Verdict

CHECKER = "checker"
"""The fact of a finding that only a checker reads: other projects' releases by name."""


@dataclass(frozen=True)
class Matched:
    """A file that says exactly what its receipt says: which rows of the answer it has, and which of its columns."""

    position: int
    name: str
    receipt: str
    rows: tuple[int, ...]
    columns: tuple[str, ...]


Compare = Callable[[Sequence[Matched], Sequence[int]], Mapping[int, Sequence[Finding]]]
"""Findings by the position of a file, from the files with receipts and the places of the tables without. Raises Refused where nobody can tell (`custody.unavailable`): then nothing is entered."""


def finding_of(said: Mapping[str, object]) -> Finding:
    """A finding as custody says it: `{code, verdict, where, facts, rule_set, checker}`."""
    facts = _texts(said["facts"])
    facts.setdefault("merge", "-")
    checker = _texts(said["checker"])
    if checker:
        facts[CHECKER] = checker
    where = {"place": str(said["where"])} if said["where"] else {}
    return Finding(str(said["code"]), Verdict(str(said["verdict"])), where, facts, str(said["rule_set"]))


def _texts(facts: object) -> dict[str, object]:
    """Facts as sentences take them."""
    found: dict[str, object] = {}
    for name, value in (facts if isinstance(facts, Mapping) else {}).items():
        match value:
            case {"dimension": dimension, "categories": [*categories]}:
                found[name] = f"{dimension}: {' + '.join(str(one) for one in categories)}"
            case [*several]:
                found[name] = "; ".join(str(one) for one in several)
            case _:
                found[name] = value
    return found


def read_by(facts: Mapping[str, object], *, checker: bool) -> dict[str, object]:
    """The facts of a finding as a checker or the project's own people may read them."""
    shown = {name: value for name, value in facts.items() if name != CHECKER}
    own = facts.get(CHECKER)
    return {**shown, **own} if checker and isinstance(own, Mapping) else shown
