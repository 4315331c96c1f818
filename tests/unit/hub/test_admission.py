"""Who may have a workspace: the policy's word, read strictly."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from enclave.core.ids import PersonId
from enclave.core.refusal import Refused
from enclave.hub.admission import DECISION, LONGEST, admit, check_names
from tests.unit.hub.test_plan import PERMIT

NOW = datetime(2026, 6, 1, tzinfo=UTC)


class Answering:
    """A policy server that always answers the same."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.answer = answer
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def decide(self, path: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append((path, question))
        return self.answer


def ask(answer: Mapping[str, Any], now: datetime = NOW, project: str = "nafld-fib") -> datetime:
    return admit(Answering(answer), PERMIT, PersonId("tanaka"), project, active=True, now=now)


def test_a_session_lasts_twelve_hours_and_never_longer_than_its_permit() -> None:
    """The end is the earlier of both."""
    yes = {"allow": True, "deny": [], "obligations": {}}
    assert ask(yes) == NOW + LONGEST
    late = PERMIT.valid_to - timedelta(minutes=5)
    assert ask(yes, late) == PERMIT.valid_to


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"allow": False, "deny": []},
        {"allow": "true", "deny": []},
        {"allow": 1, "deny": []},
        {"allow": None},
        {"allow": True, "deny": ["permit.expired"]},
        {"deny": []},
    ],
)
def test_anything_but_a_plain_yes_is_a_no(answer: Mapping[str, Any]) -> None:
    """Undefined, false, nearly true, or a yes that also denies."""
    with pytest.raises(Refused):
        ask(answer)


def test_the_policys_codes_are_the_refusals() -> None:
    """All of them, in a stable order."""
    with pytest.raises(Refused) as caught:
        ask({"allow": False, "deny": ["permit.not_handler", "permit.expired"]})
    assert caught.value.codes == ("permit.expired", "permit.not_handler")


def test_the_question_holds_person_project_permit_and_time() -> None:
    """What the policy needs to decide, and the server's clock."""
    policy = Answering({"allow": True})
    admit(policy, PERMIT, PersonId("tanaka"), "nafld-fib", active=False, now=NOW)
    (path, question) = policy.asked[0]
    assert path == DECISION
    assert (question["person"], question["project"], question["active"]) == ("tanaka", "nafld-fib", False)
    assert question["now"] == "2026-06-01T00:00:00Z"
    assert question["permit"]["handlers"] == ["tanaka"]
    assert question["permit"]["reference"] == "p-2026-0007@2"


def test_a_permit_of_another_project_is_none() -> None:
    """Whatever the policy would say."""
    with pytest.raises(Refused, match=r"permit\.unknown"):
        ask({"allow": True}, project="other")


@pytest.mark.parametrize(
    ("person", "server"),
    [
        ("tanaka", ""),
        ("tanaka", "../x"),
        ("tanaka", "A"),
        ("tanaka", "x" * 31),
        ("tanaka\n", "x"),
        ("ta.naka", "x"),
        ("", "x"),
    ],
)
def test_names_that_no_project_or_person_has_are_refused(person: str, server: str) -> None:
    """They become names of containers, folders and hosts."""
    with pytest.raises(Refused, match=r"session\.unnamed"):
        check_names(person, server)
