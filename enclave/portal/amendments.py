"""Amendments of a running permit: a handler's form and its page, the committee's opinion on it, and today's budget.

What was typed is shown again whatever the reason of a no. Opinions are read by the handlers once it is decided, without
names: the committee speaks as one.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from enclave.adapters import edge
from enclave.adapters.amendment_records import AmendmentRecords
from enclave.adapters.permit_records import permit_of_project
from enclave.adapters.person_records import find_person
from enclave.adapters.query_records import busiest, used_today
from enclave.adapters.signing import sign_permit
from enclave.application import amending, amendment
from enclave.application.amending import Stored
from enclave.application.amendment import MEASURES, OPEN, Bound, Measure, Step, possible, spoken
from enclave.application.flow import Reviewer
from enclave.application.request import Problem
from enclave.application.review import Opinion
from enclave.core.ids import AmendmentId, PersonId
from enclave.core.permit import Limits, Permit
from enclave.core.refusal import Refused
from enclave.core.roles import Role
from enclave.portal.applications import ID
from enclave.portal.deps import Deps
from enclave.portal.pages import Pages, go
from enclave.portal.visit import Visit, visit_of
from enclave.query.stages import Used

LONGEST_COMMENT = 4000

LOOKED_BACK = timedelta(days=30)
"""The days of which the committee sees the busiest."""


@dataclass(frozen=True)
class Spending:
    """One daily limit as people read it: used so far, the limit, what is left. Numbers in the measure's unit."""

    measure: Measure
    used: str
    limit: str
    left: str
    spent: bool


@dataclass(frozen=True)
class Raise:
    """One limit of an amendment: what it was, what is asked for, how far it could go, and the most of it that was used on one
    of the last days (both for the committee only)."""

    measure: Measure
    now: str
    asked: str
    larger: bool
    most: str = ""
    busiest: str = ""


def ports_of(deps: Deps) -> amending.Ports:
    """The machines of the amendment's story."""
    return amending.Ports(
        amendments=AmendmentRecords(deps.records),
        policy=deps.policy,
        latest=lambda project: permit_of_project(deps.records, project, deps.trusted()).permit,
        sign=lambda permit: sign_permit(permit, deps.signing_key),
        event=edge.event,
        keep_text=deps.records.keep_text,
        now=deps.now,
    )


def spending(deps: Deps, permit: Permit) -> list[Spending]:
    """The project's budget of today, without limits that the permit does not set."""
    spent = _by_limit(used_today(deps.records, permit.project, deps.now()))
    limits: Mapping[str, int | None] = asdict(permit.limits)
    return [
        Spending(
            m,
            _rounded(m, spent[m.name]),
            spoken(m, limit),
            _rounded(m, max(limit - spent[m.name], 0)),
            spent[m.name] >= limit,
        )
        for m in MEASURES
        if (limit := limits[m.name]) is not None
    ]


def _by_limit(used: Used) -> dict[str, int]:
    return {"queries_day": used.queries, "rows_day": used.rows, "bytes_day": used.bytes}


def _rounded(measure: Measure, value: int) -> str:
    """To three decimals of the unit: what was used is counted to the byte, and read by people."""
    return f"{value / measure.size:,.3f}".rstrip("0").rstrip(".") if measure.size > 1 else f"{value:,}"


def raises(
    change: amendment.Change, before: Limits, bounds: Mapping[str, Bound], busiest: Used | None = None
) -> list[Raise]:
    """The limits of an amendment beside those that it changes."""
    asked, now = asdict(change.limits), asdict(before)
    used = _by_limit(busiest) if busiest is not None else {}
    return [
        Raise(
            m,
            spoken(m, now[m.name]),
            spoken(m, asked[m.name]),
            asked[m.name] > now[m.name],
            spoken(m, bounds[m.name].most) if m.name in bounds else "",
            _rounded(m, used[m.name]) if m.name in used else "",
        )
        for m in MEASURES
        if asked[m.name] is not None and now[m.name] is not None
    ]


def waiting_for(deps: Deps, person: str) -> list[Stored]:
    """Amendments on which this member still owes an opinion that could count, oldest first."""
    found = []
    for stored in reversed(AmendmentRecords(deps.records).in_states(*OPEN)):
        if any(sheet.reviewer == person for sheet in stored.sheets) or party(deps, stored, person):
            continue
        try:
            permit = permit_of_project(deps.records, stored.project, deps.trusted()).permit
            permit.check_in_force(deps.now())
        except Refused:
            continue
        if permit.reference == stored.reference:
            found.append(stored)
    return found


def party(deps: Deps, stored: Stored, person: str) -> bool:
    """Whether a person has to do with the project whose permit is to be amended."""
    founder = AmendmentRecords(deps.records).founder(stored.permit_id)
    try:
        handlers: Sequence[str] = permit_of_project(
            deps.records, stored.project, deps.trusted()
        ).permit.handlers
    except Refused:
        handlers = ()
    return person in {stored.applicant, founder, *handlers}


def timeline(visit: Visit, stored: Stored) -> list[tuple[str, str, Any]]:
    """(state of the step, what, when) for the line of the amendment's life."""
    steps: list[tuple[str, str, Any]] = [("done", visit.say("提出", "Submitted"), stored.submitted_at)]
    match stored.state:
        case amendment.State.SUBMITTED | amendment.State.UNDER_REVIEW:
            given = len(stored.sheets)
            steps += [
                (
                    "now",
                    visit.say(
                        f"専門委員会が審査中（意見 {given} 件）",
                        f"In review by the committee (opinions given: {given})",
                    ),
                    None,
                ),
                ("ahead", visit.say("承諾", "Decision"), None),
            ]
        case amendment.State.APPROVED:
            steps.append(
                (
                    "done",
                    visit.say(
                        f"承諾。承諾証 {stored.permit_id}@{stored.brought} に署名",
                        f"Approved; the permit {stored.permit_id}@{stored.brought} is signed",
                    ),
                    stored.decided_at,
                )
            )
        case amendment.State.REFUSED:
            steps.append(("stop", visit.say("不承諾", "Refused"), stored.decided_at))
        case amendment.State.WITHDRAWN:
            steps.append(("stop", visit.say("取下げ", "Withdrawn"), None))
    return steps


def routes(deps: Deps, pages: Pages) -> APIRouter:
    router = APIRouter()
    ports = ports_of(deps)
    amendments = AmendmentRecords(deps.records)

    def permit_for(project: str, person: str) -> Permit:
        permit = ports.latest(project)
        if person not in permit.handlers:
            raise Refused("permit.unknown")
        return permit

    def of_project(project: str, amendment_id: str) -> Stored:
        stored = amendments.stored(AmendmentId(amendment_id))
        if stored.project != project:
            raise Refused("amendment.unknown")
        return stored

    def form_page(
        visit: Visit,
        permit: Permit,
        amendment_id: str,
        *,
        typed: Mapping[str, str],
        reason: str = "",
        problems: Sequence[Problem] = (),
        refused: Refused | None = None,
    ) -> Response:
        person = visit.required()
        bounds: Mapping[str, Bound] = {}
        stops: Refused | None = None
        try:
            codes, bounds = amending.look(ports, person.id, permit.project)
            stops = Refused(codes[0], _span(permit), codes) if codes else None
        except Refused as silent:
            # A silent policy server must not cost anyone what they typed; submitting will say that it is silent.
            refused = refused or silent
        shown = refused or stops
        said = pages.problem(visit, shown) if shown else None
        sentences: dict[str, list[dict[str, str]]] = {}
        for problem in problems:
            title = pages.problem(visit, Refused(problem.code, problem.facts))["title"]
            sentences.setdefault(problem.field, []).append({"code": problem.code, "title": str(title)})
        present = amendment.typed_of(permit.limits)
        return pages.show(
            visit,
            "amendment_form.html",
            visit.say("上限の変更申出", "Apply for a larger budget"),
            status=int(said["status"]) if said else 200,
            permit=permit,
            amendment=amendment_id,
            offered=stops is None or bool(problems) or refused is not None,
            measures=[m for m in MEASURES if m.name in present],
            present=present,
            typed={**present, **typed},
            reason=reason,
            bounds={
                m.name: (spoken(m, bounds[m.name].most), bounds[m.name].reason(visit.language))
                for m in MEASURES
                if m.name in bounds
            },
            problems=sentences,
            said=said,
        )

    @router.get("/projects/{project}/amendments/new")
    def new(request: Request, project: str) -> Response:
        visit = visit_of(request)
        permit = permit_for(project, visit.required().id)
        return form_page(visit, permit, edge.new_id(), typed={})

    @router.post("/projects/{project}/amendments/{amendment_id}")
    def submit(request: Request, project: str, amendment_id: str) -> Response:
        """Submit. Sent twice, it has happened once."""
        visit = visit_of(request)
        person = visit.required()
        permit = permit_for(project, person.id)
        if not ID.fullmatch(amendment_id):
            raise Refused("amendment.unknown")
        id_, here = AmendmentId(amendment_id), f"/projects/{project}/amendments/{amendment_id}"
        if amendments.exists(id_):
            of_project(project, amendment_id)
            return go(here)
        typed = {m.name: visit.form.text(m.name).strip()[:40] for m in MEASURES}
        reason = visit.form.text("reason")
        try:
            stored, problems = amending.submit(ports, person.id, id_, project, typed, reason)
        except Refused as refused:
            if amendments.exists(id_):
                return go(here)
            facts = {**_span(permit), **refused.facts}
            no = Refused(refused.code, facts, refused.codes)
            return form_page(visit, permit, amendment_id, typed=typed, reason=reason, refused=no)
        if stored is None:
            no = Refused("amendment.incomplete")
            return form_page(
                visit, permit, amendment_id, typed=typed, reason=reason, problems=problems, refused=no
            )
        return go(here)

    @router.get("/projects/{project}/amendments/{amendment_id}")
    def one(request: Request, project: str, amendment_id: str) -> Response:
        """For the project's handlers and the auditors."""
        visit = visit_of(request)
        person = visit.required()
        stored = of_project(project, amendment_id)
        if Role.AUDITOR not in person.roles and person.id != stored.applicant:
            permit_for(project, person.id)
        return pages.show(
            visit,
            "amendment.html",
            visit.say("上限の変更申出", "Larger budget"),
            **facts_of(stored),
            mine=person.id == stored.applicant,
            may_withdraw=possible(stored.state, Step.WITHDRAW),
            opinions=[] if stored.state in OPEN else opinions_of(visit, stored),
            timeline=timeline(visit, stored),
        )

    @router.post("/projects/{project}/amendments/{amendment_id}/withdraw")
    def withdraw(request: Request, project: str, amendment_id: str) -> Response:
        visit = visit_of(request)
        person = visit.required()
        of_project(project, amendment_id)
        amending.withdraw(ports, person.id, AmendmentId(amendment_id))
        return go(f"/projects/{project}/amendments/{amendment_id}")

    def facts_of(
        stored: Stored, bounds: Mapping[str, Bound] | None = None, used: Used | None = None
    ) -> dict[str, Any]:
        # What it amended stands in the records as it was signed, whatever the permit says today.
        before = amendments.limits_before(stored)
        text = deps.records.text(stored.reason)
        return {
            "stored": stored,
            "raises": raises(stored.change, before, bounds or {}, used),
            "reason": None if text is None else str(json.loads(text)["reason"]),
            "applicant": find_person(deps.records, stored.applicant),
        }

    def opinions_of(visit: Visit, stored: Stored, person: PersonId | None = None) -> list[dict[str, Any]]:
        found = []
        for sheet in stored.sheets:
            reviewer = find_person(deps.records, sheet.reviewer)
            found.append(
                {
                    "name": reviewer.name(visit.language) if reviewer else sheet.reviewer,
                    "mine": sheet.reviewer == person,
                    "opinion": sheet.opinion.value,
                    "at": sheet.given_at,
                    "comment": deps.records.text(sheet.comment) if sheet.comment else None,
                }
            )
        return found

    # -- the committee --------------------------------------------------------------------------
    def sheet_page(visit: Visit, amendment_id: str, comment: str, refused: Refused | None) -> Response:
        person = visit.required(Role.COMMITTEE)
        stored = amendments.stored(AmendmentId(amendment_id))
        if party(deps, stored, person.id):
            raise Refused("amendment.own")
        open_ = stored.state in OPEN and amendment_id in {s.id for s in waiting_for(deps, person.id)}
        said = pages.problem(visit, refused) if refused else None
        bounds: Mapping[str, Bound] = {}
        try:
            bounds = amending.look(ports, stored.applicant, stored.project)[1]
        except Refused as silent:
            said = said or pages.problem(visit, silent)
        return pages.show(
            visit,
            "amendment_review.html",
            visit.say("変更申出の審査", "Review of an amendment"),
            status=int(said["status"]) if refused and said else 200,
            **facts_of(stored, bounds, busiest(deps.records, stored.project, deps.now() - LOOKED_BACK)),
            open=open_,
            opinions=opinions_of(visit, stored, person.id),
            comment=comment,
            typed_opinion=visit.form.text("opinion"),
            said=said,
            timeline=timeline(visit, stored),
        )

    @router.get("/reviews/amendments/{amendment_id}")
    def sheet(request: Request, amendment_id: str) -> Response:
        return sheet_page(visit_of(request), amendment_id, "", None)

    @router.post("/reviews/amendments/{amendment_id}/opinions")
    def opine(request: Request, amendment_id: str) -> Response:
        visit = visit_of(request)
        person = visit.required(Role.COMMITTEE)
        typed, comment = visit.form.text("opinion"), visit.form.text("comment")
        id_ = AmendmentId(amendment_id)
        try:
            if typed not in {o.value for o in Opinion}:
                raise Refused("amendment.opinion_missing")
            if len(comment) > LONGEST_COMMENT:
                raise Refused("application.text_too_long", {"limit": LONGEST_COMMENT})
            amending.opine(
                ports, Reviewer(person.id, person.roles), id_, Opinion(typed), comment=comment.strip()
            )
        except Refused as refused:
            if refused.code in {"amendment.opinion_given", "amendment.state"} and any(
                s.reviewer == person.id and s.opinion.value == typed for s in amendments.stored(id_).sheets
            ):
                # The form was only sent twice.
                return go(f"/reviews/amendments/{amendment_id}")
            if refused.code in {"amendment.unknown", "amendment.own", "session.role_missing"}:
                raise
            return sheet_page(visit, amendment_id, comment, refused)
        return go(f"/reviews/amendments/{amendment_id}")

    return router


def _span(permit: Permit) -> dict[str, object]:
    made = permit.to_json()
    return {
        "permit": permit.reference,
        "valid_from": made["valid_from"],
        "valid_to": made["valid_to"],
    }
