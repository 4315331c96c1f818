"""The first page after log-in: for each role, what there is to do next."""

from dataclasses import dataclass
from datetime import timedelta

from fastapi import APIRouter
from starlette.responses import Response

from enclave.adapters.application_records import ApplicationRecords
from enclave.adapters.export_records import exports_of, queue_for
from enclave.adapters.permit_records import permit_by_id, permits_of_handler
from enclave.adapters.person_records import Person
from enclave.application.review import State
from enclave.core.refusal import Refused
from enclave.core.roles import Role
from enclave.portal.deps import Deps
from enclave.portal.extracts import extract_of
from enclave.portal.pages import Pages
from enclave.portal.permits import standing
from enclave.portal.reviews import waiting_for
from enclave.portal.visit import Visit

STILL_NEWS = timedelta(days=30)
"""How long a decided export stays among the things to do; a later one for the same output takes its place."""


@dataclass(frozen=True)
class Task:
    """One thing to do: what, a line about it, where, and the words on its button."""

    title: str
    about: str
    path: str
    verb: str
    role: Role


def routes(_deps: Deps, _pages: Pages) -> APIRouter:
    """The page lies at `/`, which `front` shares between the public and whoever is logged in."""
    return APIRouter()


def page(deps: Deps, pages: Pages, visit: Visit, person: Person) -> Response:
    tasks: list[Task] = []
    if Role.RESEARCHER in person.roles:
        tasks += _researcher(deps, visit, person)
    if Role.COMMITTEE in person.roles:
        tasks += _committee(deps, visit, person)
    if Role.CHECKER in person.roles:
        tasks += _checker(deps, visit, person)
    if Role.CUSTODIAN in person.roles:
        tasks += _custodian(deps, visit)
    projects = [s.permit for s in permits_of_handler(deps.records, person.id, deps.trusted())]
    return pages.show(
        visit,
        "home.html",
        visit.say(f"{person.name_ja} さん", f"Welcome, {person.name_en}"),
        tasks=tasks,
        projects=[(p, standing(p, deps), extract_of(deps.site, p)) for p in projects],
    )


def _researcher(deps: Deps, visit: Visit, person: Person) -> list[Task]:
    tasks = []
    for stored in ApplicationRecords(deps.records).of_applicant(person.id):
        if stored.state is State.DRAFT:
            title = stored.draft.text("title") or visit.say("題名のない下書き", "Draft without a title")
            tasks.append(
                Task(
                    visit.say("申出の下書きを仕上げる", "Finish your draft application"),
                    title,
                    f"/applications/{stored.id}/edit",
                    visit.say("続きを書く", "Continue"),
                    Role.RESEARCHER,
                )
            )
    later: set[tuple[str, str]] = set()
    for export in exports_of(deps.records, person=person.id):
        superseded = (export.project, export.output) in later
        later.add((export.project, export.output))
        if superseded or deps.now() - export.submitted_at > STILL_NEWS:
            continue
        path = f"/projects/{export.project}/exports/{export.id}"
        if export.state.value == "released":
            tasks.append(
                Task(
                    visit.say("公表できる成果物を受け取る", "Collect a released output"),
                    f"{export.project} / {export.output} · {', '.join(export.files)}",
                    path,
                    visit.say("受け取る", "Collect"),
                    Role.RESEARCHER,
                )
            )
        elif export.state.value in {"returned", "rejected"}:
            tasks.append(
                Task(
                    visit.say("差し戻された成果物を直す", "Mend an output that was turned back"),
                    f"{export.project} / {export.output} · {', '.join(export.files)}",
                    path,
                    visit.say("理由を見る", "See why"),
                    Role.RESEARCHER,
                )
            )
    return tasks[:8]


def _committee(deps: Deps, visit: Visit, person: Person) -> list[Task]:
    return [
        Task(
            visit.say("申出を審査する", "Review an application"),
            f"{s.draft.text('project')} · {s.draft.text('title')}",
            f"/reviews/{s.id}",
            visit.say("審査票を開く", "Open the sheet"),
            Role.COMMITTEE,
        )
        for s in waiting_for(deps, person.id)
    ]


def _checker(deps: Deps, visit: Visit, person: Person) -> list[Task]:
    return [
        Task(
            visit.say("公表物を確認する", "Check an output"),
            f"{q.export.project} / {q.export.output} · {', '.join(q.export.files)}",
            f"/checks/{q.export.id}",
            visit.say("確認する", "Check"),
            Role.CHECKER,
        )
        for q in queue_for(deps.records, deps.trusted(), person.id)
        if not q.voted
    ]


def _custodian(deps: Deps, visit: Visit) -> list[Task]:
    tasks = []
    for number in ApplicationRecords(deps.records).permit_ids():
        try:
            permit = permit_by_id(deps.records, number, deps.trusted()).permit
        except Refused:
            continue
        if standing(permit, deps) != "expired" and extract_of(deps.site, permit) is None:
            tasks.append(
                Task(
                    visit.say("抽出データを作成する", "Build an extract"),
                    f"{permit.permit_id} · {permit.project}",
                    f"/permits/{permit.permit_id}",
                    visit.say("手順を見る", "See how"),
                    Role.CUSTODIAN,
                )
            )
    return tasks
