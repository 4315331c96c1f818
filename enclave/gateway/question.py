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


FIELDS = ("sql", "params", "form", "tier")


def question_of(body: Mapping[str, Any]) -> Question:
    """The question in a body. Raises Refused `gateway.unknown_field`, `.field`, `.params`."""
    if set(body) - set(FIELDS):
        raise Refused("gateway.unknown_field", {"known": ", ".join(FIELDS)})
    sql, form, tier = body.get("sql"), body.get("form", "rows"), body.get("tier")
    if not isinstance(sql, str) or not _is_text(sql):
        raise Refused("gateway.field", {"field": "sql", "takes": "text (UTF-8)"})
    if not isinstance(form, str) or form not in tuple(Form):
        raise Refused("gateway.field", {"field": "form", "takes": ", ".join(Form)})
    if tier is not None and (not isinstance(tier, str) or tier not in tuple(Tier)):
        raise Refused("gateway.field", {"field": "tier", "takes": ", ".join((*Tier, "null"))})
    raw = body.get("params")
    return Question(sql, params_of(raw), Form(form), None if tier is None else Tier(tier), raw)


def params_of(raw: object) -> Params:
    """Parameters by name or in order; each a scalar or a list of scalars. Raises Refused `gateway.params`."""
    match raw:
        case None:
            return {}
        case dict():
            if not all(_is_text(str(name)) for name in raw):
                raise Refused("gateway.params")
            return {str(name): _value(value) for name, value in raw.items()}
        case list():
            return tuple(_value(value) for value in raw)
    raise Refused("gateway.params")


def _value(value: object) -> Scalar | tuple[Scalar, ...]:
    return tuple(_scalar(one) for one in value) if isinstance(value, list) else _scalar(value)


def _scalar(value: object) -> Scalar:
    if value is None or isinstance(value, int | float | bool) or (isinstance(value, str) and _is_text(value)):
        return value
    raise Refused("gateway.params")


def _is_text(text: str) -> bool:
    """Whether it can be written down: JSON lets half a character through (a lone surrogate), and no store takes it."""
    return not any("\ud800" <= c <= "\udfff" for c in text)
