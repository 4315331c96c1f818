"""The first page after log-in: for each role, what there is to do next."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from starlette.responses import Response

from enclave.adapters.application_records import ApplicationRecords
from enclave.adapters.export_records import exports_of, queue_for
from enclave.adapters.permit_records import permit_by_id, permits_of_handler
from enclave.adapters.person_records import Person
from enclave.application.review import State
from enclave.core.refusal import Refused
from enclave.core.roles import Role
from enclave.export.review import State as ExportState
from enclave.portal.amendments import waiting_for as amendments_for
from enclave.portal.deps import Deps
from enclave.portal.extracts import extract_of
from enclave.portal.pages import Pages
from enclave.portal.permits import standing
from enclave.portal.projects import ending
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


Found = Iterator[tuple[str, str, str]]
"""(kind of WORDS, the line about it, where)."""

WORDS: dict[str, tuple[str, str, str, str]] = {
    "draft": ("申出の下書きを仕上げる", "Finish your draft application", "続きを書く", "Continue"),
    "released": ("公表できる成果物を受け取る", "Collect a released output", "受け取る", "Collect"),
    "turned_back": (
        "差し戻された成果物を直す",
        "Mend an output that was turned back",
        "理由を見る",
        "See why",
    ),
    "review": ("申出を審査する", "Review an application", "審査票を開く", "Open the sheet"),
    "amendment": ("変更申出を審査する", "Review an amendment", "審査票を開く", "Open the sheet"),
    "check": ("公表物を確認する", "Check an output", "確認する", "Check"),
    "extract": ("抽出データを作成する", "Build an extract", "手順を見る", "See how"),
}
"""What a thing to do is called, and what its button says: Japanese, English of each."""

EXPORTS = {
    ExportState.RELEASED: "released",
    ExportState.RETURNED: "turned_back",
    ExportState.REJECTED: "turned_back",
}
"""Decided exports that their researcher has something to do about."""


def page(deps: Deps, pages: Pages, visit: Visit, person: Person) -> Response:
    tasks = [
        Task(visit.say(*WORDS[kind][:2]), about, path, visit.say(*WORDS[kind][2:]), role)
        for role, find, most in TASKS
        if role in person.roles
        for kind, about, path in islice(find(deps, visit, person), most)
    ]
    projects = [s.permit for s in permits_of_handler(deps.records, person.id, deps.trusted())]
    ended = [no for permit in projects if (no := ending(deps, person.id, permit)) is not None]
    return pages.show(
        visit,
        "home.html",
        visit.say(f"{person.name_ja} さん", f"Welcome, {person.name_en}"),
        tasks=tasks,
        projects=[(p, standing(p, deps), extract_of(deps.site, p)) for p in projects],
        ended=[pages.problem(visit, no) for no in ended],
    )


def _researcher(deps: Deps, visit: Visit, person: Person) -> Found:
    for stored in ApplicationRecords(deps.records).of_applicant(person.id):
        if stored.state is State.DRAFT:
            title = stored.draft.text("title") or visit.say("題名のない下書き", "Draft without a title")
            yield "draft", title, f"/applications/{stored.id}/edit"
    later: set[tuple[str, str]] = set()
    for export in exports_of(deps.records, person=person.id):
        superseded = (export.project, export.output) in later
        later.add((export.project, export.output))
        if superseded or deps.now() - export.submitted_at > STILL_NEWS or export.state not in EXPORTS:
            continue
        about = f"{export.project} / {export.output} · {', '.join(export.files)}"
        yield EXPORTS[export.state], about, f"/projects/{export.project}/exports/{export.id}"


def _committee(deps: Deps, _visit: Visit, person: Person) -> Found:
    for sheet in waiting_for(deps, person.id):
        yield "review", f"{sheet.draft.text('project')} · {sheet.draft.text('title')}", f"/reviews/{sheet.id}"
    for amendment in amendments_for(deps, person.id):
        yield "amendment", amendment.project, f"/reviews/amendments/{amendment.id}"


def _checker(deps: Deps, _visit: Visit, person: Person) -> Found:
    for queued in queue_for(deps.records, deps.trusted(), person.id):
        if not queued.voted:
            export = queued.export
            about = f"{export.project} / {export.output} · {', '.join(export.files)}"
            yield "check", about, f"/checks/{export.id}"


def _custodian(deps: Deps, _visit: Visit, _person: Person) -> Found:
    for number in ApplicationRecords(deps.records).permit_ids():
        try:
            permit = permit_by_id(deps.records, number, deps.trusted()).permit
        except Refused:
            continue
        if standing(permit, deps) != "expired" and extract_of(deps.site, permit) is None:
            yield "extract", f"{permit.permit_id} · {permit.project}", f"/permits/{permit.permit_id}"


TASKS: tuple[tuple[Role, Callable[[Deps, Visit, Person], Found], int | None], ...] = (
    (Role.RESEARCHER, _researcher, 8),
    (Role.COMMITTEE, _committee, None),
    (Role.CHECKER, _checker, None),
    (Role.CUSTODIAN, _custodian, None),
)
"""Who has things to do, in the order in which they are shown, and how many at most: nobody waits for a researcher's own."""
