"""What an applicant asks for (提供申出), read strictly: every problem is named with its field, none is guessed away.

Decides whether what was typed is a complete application. Relies on the catalogue (which tables and columns exist),
on the persons and on the projects that exist, handed in as `Known`. Does not decide whether it is approved.

A *draft* is whatever was typed so far, kept as it is (`Draft`); only a draft without problems becomes an `Application`.
Fields follow the application forms of the field (docs: DOMAIN 3.1): purpose, public interest, why no other information
serves, what is requested, who handles it, for how long, what will be published.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from enclave.core.ids import PROJECT, DatabaseId, PersonId, ProjectId
from enclave.core.permit import Period, PlannedOutput, TableGrant, Tier

LONGEST_USE_YEARS = 2
"""Longest use period of one permit; more is an extension (NDB guideline as of 2024: two years)."""

LONGEST_TEXT = 4000
"""Characters of one text field; the paper forms allow one page."""

OUTPUT_KINDS = ("table", "figure", "model")
OUTPUT = re.compile(r"[a-z][a-z0-9-]{0,29}")


@dataclass(frozen=True)
class Known:
    """What exists: columns by database and table, persons who may be handlers, projects that others hold already."""

    columns: Mapping[str, Mapping[str, Sequence[str]]]
    persons: frozenset[str]
    projects: frozenset[str] = frozenset()
    today: date = date.min
    row_condition: Callable[[str, str, str], bool] | None = None
    """Whether a rows condition is one predicate over (database, table); the query grammar answers, handed in above."""
    sets: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    """The data sets of each database that has several; the first is meant where none is named."""


@dataclass(frozen=True)
class Problem:
    """One thing to put right: the field's name in the form, the code, and facts for its sentence."""

    field: str
    code: str
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Draft:
    """What was typed, unjudged: texts by field, chosen columns `database.table.column`, limits by `database.table`."""

    texts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    columns: tuple[str, ...] = ()
    limits: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    members: tuple[str, ...] = ()
    outputs: tuple[Mapping[str, str], ...] = ()
    links: tuple[str, ...] = ()
    sets: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Data set by database, as chosen."""

    def text(self, name: str) -> str:
        return self.texts.get(name, "").strip()

    def to_json(self) -> dict[str, Any]:
        return {
            "texts": dict(self.texts),
            "columns": list(self.columns),
            "limits": {name: dict(value) for name, value in self.limits.items()},
            "members": list(self.members),
            "outputs": [dict(o) for o in self.outputs],
            "links": list(self.links),
            "sets": dict(self.sets),
        }


TEXTS = (
    "project", "title", "purpose", "public_interest", "other_data", "linkage_reason", "use_from", "use_to", "tier",
)  # fmt: skip
"""Text fields of a draft, in the order of the form."""

NEEDED = ("project", "title", "purpose", "public_interest", "other_data", "use_from", "use_to")
LIMITS = ("period_column", "period_from", "period_to", "rows")
OUTPUT_FIELDS = ("id", "kind", "title", "dimensions")


def draft_from_json(body: Mapping[str, Any]) -> Draft:
    """A draft as the records keep it."""
    return Draft(
        texts={str(k): str(v) for k, v in body.get("texts", {}).items()},
        columns=tuple(str(c) for c in body.get("columns", ())),
        limits={str(k): {str(a): str(b) for a, b in v.items()} for k, v in body.get("limits", {}).items()},
        members=tuple(str(m) for m in body.get("members", ())),
        outputs=tuple({str(a): str(b) for a, b in o.items()} for o in body.get("outputs", ())),
        links=tuple(str(d) for d in body.get("links", ())),
        sets={str(k): str(v) for k, v in body.get("sets", {}).items()},
    )


@dataclass(frozen=True)
class Application:
    """A complete application. Dates are whole days in Japan, both included."""

    project: ProjectId
    title: str
    purpose: str
    public_interest: str
    other_data: str
    databases: Mapping[DatabaseId, Mapping[str, TableGrant]]
    members: tuple[PersonId, ...]
    outputs: tuple[PlannedOutput, ...]
    use_from: date
    use_to: date
    tier: Tier = Tier.RECORD
    links: tuple[DatabaseId, ...] = ()
    linkage_reason: str = ""
    sets: Mapping[DatabaseId, str] = dataclasses.field(default_factory=dict)
    """The data set of each database that has several."""

    def parties(self, applicant: str) -> frozenset[str]:
        """Everyone who may not review it."""
        return frozenset({applicant, *self.members})


def parse(draft: Draft, known: Known) -> tuple[Application | None, tuple[Problem, ...]]:
    """The application of a draft, or None with every problem in the order of the form; never both empty.

    1. Needed texts are there and not longer than a page; the project's name is well formed and free.
    2. Every chosen column exists; at least one is chosen.
    3. Limits name existing columns, periods begin before they end.
    4. Databases to be linked are asked for, are at least two, and come with a reason. Whether they may be, the policy
       decides (`enclave.application.linkage`).
    5. A database of several data sets is asked for as one of them, the first where none is named. Whether it is given
       today, and holds what is asked for, the policy decides (`enclave.application.dataset`).
    6. Members exist, are named once, and there is at least one.
    7. Planned outputs have an id of their own, a kind and a title; there is at least one.
    8. The use period is in order, not over already and not longer than two years.
    """
    problems: list[Problem] = []
    problems += _texts(draft, known)
    databases, found = _databases(draft, known)
    problems += found
    links, found = _links(draft, databases)
    problems += found
    sets, found = _sets(draft, databases, known)
    problems += found
    members, found = _members(draft, known)
    problems += found
    outputs, found = _outputs(draft)
    problems += found
    period, found = _use_period(draft, known)
    problems += found
    tier = draft.text("tier") or Tier.RECORD.value
    if tier not in {t.value for t in Tier}:
        problems.append(Problem("tier", "application.unknown_choice", {"value": tier[:40]}))
    if problems or period is None:
        return None, tuple(problems)
    return (
        Application(
            project=ProjectId(draft.text("project")),
            title=draft.text("title"),
            purpose=draft.text("purpose"),
            public_interest=draft.text("public_interest"),
            other_data=draft.text("other_data"),
            databases=databases,
            members=members,
            outputs=outputs,
            use_from=period[0],
            use_to=period[1],
            tier=Tier(tier),
            links=links,
            linkage_reason=draft.text("linkage_reason") if links else "",
            sets=sets,
        ),
        (),
    )


def _texts(draft: Draft, known: Known) -> list[Problem]:
    problems = [Problem(name, "application.field_missing") for name in NEEDED if not draft.text(name)]
    for name in TEXTS:
        if len(draft.text(name)) > LONGEST_TEXT:
            problems.append(Problem(name, "application.text_too_long", {"limit": str(LONGEST_TEXT)}))
    project = draft.text("project")
    if project and not PROJECT.fullmatch(project):
        problems.append(Problem("project", "application.project_name"))
    elif project in known.projects:
        problems.append(Problem("project", "application.project_taken", {"project": project}))
    return problems


def _databases(
    draft: Draft, known: Known
) -> tuple[Mapping[DatabaseId, Mapping[str, TableGrant]], list[Problem]]:
    problems: list[Problem] = []
    chosen: dict[str, dict[str, list[str]]] = {}
    for name in dict.fromkeys(draft.columns):
        database, table, column = (*name.split(".", 2), "", "")[:3]
        if table not in known.columns.get(database, {}):
            problems.append(
                Problem("columns", "application.unknown_table", {"table": f"{database}.{table}"[:80]})
            )
        elif column not in known.columns[database][table]:
            problems.append(Problem("columns", "application.unknown_column", {"column": name[:80]}))
        else:
            chosen.setdefault(database, {}).setdefault(table, []).append(column)
    if not draft.columns:
        problems.append(Problem("columns", "application.field_missing"))
    for place in draft.limits:
        database, _, table = place.partition(".")
        asked = any(draft.limits[place].get(name, "").strip() for name in LIMITS)
        if asked and table not in chosen.get(database, {}):
            problems.append(
                Problem(f"rows.{place}", "application.limit_without_columns", {"table": place[:80]})
            )
    databases: dict[DatabaseId, Mapping[str, TableGrant]] = {}
    for database, tables in chosen.items():
        grants: dict[str, TableGrant] = {}
        for table, columns in tables.items():
            place = f"{database}.{table}"
            limits = draft.limits.get(place, {})
            period, found = _period(place, limits, known.columns[database][table])
            problems += found
            rows = limits.get("rows", "").strip() or None
            if rows and known.row_condition and not known.row_condition(database, table, rows):
                problems.append(Problem(f"rows.{place}", "application.row_condition"))
            # The catalogue's order, so that two people who tick the same boxes get the same permit.
            ordered = tuple(c for c in known.columns[database][table] if c in columns)
            grants[table] = TableGrant(columns=ordered, period=period, rows=rows)
        databases[DatabaseId(database)] = grants
    return databases, problems


def _period(
    place: str, limits: Mapping[str, str], columns: Sequence[str]
) -> tuple[Period | None, list[Problem]]:
    column, start, end = (limits.get(n, "").strip() for n in ("period_column", "period_from", "period_to"))
    if not (column or start or end):
        return None, []
    problems = [
        Problem(f"{name}.{place}", "application.field_missing")
        for name, value in (("period_column", column), ("period_from", start), ("period_to", end))
        if not value
    ]
    if problems:
        return None, problems
    if column not in columns:
        return None, [
            Problem(f"period_column.{place}", "application.unknown_column", {"column": column[:80]})
        ]
    low, high = _point(start), _point(end)
    for name, point in (("period_from", low), ("period_to", high)):
        if point is None:
            problems.append(Problem(f"{name}.{place}", "application.period_value"))
    if low is not None and high is not None:
        if type(low) is not type(high):
            problems.append(Problem(f"period_to.{place}", "application.period_value"))
        elif low >= high:  # type: ignore[operator]  # both are of one type here
            problems.append(Problem(f"period_to.{place}", "application.period_order"))
    return (None if problems else Period(column, start, end)), problems


def _point(text: str) -> date | int | None:
    """A day, or a whole number (`nafld` counts days from an index date)."""
    if re.fullmatch(r"-?[0-9]{1,9}", text):
        return int(text)
    return _day(text)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        return None


def _links(
    draft: Draft, databases: Mapping[DatabaseId, object]
) -> tuple[tuple[DatabaseId, ...], list[Problem]]:
    named = sorted({name.strip() for name in draft.links if name.strip()})
    if not named:
        return (), []
    problems = [
        Problem("links", "application.linkage_without_columns", {"database": name[:40]})
        for name in named
        if name not in databases
    ]
    if len(named) < 2:
        problems.append(Problem("links", "application.linkage_of_one"))
    if not draft.text("linkage_reason"):
        problems.append(Problem("linkage_reason", "application.field_missing"))
    return tuple(DatabaseId(name) for name in named), problems


def _sets(
    draft: Draft, databases: Mapping[DatabaseId, object], known: Known
) -> tuple[Mapping[DatabaseId, str], list[Problem]]:
    chosen: dict[DatabaseId, str] = {}
    problems = []
    for database in databases:
        offered = known.sets.get(database, ())
        named = draft.sets.get(database, "").strip() or next(iter(offered), "")
        if named in offered:
            chosen[database] = named
        elif named:
            facts = {"database": database, "set": named[:40]}
            problems.append(Problem(f"set.{database}", "application.dataset_unknown", facts))
    return chosen, problems


def _members(draft: Draft, known: Known) -> tuple[tuple[PersonId, ...], list[Problem]]:
    named = [m.strip() for m in draft.members if m.strip()]
    if not named:
        return (), [Problem("members", "application.field_missing")]
    problems = [
        Problem("members", "application.unknown_person", {"person": name[:40]})
        for name in dict.fromkeys(named)
        if name not in known.persons
    ]
    return tuple(PersonId(name) for name in dict.fromkeys(named)), problems


def _outputs(draft: Draft) -> tuple[tuple[PlannedOutput, ...], list[Problem]]:
    problems: list[Problem] = []
    outputs: list[PlannedOutput] = []
    for n, row in enumerate(draft.outputs):
        typed = {name: row.get(name, "").strip() for name in OUTPUT_FIELDS}
        if not (typed["id"] or typed["title"] or typed["dimensions"]):
            continue
        if not OUTPUT.fullmatch(typed["id"]):
            problems.append(Problem(f"output_id.{n}", "application.output_id"))
        elif typed["id"] in {o.id for o in outputs}:
            problems.append(Problem(f"output_id.{n}", "application.output_twice", {"output": typed["id"]}))
        if typed["kind"] not in OUTPUT_KINDS:
            problems.append(
                Problem(f"output_kind.{n}", "application.unknown_choice", {"value": typed["kind"][:40]})
            )
        if not typed["title"]:
            problems.append(Problem(f"output_title.{n}", "application.field_missing"))
        dimensions = tuple(d for d in re.split(r"[\s,、，]+", typed["dimensions"]) if d)
        outputs.append(PlannedOutput(typed["id"], typed["kind"], typed["title"], dimensions))
    if not outputs and not problems:
        problems.append(Problem("output_id.0", "application.field_missing"))
    return tuple(outputs), problems


def _use_period(draft: Draft, known: Known) -> tuple[tuple[date, date] | None, list[Problem]]:
    start, end = _day(draft.text("use_from")), _day(draft.text("use_to"))
    problems = [
        Problem(name, "application.date")
        for name, value in (("use_from", start), ("use_to", end))
        if draft.text(name) and value is None
    ]
    if start is None or end is None:
        return None, problems
    if start > end:
        problems.append(Problem("use_to", "application.period_order"))
    elif end < known.today:
        problems.append(Problem("use_to", "application.period_over"))
    elif end >= _years_later(start, LONGEST_USE_YEARS):
        problems.append(Problem("use_to", "application.too_long_period", {"years": str(LONGEST_USE_YEARS)}))
    return (start, end), problems


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, month=3, day=1)
