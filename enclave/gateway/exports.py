"""Export over HTTP: a submission becomes checked files and one answer. The rules are `export.flow`'s, the state the records'.

Runs in threads. What is recomputed for a receipt is recorded before it runs, like any question.
"""

import base64
import binascii
import json
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from enclave.adapters import description_text, edge
from enclave.adapters import query_records as q
from enclave.adapters.export_records import export_detail, exports_of, submit_export
from enclave.adapters.export_views import ExportSummary, FileView
from enclave.adapters.person_records import find_person
from enclave.catalogue.descriptor import PID
from enclave.core.clock import rfc3339
from enclave.core.event import Actor, Thing
from enclave.core.permit import Tier
from enclave.core.refusal import Refused
from enclave.disclosure.answers.table import Inhabitants, ProtectedTable
from enclave.disclosure.criteria.rules import Rules, Zero, combine
from enclave.disclosure.releases.differencing import BY_POPULATION
from enclave.export.checks import MAX_FILES
from enclave.export.flow import check
from enclave.export.history import Matched, finding_of, read_by
from enclave.export.request import Described, FigureItem, Finding, Item, Submission, TableItem, Verdict
from enclave.gateway import cells
from enclave.gateway.asking import Entered
from enclave.gateway.behind import members
from enclave.gateway.binding import binding_sets
from enclave.gateway.deps import Deps, OpenExtract
from enclave.gateway.inhabitants import inhabitants_of
from enclave.gateway.pictures import redrawn
from enclave.gateway.question import params_of
from enclave.gateway.settling import settled
from enclave.query.flow import prepare
from enclave.query.stages import Form, Guarded, Session

SMALL = 4_000_000
"""Cells of a recomputed answer before protection; a table of an export is far smaller."""

_EXAMINED = threading.BoundedSemaphore(2)
"""Submissions examined at once: the arithmetic of a large table is work for a whole processor."""


def submit(deps: Deps, who: Entered, body: Mapping[str, Any], language: str) -> dict[str, Any]:
    """POST /v1/exports: `{id, state, files: [{name, digest, verdict, findings}]}`. Raises Refused.

    1. The body is a submission. 2. Pictures are redrawn. 3. The policy says which rule sets bind, every file is checked against
    them, receipts by recomputation. 4. The policy is asked, state and events are recorded.
    """
    submission = submission_of(body)
    permit = who.signed.permit
    known: dict[str, Recomputed] = {}
    export_id = deps.new_id()

    def recomputed(receipt: str) -> ProtectedTable:
        if receipt not in known:
            known[receipt] = recompute(deps, who, receipt)
        return known[receipt].answer

    def compared(matched: Sequence[Matched], unread: Sequence[int]) -> Mapping[int, Sequence[Finding]]:
        return compare(deps, who, export_id, matched, unread, known)

    if not _EXAMINED.acquire(timeout=30):
        raise Refused("gateway.busy", {"limit": 2})
    try:
        checked = check(submission, permit, binding_sets(deps, permit), recomputed, compared)
    finally:
        _EXAMINED.release()
    person = find_person(deps.records, who.session.person)
    event = edge.event(
        Actor(who.session.person, "handler", who.session.id),
        "export.submitted",
        Thing("export", export_id, checked.digest),
        project=permit.project,
        permit=permit.reference,
        counts={
            "files": len(checked.files),
            "bytes": sum(len(file.data) for file in checked.files),
            "described": sum(bool(file.attached) for file in checked.files),
        },
    )
    roles = sorted(role.value for role in person.roles) if person is not None else []
    summary = submit_export(deps.records, deps.policy, event, export_id, checked, permit, roles, deps.now())
    deps.metrics.exports.labels(summary.state.value).inc()
    return detail(deps, who, summary.id, language)


def listed(deps: Deps, who: Entered) -> dict[str, Any]:
    """GET /v1/exports: everything that the project submitted, newest first."""
    return {"exports": [_line(one) for one in exports_of(deps.records, project=who.session.project)]}


def detail(deps: Deps, who: Entered, export_id: str, language: str) -> dict[str, Any]:
    """GET /v1/exports/{id}. Raises Refused `export.unknown` for what is not this project's."""
    view = export_detail(deps.records, deps.trusted(), export_id, who.session.person, language, deps.now())
    if view.export.project != who.session.project:
        raise Refused("export.unknown")
    return {**_line(view.export), "purpose": view.purpose, "files": [_file(file) for file in view.files]}


def _line(export: ExportSummary) -> dict[str, Any]:
    return {
        "id": export.id,
        "output": export.output,
        "state": export.state.value,
        "verdict": export.verdict.value,
        "person": export.person,
        "digest": export.digest,
        "submitted": rfc3339(export.submitted_at),
        "decided": None if export.decided_at is None else rfc3339(export.decided_at),
        "files": [{"name": name} for name in export.files],
    }


def _file(file: FileView) -> dict[str, Any]:
    return {
        "name": file.name,
        "kind": file.kind.value,
        "digest": file.digest,
        "size": file.size,
        "description": file.declared.get("description"),
        "evidence": file.declared.get("evidence"),
        "verdict": file.verdict.value,
        "findings": [
            {
                "code": f.code,
                "verdict": f.verdict.value,
                "where": dict(f.where),
                "facts": read_by(f.facts, checker=False),
                "rule_set": f.rule_set,
                "title": f.title,
                "hint": f.hint,
            }
            for f in file.findings
        ],
    }


# -- the body ------------------------------------------------------------------------------------
def submission_of(body: Mapping[str, Any]) -> Submission:
    """The submission in a body, its pictures redrawn. Raises Refused `export.malformed` with the place."""
    items = body.get("items")
    if not isinstance(items, list):
        raise _malformed("items")
    if len(items) > MAX_FILES:
        raise Refused("export.too_many_files", {"limit": MAX_FILES})
    return Submission(
        _text(body, "output", "output"),
        _text(body, "purpose", "purpose"),
        tuple(_item(item, f"items[{place}]") for place, item in enumerate(items)),
    )


def _item(item: object, place: str) -> Item:
    if not isinstance(item, Mapping):
        raise _malformed(place)
    match item.get("kind"):
        case "table":
            return _table(item, place)
        case "figure":
            data = item.get("data")
            if not isinstance(data, Mapping):
                raise _malformed(f"{place}.data")
            return FigureItem(
                _text(item, "name", place), _picture(item, place), _table(data, f"{place}.data")
            )
    raise _malformed(f"{place}.kind")


def _picture(item: Mapping[str, Any], place: str) -> bytes:
    try:
        data = base64.b64decode(_text(item, "png", place), validate=True)
    except (binascii.Error, ValueError):
        raise _malformed(f"{place}.png") from None
    try:
        return redrawn(data)
    except Refused:
        # The checks say what is wrong with it, as a finding on these bytes; it cannot leave.
        return data


def _table(item: Mapping[str, Any], place: str) -> TableItem:
    receipt = item.get("receipt")
    if receipt is not None and (not isinstance(receipt, str) or _halved(receipt)):
        raise _malformed(f"{place}.receipt")
    return TableItem(
        _text(item, "name", place),
        _text(item, "csv", place).encode("utf-8", "surrogatepass"),
        _texts(item, "dimensions", place),
        _texts(item, "counts", place),
        receipt,
        _described(item, place),
    )


def _described(item: Mapping[str, Any], place: str) -> Described | None:
    """The description of a table's columns: the text of its file, or what it says as JSON. One that cannot be read is a finding
    of the table, like a column that is missing."""
    said, evidence = item.get("description"), item.get("evidence")
    if evidence is not None:
        evidence = _text(item, "evidence", place).encode("utf-8", "surrogatepass")
    match said:
        case None if evidence is None:
            return None
        case str() if not _halved(said):
            source = said.encode()
        case Mapping():
            source = json.dumps(said, ensure_ascii=False, indent=2).encode("utf-8", "surrogatepass")
        case _:
            # Evidence without a word on what it is the evidence of is no description either.
            raise _malformed(f"{place}.description")
    try:
        return Described(source, description_text.read(source, "description"), evidence)
    except Refused as refused:
        return Described(source, None, evidence, refused.facts)


def _text(item: Mapping[str, Any], name: str, place: str) -> str:
    value = item.get(name)
    # Half a character (a lone surrogate) cannot be kept; of a file's own text the checks say so.
    if not isinstance(value, str) or (name not in ("csv", "evidence") and _halved(value)):
        raise _malformed(f"{place}.{name}")
    return value


def _halved(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


def _texts(item: Mapping[str, Any], name: str, place: str) -> tuple[str, ...]:
    values = item.get(name, [])
    if not isinstance(values, list) or not all(isinstance(v, str) and not _halved(v) for v in values):
        raise _malformed(f"{place}.{name}")
    return tuple(values)


def _malformed(place: str) -> Refused:
    return Refused("export.malformed", {"place": place})


# -- receipts ------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Recomputed:
    """A receipt's answer, the statement that gave it, the extract that it was asked of, and the inhabitants of the municipalities
    that its rows are about, where a rule asks for them."""

    answer: ProtectedTable
    guarded: Guarded
    extract: OpenExtract
    inhabitants: Inhabitants | None = None


def recompute(deps: Deps, who: Entered, receipt: str) -> Recomputed:
    """The protected answer of a receipt, from its own extract. Raises Refused.

    1. It is an answered question in table form, of this project. 2. `query.recomputed` is in the log. 3. The question
    goes through grammar, policy and rewriting again, under today's permit and rules, and runs over the same extract.
    """
    kept = q.find(deps.records, receipt)
    if kept.project != who.session.project or kept.state != q.DONE or kept.form != Form.TABLE.value:
        raise Refused("query.unknown")
    said = q.statement(deps.records, kept)
    reference = str((kept.receipt or {}).get("extract", ""))
    number = int(reference.rpartition("/")[2])
    extract = deps.extracts.open(who.signed, who.session, number)
    if extract.reference != reference:
        raise Refused("query.unknown")
    # Nothing of today's budget: what is recomputed was counted when it was asked, and nobody sees it again.
    session = Session(
        who.session.id,
        who.session.person,
        who.session.project,
        f"{who.session.permit_id}@{who.session.revision}",
        deps.now(),
        carried=who.carried,
    )
    tier = said["tier"]
    prepared = prepare(
        said["sql"],
        params_of(said["params"]),
        Form.TABLE,
        who.signed.permit,
        extract.schema,
        session,
        deps.policy,
        None if tier is None else Tier(tier),
    )
    event = edge.event(
        Actor(who.session.person, "handler", who.session.id),
        "query.recomputed",
        Thing("query", kept.id, kept.statement),
        project=who.session.project,
        permit=who.signed.permit.reference,
    )
    with deps.records.change(event):
        pass
    guarded = settled(extract.engine, prepared)
    answered = _all(extract, guarded)
    if answered.num_rows * answered.num_columns > SMALL:
        raise Refused("query.unknown")
    inhabitants = inhabitants_of(extract.engine, guarded)
    return Recomputed(cells.protect(answered, guarded, inhabitants), guarded, extract, inhabitants)


def _all(extract: OpenExtract, guarded: Guarded) -> pa.Table:
    run = extract.engine.run(guarded)
    try:
        return pa.Table.from_batches(list(run.batches()), schema=run.schema)
    finally:
        run.close()


# -- releases ------------------------------------------------------------------------------------
def compare(
    deps: Deps,
    who: Entered,
    export_id: str,
    matched: Sequence[Matched],
    unread: Sequence[int],
    known: Mapping[str, Recomputed],
) -> dict[int, list[Finding]]:
    """What the files' numbers tell together with everything released before, by file. Raises Refused.

    1. Who stands behind each shown cell is asked of the extract itself, by the statement that answered. A file whose
    persons cannot be named is a human's. 2. Custody numbers them, compares, and keeps them until the checkers decide. Of the
    files without persons (`unread` are places of those without a receipt) custody remembers that they were released with
    this output: whatever comes later has not been compared with them.
    """
    found: dict[int, list[Finding]] = defaultdict(list)
    asked: dict[tuple[str, int], list[tuple[int, dict[str, Any], Rules]]] = defaultdict(list)
    missing = bool(unread)
    for one in matched:
        again = known[one.receipt]
        rules = combine(cells.rule_sets_of(again.guarded))
        persons = members(again)
        database = _database_of(again.guarded)
        if persons is None or database is None or not persons.covers(one, again.answer):
            found[one.position].append(Finding("export.history_unread", Verdict.HUMAN, {}, {}, rules.source))
            missing = True
            continue
        number = int(again.extract.reference.rpartition("/")[2])
        for cell in persons.shown(one, again.answer, rules, again.inhabitants):
            asked[database, number].append((one.position, cell, rules))
    for database, number in _places(deps, who, asked) if missing else ():
        asked.setdefault((database, number), [])
    bound = combine(binding_sets(deps, who.signed.permit)) if missing else None
    for (database, number), lines in sorted(asked.items()):
        ruling = [rules for _, _, rules in lines] + ([bound] if bound is not None else [])
        strictest = max(ruling, key=lambda rules: rules.n)
        said = deps.releases.examine(
            who.signed.envelope,
            number,
            export_id,
            database=database,
            floor=strictest.n,
            zero_hidden=any(rules.zero is Zero.HIDDEN for rules in ruling),
            rule_set=strictest.source,
            cells=[cell for _, cell, _ in lines],
            session=who.session.id,
            person=who.session.person,
            unread=missing,
            unjudged=sorted({name for rules in ruling for name in _beyond_persons(rules)}),
            strictest=max(_numbers_by_population(rules) for rules in ruling),
        )
        places = {str(cell["table"]): position for position, cell, _ in lines}
        for one in said["findings"]:
            table = max(
                (name for name in places if str(one["where"]).startswith(name)), key=len, default=None
            )
            first = matched[0].position if matched else unread[0]
            found[first if table is None else places[table]].append(finding_of(one))
    return dict(found)


def _places(deps: Deps, who: Entered, asked: Mapping[tuple[str, int], object]) -> Iterator[tuple[str, int]]:
    """Every database of the permit whose persons nothing in the output is counted by, with an extract of it: numbers without
    persons may speak of any of them."""
    known = {database for database, _ in asked}
    rest = sorted(set(who.signed.permit.databases) - known)
    if rest:
        try:
            opened = deps.extracts.open(who.signed, who.session)
        except Refused as refused:
            if refused.code != "custody.extract_unknown":
                raise
            # Nothing was ever provided: whatever the numbers are, they are not of these persons.
            return
        number = int(opened.reference.rpartition("/")[2])
        yield from ((database, number) for database in rest)


def _beyond_persons(rules: Rules) -> Iterator[str]:
    """Rules that judge a number by more than the persons behind it. A difference is judged by persons alone."""
    asked = {
        "min_institutions": rules.min_institutions,
        "dominance": rules.dominance,
        "p_percent": rules.p_percent,
        "pq": rules.pq,
        BY_POPULATION: any(tier.n is None for one in rules.tiers for tier in one),
    }
    yield from (name for name, value in asked.items() if value)


def _numbers_by_population(rules: Rules) -> int:
    """The most persons that a municipality is asked for by its inhabitants; 0 where none is."""
    return max((tier.n for one in rules.tiers for tier in one if tier.n is not None), default=0)


def _database_of(guarded: Guarded) -> str | None:
    """A database whose persons are counted: all that one statement joins share their pseudonyms."""
    return next(
        (str(database) for (database, _), read in sorted(guarded.expected.items()) if PID in read), None
    )
