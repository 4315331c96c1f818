"""Machines that fall silent, permits that changed, rules that do not exist. Every one of them is a no."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from enclave.adapters.custody_client import CustodyClient
from enclave.adapters.policy_server import PolicyServer
from enclave.gateway.door import WORDINGS
from enclave.gateway.extracts import OpenExtracts
from tests.unit.gateway.ground import ROOT, Ground, a_research_permit, serving

COUNT = "SELECT count(*) AS n FROM patients"


def test_without_the_policy_server_nothing_is_answered(ground: Ground, token: str, tmp_path: Path) -> None:
    """A silent policy server is 503, is in the log as a refusal, and no statement ran."""
    with serving(replace(ground.deps, policy=PolicyServer(tmp_path / "nobody.sock"))) as port:
        ground.port = port
        answer = ground.query(token, COUNT)
    assert (answer.status, answer.json()["code"]) == (503, "policy.unavailable")
    assert ground.leaves()[-1]["action"] == "query.refused"


def test_without_custody_no_extract_is_opened(ground: Ground, token: str, tmp_path: Path) -> None:
    silent = CustodyClient(tmp_path / "nobody.sock", "token")
    extracts = OpenExtracts(silent, ground.site.extracts, ground.pool)
    with serving(replace(ground.deps, extracts=extracts)) as port:
        ground.port = port
        answer = ground.query(token, COUNT)
    assert (answer.status, answer.json()["code"]) == (503, "custody.unavailable")


def test_a_permit_whose_extract_is_another_answers_nothing(ground: Ground) -> None:
    """An amendment that takes a column away must not leave it readable in the old extract."""
    databases = {"nafld": {"patients": {"columns": ["pid", "age"]}}}
    permit = a_research_permit(databases=databases, revision=2)
    ground.grant(permit)
    token = ground.session("tanaka", permit)
    assert ground.query(token, COUNT).json()["code"] == "custody.extract_stale"


def test_a_session_of_an_older_revision_has_to_be_opened_again(ground_apart: Ground) -> None:
    """A session keeps the permit it was opened under; a new revision ends what it may do."""
    permit = a_research_permit()
    ground_apart.grant(permit)
    token = ground_apart.session("tanaka", permit)
    ground_apart.grant(a_research_permit(revision=2, purpose="changed"))
    assert ground_apart.query(token, COUNT).json()["code"] == "session.permit_changed"


def test_a_larger_budget_is_taken_up_by_the_workspace_that_runs(ground_apart: Ground) -> None:
    """The same token, the same extract, nothing built or opened anew by hand: what was used stays used, and more is left."""
    permit = a_research_permit(limits={"queries_day": 1})
    ground_apart.grant(permit)
    token = ground_apart.session("tanaka", permit)
    assert ground_apart.query(token, COUNT).status == 200
    assert ground_apart.query(token, COUNT).json()["code"] == "query.budget_queries"
    ground_apart.grant(a_research_permit(revision=2, limits={"queries_day": 4}))
    answer = ground_apart.query(token, COUNT)
    assert answer.status == 200, answer.body
    receipt = ground_apart.settled(token, answer.headers["enclave-query"])["receipt"]
    assert (receipt["permit"], receipt["extract"]) == ("p-2026-0007@2", "v-81c2/1")
    told = ground_apart.ask("GET", "/v1/session", token).json()
    assert (told["permit"], told["left"]["queries_day"]) == ("p-2026-0007@2", 1)


@pytest.mark.parametrize(
    "changed",
    [
        {"purpose": "another"},
        {"tier": "aggregate"},
        {"handlers": ["tanaka"]},
        {"valid_to": "2027-12-31T15:00:00Z"},
        {"checkers": 3},
    ],
)
def test_more_than_limits_is_not_carried(changed: dict[str, Any]) -> None:
    """A session goes on under a later revision of the same permit where nothing but limits differs, and never backwards."""
    first = a_research_permit(limits={"queries_day": 1})
    larger = a_research_permit(revision=2, limits={"queries_day": 9})
    assert larger.carries(first)
    assert not first.carries(larger)
    assert not first.carries(first)
    assert not a_research_permit(revision=2, limits={"queries_day": 9}, **changed).carries(first)


def test_a_revoked_permit_answers_nothing(ground: Ground) -> None:
    permit = a_research_permit()
    ground.grant(permit, revoked=True)
    assert ground.query(ground.session("tanaka", permit), COUNT).json()["code"] == "permit.revoked"


def test_a_permit_of_the_aggregate_tier_shows_no_rows(ground: Ground) -> None:
    permit = a_research_permit(tier="aggregate")
    ground.grant(permit)
    codes = ground.query(ground.session("tanaka", permit), COUNT).json()["codes"]
    assert "query.tier_rows" in codes


def test_a_call_may_narrow_its_tier(ground: Ground, token: str) -> None:
    """Rows are not for the aggregate tier, also where only the call asks for it."""
    assert ground.query(token, COUNT, tier="aggregate").json()["code"] == "query.tier_rows"


@pytest.mark.parametrize("story", ["query", "export", "permit"])
def test_every_denial_of_the_policies_has_words(story: str) -> None:
    text = "".join(p.read_text() for p in (ROOT / "policies" / "enclave" / story).glob("decision.rego"))
    text += "".join(p.read_text() for p in (ROOT / "policies" / "enclave" / story).glob("permit.rego"))
    denied = set(re.findall(r'"((?:query|export|permit|session|disclosure|policy)\.[a-z_]+)"', text))
    assert denied
    assert denied <= set(WORDINGS)


def test_an_undefined_decision_has_words() -> None:
    assert "policy.undefined" in WORDINGS
