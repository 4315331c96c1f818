"""The auditor's pages: the log, filtered; its newest checkpoint, and how to verify it away from here."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from enclave.audit.ledger import Sought
from enclave.core.clock import JAPAN, parse_rfc3339
from enclave.core.refusal import Refused
from enclave.core.roles import Role
from enclave.portal.deps import Deps
from enclave.portal.pages import Pages
from enclave.portal.visit import visit_of

PAGE = 100


@dataclass(frozen=True)
class Line:
    """One leaf for the table: its place, its time, and the leaf as the log holds it."""

    index: int
    time: datetime
    leaf: Any


def _moment(text: str, *, after: bool = False) -> datetime | None:
    """A day or a minute as people in Japan write it; a day as an upper bound means its end."""
    text = text.strip().replace("T", " ").replace("/", "-")
    if not text:
        return None
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"):
        try:
            moment = datetime.strptime(text, form).replace(tzinfo=JAPAN)
            # Asked here, since the first and last years of the calendar have no UTC of their own.
            moment.astimezone(UTC)
            return moment + timedelta(days=1) if after and form == "%Y-%m-%d" else moment
        except OverflowError:
            break
        except ValueError:
            continue
    raise Refused("audit.search_time")


def routes(deps: Deps, pages: Pages) -> APIRouter:
    router = APIRouter()

    @router.get("/log")
    def search(request: Request) -> Response:
        visit = visit_of(request)
        visit.required(Role.AUDITOR)
        asked = {name: request.query_params.get(name, "").strip()[:128] for name in FILTERS}
        said, lines, size, more = None, [], 0, None
        try:
            before = asked["before"]
            found = deps.ledger.search(
                Sought(
                    project=asked["project"] or None,
                    person=asked["person"] or None,
                    action=asked["action"] or None,
                    permit=asked["permit"] or None,
                    since=_moment(asked["since"]),
                    until=_moment(asked["until"], after=True),
                    before=int(before) if before.isascii() and before.isdigit() else None,
                    limit=PAGE,
                )
            )
            lines = [Line(e.index, parse_rfc3339(str(e.leaf["time"])), e.leaf) for e in found.entries]
            size = found.size
            more = lines[-1].index if len(lines) == PAGE and lines[-1].index > 0 else None
        except Refused as refused:
            said = pages.problem(visit, refused)
        return pages.show(
            visit,
            "log.html",
            visit.say("記録台帳", "The log"),
            status=int(said["status"]) if said else 200,
            asked=asked,
            lines=lines,
            log_size=size,
            more=more,
            said=said,
        )

    @router.get("/log/checkpoint")
    def checkpoint(request: Request) -> Response:
        visit = visit_of(request)
        visit.required(Role.AUDITOR)
        note = deps.ledger.checkpoint()
        key = deps.site.log / "verifier.key"
        return pages.show(
            visit,
            "checkpoint.html",
            visit.say("チェックポイントと検証", "Checkpoint and verification"),
            note=note,
            verifier=key.read_text().strip() if key.exists() else None,
        )

    @router.get("/log/checkpoint.txt")
    def checkpoint_file(request: Request) -> Response:
        visit_of(request).required(Role.AUDITOR)
        return PlainTextResponse(
            deps.ledger.checkpoint(), headers={"Content-Disposition": 'attachment; filename="checkpoint"'}
        )

    return router


FILTERS = ("project", "person", "action", "permit", "since", "until", "before")
"""Fields of the search, as in the address of its page."""
