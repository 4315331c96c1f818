"""The application form and the application's own page. Whatever was typed is kept or shown again, never lost."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from enclave.adapters import edge
from enclave.adapters.application_records import ApplicationRecords
from enclave.adapters.person_records import all_persons, find_person
from enclave.adapters.signing import sign_permit
from enclave.application import dataset, flow
from enclave.application import linkage as together
from enclave.application.request import LIMITS, OUTPUT_FIELDS, OUTPUT_KINDS, TEXTS, Draft, Known, Problem
from enclave.application.review import State, Step, possible
from enclave.application.review import denied as denied_codes
from enclave.catalogue.facts import DataSet, Fact, FactKind
from enclave.catalogue.linkage import Link, linkage, pairs
from enclave.catalogue.packaged import dossiers, linkage_rules
from enclave.core.clock import JAPAN
from enclave.core.ids import ApplicationId, DatabaseId, PersonId
from enclave.core.refusal import Refused
from enclave.core.roles import Role
from enclave.portal.catalogue import Notes, to_choose_from
from enclave.portal.deps import Deps
from enclave.portal.pages import Pages, go
from enclave.portal.visit import Form, Visit, visit_of

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
FEWEST_OUTPUT_ROWS = 2
MOST_OUTPUT_ROWS = 40


@dataclass(frozen=True)
class SetShown:
    """A chosen data set, with the body that is heard and for how long it may be used, where the sources say so."""

    row: DataSet
    body: tuple[Fact, ...]
    use_period: tuple[Fact, ...]


def ports_of(deps: Deps) -> flow.Ports:
    """The machines of the application story."""
    return flow.Ports(
        applications=ApplicationRecords(deps.records),
        policy=deps.policy,
        sign=lambda permit: sign_permit(permit, deps.signing_key),
        event=edge.event,
        keep_text=deps.records.keep_text,
        now=deps.now,
        random=deps.random,
        catalogue=deps.catalogue,
    )


def known(deps: Deps) -> Known:
    """What exists right now. `pid` is in every extract, so it is asked for like any column."""
    today = deps.now().astimezone(JAPAN).date()
    return Known(
        columns={
            name: {table: tuple(t.columns) for table, t in database.tables.items() if not t.reference}
            for name, database in deps.catalogue().items()
            if not database.reference
        },
        persons=frozenset(p.id for p in all_persons(deps.records) if p.active and Role.RESEARCHER in p.roles),
        today=today,
        row_condition=deps.row_condition,
        sets=dataset.named(dossiers(), today),
    )


def draft_of(form: Form) -> Draft:
    """What was typed, as it was typed."""
    limits: dict[str, dict[str, str]] = {}
    for name in LIMITS:
        for place, value in form.starting(f"{name}.").items():
            if value.strip():
                limits.setdefault(place, {})[name] = value.strip()
    rows = zip(*(form.texts(f"output_{name}")[:MOST_OUTPUT_ROWS] for name in OUTPUT_FIELDS), strict=False)
    outputs = tuple(dict(zip(OUTPUT_FIELDS, row, strict=True)) for row in rows)
    return Draft(
        texts={name: form.text(name).strip() for name in TEXTS},
        columns=form.texts("columns"),
        limits=limits,
        members=tuple(m for m in re.split(r"[\s,、，]+", form.text("members")) if m),
        outputs=tuple(o for o in outputs if o["id"].strip() or o["title"].strip() or o["dimensions"].strip()),
        links=form.texts("links"),
        sets={database: name.strip() for database, name in form.starting("set.").items() if name.strip()},
    )


def routes(deps: Deps, pages: Pages) -> APIRouter:
    router = APIRouter()
    ports = ports_of(deps)
    applications = ApplicationRecords(deps.records)

    def form_page(
        visit: Visit,
        application: ApplicationId,
        draft: Draft,
        *,
        version: int,
        problems: tuple[Problem, ...] = (),
        refused: Refused | None = None,
        rows: int = 0,
        saved: bool = False,
    ) -> Response:
        said = pages.problem(visit, refused) if refused else None
        sentences: dict[str, list[dict[str, str]]] = {}
        for problem in problems:
            title = pages.problem(visit, Refused(problem.code, problem.facts))["title"]
            sentence = {"code": problem.code, "title": str(title)}
            sentences.setdefault(problem.field, []).append(sentence)
        blank = dict.fromkeys(OUTPUT_FIELDS, "") | {"kind": OUTPUT_KINDS[0]}
        shown = [dict(o) for o in draft.outputs]
        shown += [dict(blank) for _ in range(max(FEWEST_OUTPUT_ROWS, rows, len(shown)) - len(shown))]
        return pages.show(
            visit,
            "application_form.html",
            visit.say("提供の申出", "Application for data"),
            status=int(said["status"]) if said else 422 if problems else 200,
            application=application,
            draft=draft,
            version=version,
            problems=sentences,
            said=said,
            saved=saved,
            outputs=shown[:MOST_OUTPUT_ROWS],
            kinds=OUTPUT_KINDS,
            databases=to_choose_from(deps.catalogue()),
            names={name: dossier.names for name, dossier in dossiers().items()},
            chosen={name.partition(".")[0]: True for name in draft.columns},
            verdicts=_shown(visit, draft.links),
            **choice_of_sets(deps),
        )

    def _shown(visit: Visit, links: Iterable[str]) -> list[dict[str, Any]]:
        # A silent policy server must not cost anyone what they typed; submitting will say that it is silent.
        try:
            return verdicts(visit, links)
        except Refused:
            return []

    def verdicts(visit: Visit, links: Iterable[str]) -> list[dict[str, Any]]:
        """What the policy says today of each pair that is ticked, with the words of the matrix."""
        catalogue, rules = deps.catalogue(), linkage_rules()
        today = deps.now().astimezone(JAPAN).date()
        named = [DatabaseId(name) for name in sorted(set(links)) if DatabaseId(name) in catalogue]
        facts = together.pair_facts(named, rules, catalogue)
        if not facts:
            return []
        asked = {"step": "look", "at": today.isoformat(), "pairs": facts, "apart": [], **dataset.NOTHING}
        answer = deps.policy.decide(together.POLICY, asked)
        denied, obligations = denied_codes(answer), answer.get("obligations") or {}
        refused = {tuple(pair) for pair in obligations.get("pairs", ())}
        said = []
        for a, b in ((DatabaseId(x), DatabaseId(y)) for x, y in (one["pair"] for one in facts)):
            allowed = (a, b) not in refused and set(denied) <= {together.NOT_PERMITTED}
            link = linkage(rules, a, b, today)
            names = " × ".join(
                (dossiers()[one].names if one in dossiers() else catalogue[one].title).of(visit.language)
                for one in (a, b)
            )
            # Between an operator's own databases the matrix has no words.
            spoken = link if isinstance(link, Link) == allowed else None
            said.append({"pair": f"{a} {b}", "names": names, "allowed": allowed, "link": spoken})
        return said

    @router.get("/applications")
    def mine(request: Request) -> Response:
        visit = visit_of(request)
        person = visit.required(Role.RESEARCHER)
        return pages.show(
            visit,
            "applications.html",
            visit.say("申出", "Applications"),
            applications=applications.of_applicant(person.id),
        )

    @router.get("/applications/linkage")
    def linkable(request: Request) -> Response:
        """Asked while someone ticks databases to be linked: each pair with its answer."""
        visit = visit_of(request)
        visit.required(Role.RESEARCHER)
        return pages.part(
            visit,
            "linkage_verdicts.html",
            verdicts=verdicts(visit, request.query_params.getlist("links")[:20]),
        )

    @router.get("/applications/new")
    def new(request: Request) -> Response:
        visit = visit_of(request)
        person = visit.required(Role.RESEARCHER)
        empty = Draft(texts={"tier": "record"}, members=(person.id,))
        return form_page(visit, ApplicationId(edge.new_id()), empty, version=0)

    @router.get("/applications/{application}/edit")
    def edit(request: Request, application: str) -> Response:
        visit = visit_of(request)
        person = visit.required(Role.RESEARCHER)
        stored = applications.stored(ApplicationId(application))
        if stored.applicant != person.id:
            raise Refused("application.unknown")
        if not possible(stored.state, Step.SAVE):
            raise Refused("application.state", {"state": stored.state.value, "step": Step.SAVE.value})
        saved = request.query_params.get("saved") == "1"
        return form_page(visit, stored.id, stored.draft, version=stored.version, saved=saved)

    @router.post("/applications/{application}")
    def write(request: Request, application: str) -> Response:
        """Save, submit, or one more line for an output. Sent twice, it has happened once."""
        visit = visit_of(request)
        person = visit.required(Role.RESEARCHER)
        if not ID.fullmatch(application):
            raise Refused("application.unknown")
        form, draft, id_ = visit.form, draft_of(visit.form), ApplicationId(application)
        version = (
            int(form.text("version"))
            if form.text("version").isascii() and form.text("version").isdigit()
            else 0
        )
        try:
            return written(visit, person.id, id_, draft, version)
        except Refused as refused:
            # What was typed is shown again with the reason, whatever the reason.
            if refused.code in {"application.unknown", "application.not_yours"}:
                raise
            current = version
            if refused.code == "application.changed":
                current = applications.stored(id_).version
            return form_page(visit, id_, draft, version=current, refused=refused)

    def written(visit: Visit, person: PersonId, id_: ApplicationId, draft: Draft, version: int) -> Response:
        action, rows = visit.form.text("action"), len(visit.form.texts("output_id"))
        if not applications.exists(id_):
            stored = flow.start(ports, person, id_, draft)
        else:
            stored = applications.stored(id_)
            if stored.applicant != person:
                raise Refused("application.unknown")
            if stored.state is not State.DRAFT and _same(stored.draft, draft) and action == "submit":
                return go(f"/applications/{id_}")
            if version != stored.version and draft != stored.draft:
                raise Refused("application.changed")
            stored = flow.save(ports, person, id_, draft)
        if action == "submit":
            stored, problems = flow.submit(ports, person, id_, known(deps))
            if problems:
                return form_page(
                    visit,
                    id_,
                    draft,
                    version=stored.version,
                    problems=problems,
                    refused=Refused("application.incomplete"),
                )
            return go(f"/applications/{id_}")
        if action == "add-output":
            return form_page(visit, id_, draft, version=stored.version, rows=rows + 1, saved=True)
        return go(f"/applications/{id_}/edit?saved=1")

    @router.post("/applications/{application}/withdraw")
    def withdraw(request: Request, application: str) -> Response:
        visit = visit_of(request)
        person = visit.required(Role.RESEARCHER)
        flow.withdraw(ports, person.id, ApplicationId(application))
        return go(f"/applications/{application}")

    @router.get("/applications/{application}")
    def one(request: Request, application: str) -> Response:
        """For the applicant, the members once submitted, the committee once submitted."""
        visit = visit_of(request)
        person = visit.required()
        stored = applications.stored(ApplicationId(application))
        submitted = stored.state is not State.DRAFT
        party = person.id == stored.applicant or (submitted and person.id in stored.draft.members)
        if not party and not (submitted and person.roles & {Role.COMMITTEE, Role.AUDITOR}):
            raise Refused("application.unknown")
        return pages.show(
            visit,
            "application.html",
            stored.draft.text("title") or visit.say("題名のない下書き", "Draft without a title"),
            **facts_of(deps, stored),
            mine=person.id == stored.applicant,
            may_withdraw=possible(stored.state, Step.WITHDRAW),
            permit_id=applications.permit_of(stored.id),
            timeline=timeline(visit, stored),
        )

    @router.get("/alive")
    def alive(request: Request) -> Response:
        """Asked while someone types: typing is use of the session."""
        visit_of(request).required()
        return Response(status_code=204)

    return router


def facts_of(deps: Deps, stored: flow.Stored) -> Mapping[str, Any]:
    """What the pages about one application show: the draft, the catalogue's words for it, its people."""
    catalogue = deps.catalogue()
    tables: dict[str, dict[str, list[Any]]] = {}
    for name in stored.draft.columns:
        database, table, column = (*name.split(".", 2), "", "")[:3]
        known_table = catalogue[database].tables.get(table) if database in catalogue else None  # type: ignore[index]
        known_column = known_table.columns.get(column) if known_table else None
        tables.setdefault(database, {}).setdefault(table, []).append((column, known_column))
    applicant = find_person(deps.records, stored.applicant)
    people = [find_person(deps.records, m) for m in stored.draft.members]
    today = deps.now().astimezone(JAPAN).date()
    named = [DatabaseId(name) for name in stored.draft.links]
    return {
        "links": [(a, b, linkage(linkage_rules(), a, b, today)) for a, b in pairs(named)],
        "stored": stored,
        "draft": stored.draft,
        "tables": tables,
        "catalogue": {str(k): v for k, v in catalogue.items()},
        "applicant": applicant,
        "people": [p for p in people if p is not None],
        "sets": sets_of(stored, today),
    }


def _same(submitted: Draft, typed: Draft) -> bool:
    """Whether a form was only sent twice; submitting adds the sets that were meant by default."""
    return replace(typed, sets={**submitted.sets, **typed.sets}) == submitted


def choice_of_sets(deps: Deps) -> dict[str, Any]:
    """What the form offers: the sets of each registered database that has several, with their reviews."""
    today = deps.now().astimezone(JAPAN).date()
    offered = dataset.choices(dossiers(), today)
    return {
        "offered": {
            name: dossiers()[DatabaseId(name)].datasets_at(today)
            for name in offered
            if DatabaseId(name) in deps.catalogue()
        },
        "meant": {name: ids[0] for name, ids in offered.items()},
        "notes": Notes([]),
    }


def sets_of(stored: flow.Stored, today: date) -> dict[str, SetShown]:
    """The set of each database that an application asks for, as the day of the decision (else today) knows it."""
    day = stored.decided_at.astimezone(JAPAN).date() if stored.decided_at else today
    found = {}
    for name in dict.fromkeys(column.partition(".")[0] for column in stored.draft.columns):
        dossier = dossiers().get(DatabaseId(name))
        row = dossier.dataset(stored.draft.sets.get(name, ""), day) if dossier else None
        if dossier is not None and row is not None:
            kept = dossier.at(day)
            found[name] = SetShown(
                row,
                tuple(fact for fact in kept if fact.kind is FactKind.BODY),
                tuple(fact for fact in kept if fact.kind is FactKind.USE_PERIOD),
            )
    return found


def timeline(visit: Visit, stored: flow.Stored) -> list[tuple[str, str, Any]]:
    """(state of the step, what, when) for the line of the application's life: `done`, `now` or `ahead`."""
    steps: list[tuple[str, str, Any]] = [
        ("done", visit.say("下書きを作成", "Draft begun"), stored.created_at)
    ]
    if stored.submitted_at:
        steps.append(("done", visit.say("提出", "Submitted"), stored.submitted_at))
    elif stored.state is State.DRAFT:
        steps.append(("now", visit.say("提出を待っています", "Waiting to be submitted"), None))
    match stored.state:
        case State.DRAFT:
            steps += [
                ("ahead", visit.say("専門委員会の審査", "Review by the committee"), None),
                ("ahead", visit.say("承諾", "Decision"), None),
            ]
        case State.SUBMITTED | State.UNDER_REVIEW:
            given = len({s.reviewer for s in stored.sheets})
            steps += [
                (
                    "now",
                    visit.say(
                        f"専門委員会が審査中（意見 {given} 件）",
                        f"In review by the committee ({given} opinions)",
                    ),
                    None,
                ),
                ("ahead", visit.say("承諾", "Decision"), None),
            ]
        case State.APPROVED:
            steps.append(
                ("done", visit.say("承諾。承諾証に署名", "Approved; the permit is signed"), stored.decided_at)
            )
        case State.REFUSED:
            steps.append(("stop", visit.say("不承諾", "Refused"), stored.decided_at))
        case State.WITHDRAWN:
            steps.append(("stop", visit.say("取下げ", "Withdrawn"), None))
    return steps
