"""The life of an application and the opinions on it.

Decides which step is possible in which state (`TRANSITIONS`). Who may give an opinion, and whether the opinions amount
to a decision, is asked of the policy `enclave/review/decision`; this module only puts the questions together.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from enclave.application.request import Application
from enclave.core.ids import ApplicationId, PersonId
from enclave.core.lifecycle import Transition, is_possible, state_after
from enclave.core.roles import Role

POLICY = "enclave/review/decision"
UNDEFINED = "policy.undefined"


class State(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    UNDER_REVIEW = "under_review"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    SAVE = "save"
    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    OPINE = "opine"
    APPROVE = "approve"
    REFUSE = "refuse"


class Opinion(StrEnum):
    APPROVE = "approve"
    REFUSE = "refuse"


TRANSITIONS: tuple[Transition[State, Step], ...] = (
    Transition(State.DRAFT, Step.SAVE, State.DRAFT, "applicant"),
    Transition(State.DRAFT, Step.SUBMIT, State.SUBMITTED, "applicant"),
    Transition(State.DRAFT, Step.WITHDRAW, State.WITHDRAWN, "applicant"),
    Transition(State.SUBMITTED, Step.WITHDRAW, State.WITHDRAWN, "applicant"),
    Transition(State.UNDER_REVIEW, Step.WITHDRAW, State.WITHDRAWN, "applicant"),
    Transition(State.SUBMITTED, Step.OPINE, State.UNDER_REVIEW, "committee"),
    Transition(State.UNDER_REVIEW, Step.OPINE, State.UNDER_REVIEW, "committee"),
    Transition(State.UNDER_REVIEW, Step.APPROVE, State.APPROVED, "committee"),
    Transition(State.UNDER_REVIEW, Step.REFUSE, State.REFUSED, "committee"),
)


def after(state: State, step: Step) -> State:
    """The state that a step leads to. Raises Refused `application.state` where the table has no such step."""
    return state_after(TRANSITIONS, state, step, "application.state")


def possible(state: State, step: Step) -> bool:
    return is_possible(TRANSITIONS, state, step)


@dataclass(frozen=True)
class OpinionSheet:
    """One reviewer's opinion on one database of one application. `comment` is a salted digest of its text."""

    database: str
    reviewer: PersonId
    opinion: Opinion
    given_at: datetime
    comment: str | None = None


def question(
    application_id: ApplicationId,
    applicant: PersonId,
    application: Application,
    sheets: Iterable[OpinionSheet],
) -> dict[str, Any]:
    """The input of the policy for the step `grant`: do these opinions grant it? Facts only; thresholds are the policy's."""
    return {
        "step": "grant",
        "application": {
            "id": application_id,
            "project": application.project,
            "applicant": applicant,
            "members": list(application.members),
            "databases": list(application.databases),
        },
        "opinions": [
            {"database": s.database, "reviewer": s.reviewer, "opinion": s.opinion.value} for s in sheets
        ],
    }


def may_opine(
    asked: Mapping[str, Any], person: PersonId, roles: Iterable[Role], database: str
) -> dict[str, Any]:
    """The same input for the step `opinion`: may this person give an opinion on this database?"""
    return {
        **asked,
        "step": "opinion",
        "person": person,
        "roles": sorted(r.value for r in roles),
        "database": database,
    }


def denied(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """The codes of a no, empty for a yes. `allow` must be exactly true; silence and oddities are a no."""
    deny = answer.get("deny")
    if not isinstance(deny, list | tuple | set | frozenset):
        return (UNDEFINED,)
    codes = tuple(sorted(str(code) for code in deny))
    return codes or (() if answer.get("allow") is True else (UNDEFINED,))


REFUSALS_NEEDED = 2
"""Refusing opinions on one database with which it can no longer be approved (the mirror of two approving ones)."""


def refused_databases(sheets: Iterable[OpinionSheet]) -> tuple[str, ...]:
    """Databases on which the committee has said no."""
    against: dict[str, set[str]] = {}
    for sheet in sheets:
        if sheet.opinion is Opinion.REFUSE:
            against.setdefault(sheet.database, set()).add(sheet.reviewer)
    return tuple(sorted(d for d, people in against.items() if len(people) >= REFUSALS_NEEDED))


@dataclass(frozen=True)
class Criterion:
    """One line of the reviewer's checklist."""

    id: str
    ja: str
    en: str

    def text(self, language: str) -> str:
        return self.ja if language == "ja" else self.en


CRITERIA: tuple[Criterion, ...] = (
    Criterion("public_interest", "相当の公益性がある", "It serves a considerable public interest"),
    Criterion("purpose", "利用目的が制度の目的に適合する", "Its purpose fits the purpose of the system"),
    Criterion("minimal", "求める情報が必要最小限である", "What is asked for is the least that is needed"),
    Criterion("no_other_data", "他の情報では目的を達成できない", "No other information would serve"),
    Criterion("no_identification", "分析方法が特定の個人を識別しない", "The analysis identifies no person"),
    Criterion(
        "handlers", "取扱者の範囲と実績が妥当である", "The handlers are the right ones and able to do it"
    ),
    Criterion(
        "outsourcing", "外部委託がある場合、合理的である", "Outsourcing, where there is any, is reasonable"
    ),
    Criterion("security", "安全管理措置が講じられている", "The safeguards are in place"),
    Criterion("publication", "公表の方法が適切である", "The results will be published properly"),
    Criterion("past_conduct", "過去に不適切な利用がない", "There was no improper use in the past"),
)
"""Criteria of the expert committee (NDB guideline; docs: DOMAIN 3.3)."""

LEAST_NEED = "minimal"
"""The criterion that is not asked of the sampling and trial sets, which are what they are (`DataSet.least_need`)."""


def criteria(least_need: bool) -> tuple[Criterion, ...]:
    """The lines of a sheet; without the proof of least need where none is asked of the data set."""
    return tuple(one for one in CRITERIA if least_need or one.id != LEAST_NEED)
