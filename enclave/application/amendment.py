"""An amendment (変更申出) of a running permit: its life, what it changes, and how what was typed becomes one.

Decides which step is possible in which state (`TRANSITIONS`), how a form is read, and what the next revision of the permit
is. Who may apply, how far a limit may go and whether the opinions amount to a grant is asked of the policy
`enclave/amendment/decision`; this module puts the questions together and reads its words. One kind of change exists,
larger daily limits; another one is a class beside `LimitsChange`, its place in `Change`, and its rules in the policy.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from enclave.application.request import Problem
from enclave.application.review import REFUSALS_NEEDED, Opinion
from enclave.core.clock import rfc3339
from enclave.core.ids import PersonId
from enclave.core.lifecycle import Transition, is_possible, state_after
from enclave.core.permit import Limits, Permit
from enclave.core.roles import Role

POLICY = "enclave/amendment/decision"

LONGEST_REASON = 4000
"""Characters of the reason."""


class State(StrEnum):
    SUBMITTED = "submitted"
    UNDER_REVIEW = "under_review"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    WITHDRAW = "withdraw"
    OPINE = "opine"
    APPROVE = "approve"
    REFUSE = "refuse"


TRANSITIONS: tuple[Transition[State, Step], ...] = (
    Transition(State.SUBMITTED, Step.WITHDRAW, State.WITHDRAWN, "applicant"),
    Transition(State.UNDER_REVIEW, Step.WITHDRAW, State.WITHDRAWN, "applicant"),
    Transition(State.SUBMITTED, Step.OPINE, State.UNDER_REVIEW, "committee"),
    Transition(State.UNDER_REVIEW, Step.OPINE, State.UNDER_REVIEW, "committee"),
    Transition(State.UNDER_REVIEW, Step.APPROVE, State.APPROVED, "committee"),
    Transition(State.UNDER_REVIEW, Step.REFUSE, State.REFUSED, "committee"),
)

OPEN = frozenset({State.SUBMITTED, State.UNDER_REVIEW})
"""States in which an amendment waits for its decision; a permit has at most one such."""


def after(state: State, step: Step) -> State:
    """The state that a step leads to. Raises Refused `amendment.state` where the table has no such step."""
    return state_after(TRANSITIONS, state, step, "amendment.state")


def possible(state: State, step: Step) -> bool:
    return is_possible(TRANSITIONS, state, step)


# -- what it changes -----------------------------------------------------------------------------
class Kind(StrEnum):
    LIMITS = "limits"


@dataclass(frozen=True)
class LimitsChange:
    """Larger daily limits; what is not to change stands as it is in the permit."""

    limits: Limits

    @property
    def kind(self) -> Kind:
        return Kind.LIMITS

    def applied(self, permit: Permit) -> Permit:
        return replace(permit, limits=self.limits)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind.value, "limits": asdict(self.limits)}


Change = LimitsChange
"""What an amendment asks for: a union, of one kind so far."""


def change_from_json(body: Mapping[str, Any]) -> Change:
    """A change as the records keep it. Raises ValueError for a kind that is not known."""
    match Kind(body["kind"]):
        case Kind.LIMITS:
            return LimitsChange(Limits(**body["limits"]))


def revised(permit: Permit, change: Change) -> Permit:
    """The next revision: what the change asks for, and nothing else of it."""
    return replace(change.applied(permit), revision=permit.revision + 1)


@dataclass(frozen=True)
class Sheet:
    """One member's opinion on an amendment as a whole. `comment` is a salted digest of its text."""

    reviewer: PersonId
    opinion: Opinion
    given_at: datetime
    comment: str | None = None


def is_refused(sheets: Iterable[Sheet]) -> bool:
    """Whether the committee has said no: as many members as refuse a database of an application."""
    return len({s.reviewer for s in sheets if s.opinion is Opinion.REFUSE}) >= REFUSALS_NEEDED


# -- how it is typed -----------------------------------------------------------------------------
@dataclass(frozen=True)
class Measure:
    """How a limit is typed and shown: in `unit`s of so many, which a form names in both languages."""

    name: str
    size: int
    ja: str
    en: str
    unit: str = ""

    def unit_of(self, language: str) -> str:
        return self.unit or (self.ja if language == "ja" else self.en)


MEASURES: tuple[Measure, ...] = (
    Measure("queries_day", 1, "問い合わせ", "queries"),
    Measure("rows_day", 1, "行", "rows"),
    Measure("bytes_day", 10**9, "データ量", "data", "GB"),
)
"""The daily limits, in the order of the form."""

_NUMBER = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,9})?")


def typed_of(limits: Limits) -> dict[str, str]:
    """The limits as one would type them: `{name: text}`, without those that the permit does not set."""
    values = asdict(limits)
    return {m.name: spoken(m, values[m.name]) for m in MEASURES if values[m.name] is not None}


def spoken(measure: Measure, value: int) -> str:
    """A limit in its unit, with separators: `50,000,000`, `2.5`."""
    text = f"{Decimal(value) / measure.size:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def parse(typed: Mapping[str, str], reason: str, permit: Permit) -> tuple[Change | None, tuple[Problem, ...]]:
    """The change that a form asks for, or what is wrong with the form, field by field (the names of `MEASURES`, `reason`).

    A number may have separators and full-width digits. Whether a limit may become as large is the policy's to say.
    """
    present = asdict(permit.limits)
    asked: dict[str, int | None] = {}
    problems: list[Problem] = []
    for measure in MEASURES:
        if present[measure.name] is None:
            continue
        text = re.sub(r"[\s,_、，]", "", unicodedata.normalize("NFKC", typed.get(measure.name, "")))
        exact = Decimal(text) * measure.size if _NUMBER.fullmatch(text) else None
        if not text:
            problems.append(Problem(measure.name, "application.field_missing"))
        elif exact is None or exact != int(exact):
            problems.append(Problem(measure.name, "amendment.number"))
        else:
            asked[measure.name] = int(exact)
    if not reason.strip():
        problems.append(Problem("reason", "application.field_missing"))
    elif len(reason) > LONGEST_REASON:
        problems.append(Problem("reason", "application.text_too_long", {"limit": str(LONGEST_REASON)}))
    if problems:
        return None, tuple(problems)
    return LimitsChange(Limits(**asked)), ()


# -- what the policy is asked --------------------------------------------------------------------
def question(
    step: str,
    *,
    now: datetime,
    permit: Permit,
    applicant: PersonId,
    founder: PersonId | None,
    revises: str,
    change: Change | None = None,
) -> dict[str, Any]:
    """The facts of every step. `revises` is the reference of the revision that the amendment was written for, `founder` who
    applied for the project, `change` None while none is written yet (step `look`)."""
    written = change or LimitsChange(permit.limits)
    return {
        "step": step,
        "now": rfc3339(now),
        "amendment": {
            "kind": written.kind.value,
            "applicant": applicant,
            "founder": founder,
            "revises": revises,
            "limits": asdict(written.limits),
        },
        "permit": {
            "permit_id": permit.permit_id,
            "reference": permit.reference,
            "project": permit.project,
            "handlers": list(permit.handlers),
            "limits": asdict(permit.limits),
            "valid_from": rfc3339(permit.valid_from),
            "valid_to": rfc3339(permit.valid_to),
        },
    }


def with_opinions(asked: Mapping[str, Any], sheets: Iterable[Sheet]) -> dict[str, Any]:
    """The question of the step `grant`, or the ground of that of the step `opinion`."""
    return {**asked, "opinions": [{"reviewer": s.reviewer, "opinion": s.opinion.value} for s in sheets]}


def may_opine(asked: Mapping[str, Any], person: PersonId, roles: Iterable[Role]) -> dict[str, Any]:
    """The question of the step `opinion`: may this person give one?"""
    return {**asked, "step": "opinion", "person": person, "roles": sorted(r.value for r in roles)}


@dataclass(frozen=True)
class Bound:
    """How far a limit may be raised, and why not further."""

    most: int
    ja: str
    en: str

    def reason(self, language: str) -> str:
        return self.ja if language == "ja" else self.en


def bounds(answer: Mapping[str, Any]) -> dict[str, Bound]:
    """The bounds that came with an answer of the policy, by name of the limit; empty where it brought none."""
    told = (answer.get("obligations") or {}).get("bounds") or {}
    return {
        str(name): Bound(int(one["most"]), str(one["reason"]["ja"]), str(one["reason"]["en"]))
        for name, one in told.items()
    }


def problems_of(answer: Mapping[str, Any], permit: Permit) -> tuple[Problem, ...]:
    """The limits that the policy refused, as problems of their fields, with numbers as people read them."""
    refused = {
        str(one["limit"]): str(one["code"]) for one in (answer.get("obligations") or {}).get("refused", ())
    }
    known, present = bounds(answer), asdict(permit.limits)
    found = []
    for measure in MEASURES:
        if measure.name not in refused:
            continue
        facts: dict[str, str] = {"present": _said(measure, present[measure.name])}
        if measure.name in known:
            bound = known[measure.name]
            facts |= {"most": _said(measure, bound.most), "reason_ja": bound.ja, "reason_en": bound.en}
        found.append(Problem(measure.name, refused[measure.name], facts))
    return tuple(found)


def _said(measure: Measure, value: int) -> str:
    return f"{spoken(measure, value)} {measure.unit}".strip()
