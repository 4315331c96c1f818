"""The permit's page: what it grants in words, the signed envelope itself, and where its extract stands."""

import json

from fastapi import APIRouter, Request
from starlette.responses import Response

from enclave.adapters.application_records import ApplicationRecords
from enclave.adapters.permit_records import SignedPermit, permit_by_id, revisions_of
from enclave.adapters.person_records import Person, find_person
from enclave.catalogue.facts import DataSet
from enclave.catalogue.packaged import dossiers
from enclave.core.clock import JAPAN
from enclave.core.ids import DatabaseId
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.core.roles import Role
from enclave.portal.deps import Deps
from enclave.portal.extracts import extract_of
from enclave.portal.pages import Pages
from enclave.portal.visit import visit_of

OFFICES = frozenset({Role.COMMITTEE, Role.CUSTODIAN, Role.AUDITOR, Role.OPERATOR})
"""Roles that may read every permit; researchers read those that name them."""


def standing(permit: Permit, deps: Deps) -> str:
    """`in_force`, `not_yet` or `expired`."""
    try:
        permit.check_in_force(deps.now())
    except Refused as refused:
        return "not_yet" if refused.code == "permit.not_yet_valid" else "expired"
    return "in_force"


def readable(deps: Deps, permit_id: str, person: Person) -> SignedPermit:
    """The permit, if this person may read it; otherwise there is no such permit."""
    signed = permit_by_id(deps.records, permit_id, deps.trusted())
    if person.id not in signed.permit.handlers and not person.roles & OFFICES:
        raise Refused("permit.unknown")
    return signed


def _known(database: DatabaseId, set_: str, permit: Permit) -> DataSet | None:
    """What the catalogue knows of a granted set; a permit that came from elsewhere may name another."""
    day = permit.valid_from.astimezone(JAPAN).date()
    return dossiers()[database].dataset(set_, day) if database in dossiers() else None


def routes(deps: Deps, pages: Pages) -> APIRouter:
    router = APIRouter()
    applications = ApplicationRecords(deps.records)

    @router.get("/permits")
    def everything(request: Request) -> Response:
        visit = visit_of(request)
        visit.required(*OFFICES)
        rows: list[dict[str, object]] = []
        for number in applications.permit_ids():
            try:
                permit = permit_by_id(deps.records, number, deps.trusted()).permit
            except Refused as refused:
                rows.append({"number": number, "refused": pages.problem(visit, refused)})
                continue
            rows.append(
                {
                    "number": number,
                    "refused": None,
                    "permit": permit,
                    "standing": standing(permit, deps),
                    "extract": extract_of(deps.site, permit),
                }
            )
        return pages.show(visit, "permits.html", visit.say("承諾と抽出", "Permits and extracts"), rows=rows)

    @router.get("/permits/{permit_id}")
    def one(request: Request, permit_id: str) -> Response:
        visit = visit_of(request)
        person = visit.required()
        signed = readable(deps, permit_id, person)
        permit = signed.permit
        people = [(p, find_person(deps.records, p)) for p in permit.handlers]
        return pages.show(
            visit,
            "permit.html",
            visit.say(f"承諾証 {permit.permit_id}", f"Permit {permit.permit_id}"),
            permit=permit,
            standing=standing(permit, deps),
            revisions=[(one.permit, at) for one, at in revisions_of(deps.records, permit_id, deps.trusted())],
            people=people,
            catalogue={str(k): v for k, v in deps.catalogue().items()},
            sets=[(name, one, _known(name, one.id, permit)) for name, one in permit.data_sets.items()],
            extract=extract_of(deps.site, permit),
            # Sizes of an aggregate-tier extract are themselves answers; only its keepers see them.
            counts=permit.tier.value == "record" or bool(person.roles & {Role.CUSTODIAN, Role.OPERATOR}),
            raw=json.dumps(permit.to_json(), ensure_ascii=False, indent=2),
            keyids=[s["keyid"] for s in signed.envelope["signatures"]],
            signatures=[s["sig"] for s in signed.envelope["signatures"]],
        )

    @router.get("/permits/{permit_id}/envelope.json")
    def envelope(request: Request, permit_id: str) -> Response:
        visit = visit_of(request)
        signed = readable(deps, permit_id, visit.required())
        return Response(
            json.dumps(dict(signed.envelope), indent=2) + "\n",
            media_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{signed.permit.reference}.json"'},
        )

    return router
