"""Values of a notebook as parameters of a question: JSON scalars, and lists of them for `IN ($many)`.

Decides only how a value is written; what a parameter may be is the gateway's. Dates travel as ISO text, which the
gateway's SQL reads as a date where it is compared with one. What is missing (None, NaN, NaT, NA) becomes NULL.
"""

import datetime
import decimal
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from enclave_client.refusal import Refused
from enclave_client.words import Language

Sent = dict[str, object] | list[object]


def sent(params: Mapping[str, object] | Sequence[object] | None, language: Language) -> Sent:
    """By name (`$name`) or in order (`?`, `$1`). Raises `Refused` `client.parameter` for what has no such form."""
    if params is None:
        return {}
    if isinstance(params, Mapping):
        return {str(name): _value(value, str(name), language) for name, value in params.items()}
    return [_value(value, str(order), language) for order, value in enumerate(params, 1)]


def _value(value: Any, name: str, language: Language) -> object:
    many = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    if many and getattr(value, "ndim", 1) == 1:
        return [_scalar(one, name, language) for one in value]
    return _scalar(value, name, language)


def _scalar(value: Any, name: str, language: Language) -> object:
    if type(value).__module__.partition(".")[0] == "numpy" and hasattr(value, "item"):
        value = value.item()  # a datetime64 gives a date or datetime, the rest a Python number
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return (
                value if math.isfinite(value) else None if math.isnan(value) else _none(value, name, language)
            )
        case decimal.Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime.datetime():  # a pandas Timestamp is one; NaT is one that has no year
            return value.isoformat(sep=" ") if value == value else None  # noqa: PLR0124  NaT differs from itself
        case datetime.date() | datetime.time():
            return value.isoformat()
    if type(value).__name__ in {"NAType", "NaTType"}:
        return None
    return _none(value, name, language)


def _none(value: object, name: str, language: Language) -> object:
    raise Refused.own("client.parameter", language, parameter=name, kind=type(value).__name__)
