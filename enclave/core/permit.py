"""The permit (承諾): what may be seen, by whom, for what, until when (SHAPES, Permit; schema enclave.permit/1).

Holds the frozen value, its parsing from and printing to the JSON object, and the questions that need no machine:
is it in force now, is this person a handler. Signing and verifying belong to `enclave.adapters.signing`; what a
`rows` predicate means belongs to the query grammar.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from enclave.core.clock import parse_rfc3339, rfc3339
from enclave.core.ids import DatabaseId, PermitId, PersonId, ProjectId, ProvisionId
from enclave.core.refusal import Refused

SCHEMA = "enclave.permit/1"


class Tier(StrEnum):
    RECORD = "record"
    AGGREGATE = "aggregate"


class Workspace(StrEnum):
    DIRECT = "direct"
    LOCKED = "locked"


@dataclass(frozen=True)
class Period:
    """A half-open interval [start, end) of one column, evaluated on source values when the extract is built."""

    column: str
    start: str
    end: str


@dataclass(frozen=True)
class TableGrant:
    """One table of a permit: the columns shown, and what limits its rows."""

    columns: tuple[str, ...]
    period: Period | None = None
    rows: str | None = None
    coarsen: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DataSetGrant:
    """Which of a database's data sets is granted, where it has several (docs/decisions/0013).

    `one_in` n: of n persons one is in the extract; without it, nobody is left out for being sampled.
    """

    id: str
    one_in: int | None = None


@dataclass(frozen=True)
class PlannedOutput:
    """An output as declared in the application; an export refers to it by id."""

    id: str
    kind: str
    title: str
    dimensions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """Budgets of a project per day; None is no limit of its own."""

    queries_day: int | None = None
    rows_day: int | None = None
    bytes_day: int | None = None


@dataclass(frozen=True)
class Permit:
    permit_id: PermitId
    revision: int
    project: ProjectId
    provision: ProvisionId
    handlers: tuple[PersonId, ...]
    purpose: str
    tier: Tier
    workspace: Workspace
    databases: Mapping[DatabaseId, Mapping[str, TableGrant]]
    linkage_groups: tuple[tuple[DatabaseId, ...], ...]
    rule_sets: tuple[str, ...]
    outputs: tuple[PlannedOutput, ...]
    limits: Limits
    checkers: int
    valid_from: datetime
    valid_to: datetime
    data_sets: Mapping[DatabaseId, DataSetGrant] = field(default_factory=dict)
    """By database; one that is not named has no sets, or was granted before they could be chosen: the whole of it."""

    @property
    def reference(self) -> str:
        """`p-2026-0007@1`, as receipts and leaves name a permit."""
        return f"{self.permit_id}@{self.revision}"

    def check_in_force(self, now: datetime) -> None:
        """Raise Refused `permit.not_yet_valid` or `permit.expired`; validity is half-open [valid_from, valid_to)."""
        if now < self.valid_from:
            raise Refused(
                "permit.not_yet_valid", {"permit": self.reference, "valid_from": rfc3339(self.valid_from)}
            )
        if now >= self.valid_to:
            raise Refused("permit.expired", {"permit": self.reference, "valid_to": rfc3339(self.valid_to)})

    def check_handler(self, person: PersonId) -> None:
        """Raise Refused `permit.not_handler` unless the person is named in the permit."""
        if person not in self.handlers:
            raise Refused("permit.not_handler", {"permit": self.reference})

    def carries(self, earlier: "Permit") -> bool:
        """Whether what was begun under an earlier revision goes on under this one: only the daily limits may differ.

        Whoever may see other data, other people, another purpose or other days begins anew (docs/decisions/0017).
        """
        return self.revision > earlier.revision and self == replace(
            earlier, revision=self.revision, limits=self.limits
        )

    def tables(self) -> tuple[tuple[DatabaseId, str, TableGrant], ...]:
        """Every (database, table, grant) in the permit's own order."""
        return tuple(
            (db, name, grant) for db, tables in self.databases.items() for name, grant in tables.items()
        )

    def to_json(self) -> dict[str, Any]:
        """The JSON object of SHAPES; `parse` reads it back to an equal value."""
        return {
            "schema": SCHEMA,
            "permit_id": self.permit_id,
            "revision": self.revision,
            "project": self.project,
            "provision": self.provision,
            "handlers": list(self.handlers),
            "purpose": self.purpose,
            "tier": self.tier.value,
            "workspace": self.workspace.value,
            "databases": {
                db: {name: _grant_json(grant) for name, grant in tables.items()}
                for db, tables in self.databases.items()
            },
            "linkage_groups": [list(group) for group in self.linkage_groups],
            # Left out where there is none, so that earlier permits print, and verify, as they were signed.
            **({"data_sets": data_sets_json(self)} if self.data_sets else {}),
            "rule_sets": list(self.rule_sets),
            "outputs": [
                {"id": o.id, "kind": o.kind, "title": o.title, "dimensions": list(o.dimensions)}
                for o in self.outputs
            ],
            "limits": {
                name: value
                for name, value in (
                    ("queries_day", self.limits.queries_day),
                    ("rows_day", self.limits.rows_day),
                    ("bytes_day", self.limits.bytes_day),
                )
                if value is not None
            },
            "checkers": self.checkers,
            "valid_from": rfc3339(self.valid_from),
            "valid_to": rfc3339(self.valid_to),
        }


def _grant_json(grant: TableGrant) -> dict[str, Any]:
    printed: dict[str, Any] = {"columns": list(grant.columns)}
    if grant.period is not None:
        printed["period"] = {
            "column": grant.period.column,
            "from": grant.period.start,
            "to": grant.period.end,
        }
    if grant.rows is not None:
        printed["rows"] = grant.rows
    if grant.coarsen:
        printed["coarsen"] = dict(grant.coarsen)
    return printed


def data_sets_json(permit: Permit) -> dict[str, Any]:
    """`{database: {id, one_in?}}`, as the permit prints it."""
    return {
        database: {"id": one.id, **({} if one.one_in is None else {"one_in": one.one_in})}
        for database, one in permit.data_sets.items()
    }


def _data_set(raw: Mapping[str, Any]) -> DataSetGrant:
    # A restriction that is not understood must not be taken for none.
    if set(raw) - {"id", "one_in"} or not isinstance(raw["id"], str) or not raw["id"]:
        raise ValueError("a data set")
    one_in = None if raw.get("one_in") is None else _whole(raw["one_in"])
    if one_in is not None and one_in < 2:
        raise ValueError("a share of everybody")
    return DataSetGrant(raw["id"], one_in)


def parse(data: Mapping[str, Any]) -> Permit:
    """A permit from its JSON object. Raises Refused `permit.malformed` with the place that is wrong."""
    place = "schema"
    try:
        if data["schema"] != SCHEMA:
            raise ValueError("schema")
        place = "databases"
        databases: dict[DatabaseId, Mapping[str, TableGrant]] = {}
        for db, tables in data["databases"].items():
            grants: dict[str, TableGrant] = {}
            for name, raw in tables.items():
                place = f"databases.{db}.{name}"
                period = raw.get("period")
                grants[str(name)] = TableGrant(
                    columns=_texts(raw["columns"]),
                    period=None
                    if period is None
                    else Period(str(period["column"]), str(period["from"]), str(period["to"])),
                    rows=None if raw.get("rows") is None else str(raw["rows"]),
                    coarsen={str(k): _whole(v) for k, v in raw.get("coarsen", {}).items()},
                )
                if not grants[str(name)].columns:
                    raise ValueError("no columns")
            databases[DatabaseId(str(db))] = grants
        if not databases:
            raise ValueError("no databases")
        place = "data_sets"
        data_sets = {DatabaseId(str(db)): _data_set(raw) for db, raw in data.get("data_sets", {}).items()}
        if not data_sets.keys() <= databases.keys():
            raise ValueError("a data set of a database that is not granted")
        place = "outputs"
        outputs = tuple(
            PlannedOutput(str(o["id"]), str(o["kind"]), str(o["title"]), _texts(o.get("dimensions", ())))
            for o in data.get("outputs", ())
        )
        place = "limits"
        limits = Limits(**{str(k): _whole(v) for k, v in data.get("limits", {}).items()})
        place = "valid_from, valid_to"
        valid_from, valid_to = parse_rfc3339(data["valid_from"]), parse_rfc3339(data["valid_to"])
        if valid_from >= valid_to:
            raise ValueError("empty validity")
        place = "fields"
        permit = Permit(
            permit_id=PermitId(str(data["permit_id"])),
            revision=_whole(data["revision"]),
            project=ProjectId(str(data["project"])),
            provision=ProvisionId(str(data["provision"])),
            handlers=tuple(PersonId(p) for p in _texts(data["handlers"])),
            purpose=str(data["purpose"]),
            tier=Tier(data["tier"]),
            workspace=Workspace(data.get("workspace", "direct")),
            databases=databases,
            linkage_groups=tuple(
                tuple(DatabaseId(d) for d in _texts(g)) for g in data.get("linkage_groups", ())
            ),
            rule_sets=_texts(data["rule_sets"]),
            outputs=outputs,
            limits=limits,
            checkers=_whole(data.get("checkers", 2)),
            valid_from=valid_from,
            valid_to=valid_to,
            data_sets=data_sets,
        )
        place = "rule_sets"
        if not permit.rule_sets:
            raise ValueError("a permit without a rule set")
        place = "handlers"
        if not permit.handlers:
            raise ValueError("a permit without handlers")
        return permit
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused("permit.malformed", {"place": place}) from error


def _texts(values: Any) -> tuple[str, ...]:
    if isinstance(values, str) or not all(isinstance(v, str) for v in values):
        raise ValueError("a list of texts is needed")
    return tuple(values)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("a whole number is needed")
    return value
