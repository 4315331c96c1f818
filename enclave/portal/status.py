"""How the parts stand, for whoever keeps the system running: answers or silence, nothing else."""

from collections.abc import Callable

from fastapi import APIRouter, Request
from starlette.responses import Response

from enclave.core.refusal import Refused
from enclave.core.roles import Role
from enclave.portal.deps import Deps
from enclave.portal.pages import Pages
from enclave.portal.visit import visit_of


def routes(deps: Deps, pages: Pages) -> APIRouter:
    router = APIRouter()

    def ask(question: Callable[[], object]) -> str | None:
        """None where the part answers, else its code."""
        try:
            question()
        except Refused as refused:
            return refused.code
        return None

    @router.get("/status")
    def status(request: Request) -> Response:
        visit = visit_of(request)
        person = visit.required(Role.OPERATOR, Role.CUSTODIAN)
        parts = [
            (visit.say("記録台帳", "Ledger"), ask(deps.ledger.ping)),
            (
                visit.say("方針の判定", "Policy server"),
                ask(lambda: deps.policy.decide("enclave/review/decision", {})),
            ),
            (visit.say("ログインとワークスペース", "Hub"), ask(lambda: deps.hub.servers(person.id))),
            (visit.say("記録データベース", "Records"), ask(deps.records.flush)),
        ]
        return pages.show(
            visit,
            "status.html",
            visit.say("稼働状況", "Status"),
            parts_of_site=parts,
            databases=list(deps.catalogue().values()),
        )

    return router
