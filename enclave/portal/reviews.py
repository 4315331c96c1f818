"""The committee's pages: what waits for an opinion, and one opinion sheet per database of an application."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from enclave.adapters.amendment_records import AmendmentRecords
from enclave.adapters.application_records import ApplicationRecords
from enclave.adapters.person_records import find_person
from enclave.application import flow
from enclave.application.amending import Stored
from enclave.application.amendment import State as AmendmentState
from enclave.application.review import Criterion, Opinion, State, criteria
from enclave.core.clock import JAPAN
from enclave.core.ids import AmendmentId, ApplicationId
from enclave.core.refusal import Refused
from enclave.core.roles import Role
from enclave.portal import amendments as amending
from enclave.portal.applications import SetShown, facts_of, ports_of, sets_of, timeline
from enclave.portal.catalogue import Notes
from enclave.portal.deps import Deps
from enclave.portal.pages import Pages, go
from enclave.portal.visit import visit_of

JUDGEMENTS = ("met", "doubt", "na")
LONGEST_COMMENT = 4000


def waiting_for(deps: Deps, person: str) -> list[flow.Stored]:
    """Applications on which this member still owes an opinion, oldest first."""
    waiting = ApplicationRecords(deps.records).in_states(State.SUBMITTED, State.UNDER_REVIEW)
    return [s for s in reversed(waiting) if not _party(s, person) and _owed(s, person)]


def _party(stored: flow.Stored, person: str) -> bool:
    return person == stored.applicant or person in stored.draft.members


def _owed(stored: flow.Stored, person: str) -> list[str]:
    given = {s.database for s in stored.sheets if s.reviewer == person}
    return [d for d in dict.fromkeys(c.split(".")[0] for c in stored.draft.columns) if d not in given]


def _not_waiting(deps: Deps, person: str, waiting: set[AmendmentId]) -> list[Stored]:
    """Amendments that do not wait for this member and that they may read, newest first."""
    found = AmendmentRecords(deps.records).in_states(
        *(s for s in AmendmentState if s is not AmendmentState.WITHDRAWN)
    )
    return [a for a in found if a.id not in waiting and not amending.party(deps, a, person)]


def routes(deps: Deps, pages: Pages) -> APIRouter:
    router = APIRouter()
    ports = ports_of(deps)
    applications = ApplicationRecords(deps.records)

    @router.get("/reviews")
    def queue(request: Request) -> Response:
        visit = visit_of(request)
        person = visit.required(Role.COMMITTEE)
        waiting = waiting_for(deps, person.id)
        amendments = amending.waiting_for(deps, person.id)
        ids = {s.id for s in waiting}
        others = applications.in_states(State.SUBMITTED, State.UNDER_REVIEW, State.APPROVED, State.REFUSED)
        return pages.show(
            visit,
            "reviews.html",
            visit.say("審査", "Reviews"),
            waiting=waiting,
            others=[s for s in others if s.id not in ids],
            own={s.id for s in others if _party(s, person.id)},
            amendments=amendments,
            decided=_not_waiting(deps, person.id, {s.id for s in amendments}),
        )

    @router.get("/reviews/{application}")
    def sheet(request: Request, application: str) -> Response:
        return page(request, application, {}, None)

    def page(request: Request, application: str, typed: dict[str, str], refused: Refused | None) -> Response:
        visit = visit_of(request)
        person = visit.required(Role.COMMITTEE)
        stored = applications.stored(ApplicationId(application))
        if stored.state in {State.DRAFT, State.WITHDRAWN}:
            raise Refused("application.unknown")
        if _party(stored, person.id):
            raise Refused("application.own")
        databases = list(dict.fromkeys(c.split(".")[0] for c in stored.draft.columns))
        given: dict[str, list[dict[str, Any]]] = {d: [] for d in databases}
        for one in stored.sheets:
            reviewer = find_person(deps.records, one.reviewer)
            given.setdefault(one.database, []).append(
                {
                    "name": reviewer.name(visit.language) if reviewer else one.reviewer,
                    "mine": one.reviewer == person.id,
                    "opinion": one.opinion.value,
                    "at": one.given_at,
                    **_comment(deps, one.comment),
                }
            )
        said = pages.problem(visit, refused) if refused else None
        facts = facts_of(deps, stored)
        return pages.show(
            visit,
            "review.html",
            visit.say("審査票", "Opinion sheet"),
            status=int(said["status"]) if said else 200,
            **facts,
            databases=databases,
            given=given,
            open=stored.state in {State.SUBMITTED, State.UNDER_REVIEW},
            notes=Notes([]),
            criteria={d: _criteria(facts["sets"], d) for d in databases},
            judgements=JUDGEMENTS,
            typed=typed,
            said=said,
            permit_id=applications.permit_of(stored.id),
            timeline=timeline(visit, stored),
        )

    @router.post("/reviews/{application}/opinions")
    def opine(request: Request, application: str) -> Response:
        visit = visit_of(request)
        person = visit.required(Role.COMMITTEE)
        form = visit.form
        typed = dict(form.fields)
        database = form.text("database")
        try:
            if form.text("opinion") not in {o.value for o in Opinion}:
                raise Refused("application.opinion_missing")
            if len(form.text("comment")) > LONGEST_COMMENT:
                raise Refused("application.text_too_long", {"limit": LONGEST_COMMENT})
            opinion = Opinion(form.text("opinion"))
            stored = applications.stored(ApplicationId(application))
            judged = {
                c.id: form.text(f"criterion.{c.id}")
                for c in _criteria(sets_of(stored, deps.now().astimezone(JAPAN).date()), database)
                if form.text(f"criterion.{c.id}") in JUDGEMENTS
            }
            text = json.dumps(
                {"comment": form.text("comment").strip(), "criteria": judged}, ensure_ascii=False
            )
            flow.opine(
                ports,
                flow.Reviewer(person.id, person.roles),
                ApplicationId(application),
                database,
                opinion,
                comment=text,
            )
        except Refused as refused:
            if refused.code in {"application.opinion_given", "application.state"} and _same_opinion(
                applications, application, database, person.id, form.text("opinion")
            ):
                return go(f"/reviews/{application}")
            if refused.code in {"application.unknown", "application.own", "session.role_missing"}:
                raise
            return page(request, application, typed, refused)
        return go(f"/reviews/{application}")

    return router


def _same_opinion(
    applications: ApplicationRecords, application: str, database: str, person: str, opinion: str
) -> bool:
    """Whether the form was only sent twice."""
    sheets = applications.stored(ApplicationId(application)).sheets
    return any(s.database == database and s.reviewer == person and s.opinion.value == opinion for s in sheets)


def _criteria(sets: Mapping[str, SetShown], database: str) -> tuple[Criterion, ...]:
    """The lines of the sheet on a database: those of its data set, where it has several."""
    return criteria(sets[database].row.least_need if database in sets else True)


def _comment(deps: Deps, digest: str | None) -> dict[str, Any]:
    text = deps.records.text(digest) if digest else None
    if text is None:
        return {"comment": None, "criteria": {}}
    kept = json.loads(text)
    return {"comment": kept.get("comment", ""), "criteria": kept.get("criteria", {})}
