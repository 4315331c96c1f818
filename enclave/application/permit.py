"""From an approved application to the permit: nothing in it that was not applied for.

Decides the permit's fields. Relies on chance and numbers handed in. Signing belongs to `enclave.adapters.signing`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from enclave.application.dataset import granted, reduced
from enclave.application.request import Application
from enclave.catalogue.facts import DataSet
from enclave.core.clock import JAPAN
from enclave.core.ids import DatabaseId, PermitId, ProvisionId
from enclave.core.permit import Limits, Permit, Workspace
from enclave.core.refusal import Refused

LIMITS = Limits(queries_day=2000, rows_day=50_000_000, bytes_day=5_000_000_000)
"""Daily budgets of a project unless the committee decides otherwise."""

CHECKERS = 2
"""Independent checkers that an export of the project needs."""


@dataclass(frozen=True)
class RuleScope:
    """A rule set and the databases it covers; `*` is every database."""

    id: str
    databases: tuple[str, ...]

    def covers(self, database: str) -> bool:
        return "*" in self.databases or database in self.databases


RULE_SETS: tuple[RuleScope, ...] = (RuleScope("ndb-2024-09", ("*",)),)
"""Rule sets in force. A database that none covers cannot be granted: no threshold would bind its outputs."""


def rule_sets_for(databases: Iterable[DatabaseId], scopes: Sequence[RuleScope]) -> tuple[str, ...]:
    """Every rule set that covers one of the databases. Raises Refused `application.no_rule_set` for an uncovered one."""
    bound: set[str] = set()
    for database in databases:
        covering = {s.id for s in scopes if s.covers(database)}
        if not covering:
            raise Refused("application.no_rule_set", {"database": database})
        bound |= covering
    return tuple(sorted(bound))


def permit_id(year: int, number: int) -> PermitId:
    """`p-2026-0007`. Raises ValueError beyond 9999 a year."""
    if not 1 <= number <= 9999:
        raise ValueError("permits are numbered 1 to 9999 within a year")
    return PermitId(f"p-{year:04d}-{number:04d}")


def next_permit_id(year: int, taken: Iterable[str]) -> PermitId:
    """The number after the highest one of the year. A permit that came with another form of number is passed over."""
    numbers = (re.fullmatch(rf"p-{year:04d}-(\d{{4}})", one) for one in taken)
    return permit_id(year, 1 + max((int(found[1]) for found in numbers if found), default=0))


def provision_id(random: bytes, taken: Iterable[str] = ()) -> ProvisionId:
    """`v-81c2` from two random bytes; the next free one where it is taken, so that no two extracts share a key name."""
    used = set(taken)
    start = int.from_bytes(random[:2], "big")
    for step in range(1 << 16):
        candidate = f"v-{(start + step) % (1 << 16):04x}"
        if candidate not in used:
            return ProvisionId(candidate)
    raise ValueError("every provision name is used")


def begins(day: date) -> datetime:
    """Midnight in Japan at which a day begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=JAPAN).astimezone(UTC)


def linkage_groups(application: Application) -> tuple[tuple[DatabaseId, ...], ...]:
    """The databases that share persons' pseudonyms: those to be linked together, every other one by itself."""
    alone = tuple((database,) for database in application.databases if database not in application.links)
    return ((application.links, *alone)) if application.links else alone


def build(
    application: Application,
    *,
    number: PermitId,
    provision: ProvisionId,
    scopes: Sequence[RuleScope] = RULE_SETS,
    limits: Limits = LIMITS,
    sets: Mapping[DatabaseId, DataSet] | None = None,
) -> Permit:
    """The permit, revision 1. `sets` are the rows of the data sets asked for. Raises Refused `application.no_rule_set`.

    Validity is half-open: from the first day's midnight in Japan to the midnight after the last day.
    """
    return Permit(
        permit_id=number,
        revision=1,
        project=application.project,
        provision=provision,
        handlers=application.members,
        purpose=application.purpose,
        tier=application.tier,
        workspace=Workspace.DIRECT,
        databases=reduced(application.databases, sets or {}),
        # Databases of one permit are linked only where the application says so; each of the others stands alone.
        linkage_groups=linkage_groups(application),
        rule_sets=rule_sets_for(application.databases, scopes),
        outputs=application.outputs,
        limits=limits,
        checkers=CHECKERS,
        valid_from=begins(application.use_from),
        valid_to=begins(application.use_to + timedelta(days=1)),
        data_sets=granted(sets or {}),
    )
