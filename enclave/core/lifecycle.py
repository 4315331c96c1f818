"""Lifecycles as tables: which step leads from which state to which, and who takes it.

Each story owns its states, its steps and its table; this module only reads tables. What is not in a table is impossible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from enclave.core.refusal import Refused

S = TypeVar("S", bound=StrEnum)
T = TypeVar("T", bound=StrEnum)


@dataclass(frozen=True)
class Transition(Generic[S, T]):
    """In state `at`, the step leads to `to`; `by` takes it."""

    at: S
    step: T
    to: S
    by: str


def state_after(transitions: Sequence[Transition[S, T]], state: S, step: T, code: str) -> S:
    """The state that a step leads to. Raises Refused with `code` where the table has no such step."""
    for transition in transitions:
        if transition.at is state and transition.step is step:
            return transition.to
    raise Refused(code, {"state": state.value, "step": step.value})


def is_possible(transitions: Sequence[Transition[S, T]], state: S, step: T) -> bool:
    """Whether the table has the step in that state."""
    return any(t.at is state and t.step is step for t in transitions)


def diagram(transitions: Sequence[Transition[S, T]]) -> str:
    """The table as Mermaid text; its first row begins where life begins. `docs/lifecycles.md` holds them."""
    states = list(dict.fromkeys(s for t in transitions for s in (t.at, t.to)))
    final = [s for s in states if not any(t.at is s for t in transitions)]
    return "\n".join(
        [
            "stateDiagram-v2",
            f"    [*] --> {transitions[0].at.value}",
            *(f"    {t.at.value} --> {t.to.value}: {t.step.value} ({t.by})" for t in transitions),
            *(f"    {s.value} --> [*]" for s in final),
        ]
    )
