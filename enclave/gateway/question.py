"""The body of POST /v1/queries as a typed question. Decides its form only; the SQL is `query.parse`'s."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from enclave.core.permit import Tier
from enclave.core.refusal import Refused
from enclave.query.stages import Form, Params, Scalar


@dataclass(frozen=True)
class Question:
    """What is asked. `tier` may narrow the permit's, never widen it; `raw_params` are the parameters as JSON."""

    sql: str
    params: Params
    form: Form
    tier: Tier | None
    raw_params: object


def question_of(body: Mapping[str, Any]) -> Question:
    """The question in a body. Raises Refused `gateway.json` with what is wrong."""
    unknown = set(body) - {"sql", "params", "form", "tier"}
    if unknown:
        raise Refused("gateway.json", {"why": "unknown field"})
    sql, form, tier = body.get("sql"), body.get("form", "rows"), body.get("tier")
    if not isinstance(sql, str) or not _is_text(sql):
        raise Refused("gateway.json", {"why": "sql"})
    if form not in {"rows", "table"}:
        raise Refused("gateway.json", {"why": "form"})
    if tier not in {None, "record", "aggregate"}:
        raise Refused("gateway.json", {"why": "tier"})
    raw = body.get("params")
    return Question(sql, params_of(raw), Form(form), None if tier is None else Tier(tier), raw)


def params_of(raw: object) -> Params:
    """Parameters by name or in order; each a scalar or a list of scalars. Raises Refused `gateway.json`."""
    match raw:
        case None:
            return {}
        case dict():
            if not all(_is_text(str(name)) for name in raw):
                raise Refused("gateway.json", {"why": "params"})
            return {str(name): _value(value) for name, value in raw.items()}
        case list():
            return tuple(_value(value) for value in raw)
    raise Refused("gateway.json", {"why": "params"})


def _value(value: object) -> Scalar | tuple[Scalar, ...]:
    return tuple(_scalar(one) for one in value) if isinstance(value, list) else _scalar(value)


def _scalar(value: object) -> Scalar:
    if value is None or isinstance(value, int | float | bool) or (isinstance(value, str) and _is_text(value)):
        return value
    raise Refused("gateway.json", {"why": "params"})


def _is_text(text: str) -> bool:
    """Whether it can be written down: JSON lets half a character through (a lone surrogate), and no store takes it."""
    return not any("\ud800" <= c <= "\udfff" for c in text)
