"""The form of each key of a rule set: which parts it has, which it needs, and what a value must be.

Decides whether a value is one that a rule can use, part by part. Does not: know which sets there are or what binds. A number
with a fraction is taken by its decimal digits, never as a binary float, so that no threshold moves by a rounding.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from enclave.core.refusal import Refused

Check = Callable[[object, str], Any]
Together = Callable[[Mapping[str, Any], str], None]

DATABASE = re.compile(r"\*|[a-z0-9][a-z0-9_-]*")
"""An id of a database, or every one. No patterns: policy and program must read a scope alike."""

_DECIMALS = 3
"""Of a percentage: the policy language computes exactly with whole thousandths."""


def bad(where: str, needs: str) -> Refused:
    return Refused("disclosure.rule_invalid", {"where": where, "needs": needs})


def whole(least: int) -> Check:
    """A whole number of at least `least`."""

    def check(value: object, where: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise bad(where, f"a whole number of at least {least}")
        return value

    return check


def percentage(most: int) -> Check:
    """A number above 0 and below `most`, with at most three decimals."""

    def check(value: object, where: str) -> int | Fraction:
        refused = bad(where, f"a number above 0 and below {most}, with at most {_DECIMALS} decimals")
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal | Fraction):
            raise refused
        if not isinstance(value, int | Fraction) and not math.isfinite(value):
            raise refused
        exact = Fraction(str(value)) if isinstance(value, float) else Fraction(value)
        if not 0 < exact < most or (exact * 10**_DECIMALS).denominator != 1:
            raise refused
        return int(exact) if exact.denominator == 1 else exact

    return check


def choice(*words: str) -> Check:
    def check(value: object, where: str) -> str:
        if not isinstance(value, str) or value not in words:
            raise bad(where, " or ".join(words))
        return value

    return check


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise bad(where, "a text")
    return value


def _texts(value: object, where: str) -> list[str]:
    if not isinstance(value, list) or not value or len({str(one) for one in value}) < len(value):
        raise bad(where, "a list of texts, each once")
    return [_text(one, where) for one in value]


def _ages(value: object, where: str) -> list[int]:
    if not isinstance(value, list) or not value:
        raise bad(where, "a list of ages")
    return [whole(1)(one, where) for one in value]


def number_of_tier(value: object, where: str) -> int | None:
    """Persons, or None for no counts at all."""
    return None if value is None else int(whole(1)(value, where))


def _anything(found: Mapping[str, Any], where: str) -> None:
    del found, where


def _p_below_q(found: Mapping[str, Any], where: str) -> None:
    """What is known before must be less exact than what may be known after, or no cell could ever be safe."""
    if not found["p"] < found["q"]:
        raise bad(f"{where}.q", "more than p")


def _a_way_to_round(found: Mapping[str, Any], where: str) -> None:
    """`midpoint` is a width, as `base` is: a narrower one beside a wider base says two things at once."""
    if found["midpoint"] and found["midpoint"] < found["base"]:
        raise bad(f"{where}.midpoint", "0, or at least base")
    if not any(found.values()):
        raise bad(where, "something to do")


def _an_order_of_ages(found: Mapping[str, Any], where: str) -> None:
    if "top" in found and found.get("bottom", 0) >= found["top"]:
        raise bad(f"{where}.bottom", "less than top")


def _an_order_of_weights(found: Mapping[str, Any], where: str) -> None:
    low, high = found.get("birth_weight_low"), found.get("birth_weight_high")
    if low is not None and high is not None and low >= high:
        raise bad(f"{where}.birth_weight_low", "less than birth_weight_high")


def feasible(shifts: Sequence[int], variance: int | Fraction) -> bool:
    """Whether noise on `shifts` (ascending, not all of one sign) can have mean 0 and this variance, and is free to vary: strictly
    between what the two shifts next to 0 give and what the two outermost give."""
    least = (
        0 if 0 in shifts else min(one for one in shifts if one > 0) * -max(one for one in shifts if one < 0)
    )
    return bool(least < variance < shifts[-1] * -shifts[0])


def _noise_for_every_count(found: Mapping[str, Any], where: str) -> None:
    most, gap = found["max_deviation"], found["none_up_to"]
    if gap >= most:
        raise bad(f"{where}.none_up_to", "less than max_deviation")
    for count in range(1, most + gap + 2):
        shifts = [v for v in range(-most, most + 1) if count + v == 0 or count + v > gap]
        if not feasible(shifts, found["variance"]):
            raise bad(f"{where}.variance", f"a variance that a count of {count} can have")


@dataclass(frozen=True)
class Form:
    """One key: its parts with what each must be, those it needs, what is meant where a part is left out, and what the parts
    must be together."""

    parts: Mapping[str, Check]
    required: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    together: Together = _anything


FORMS: Mapping[str, Form] = {
    "min_persons": Form({"n": whole(1), "zero": choice("shown", "hidden")}, ("n", "zero")),
    "min_institutions": Form({"n": whole(1)}, ("n",)),
    "dominance": Form({"n": whole(1), "k": percentage(100)}, ("n", "k")),
    "p_percent": Form({"p": percentage(1000), "n": whole(1)}, ("p",), {"n": 1}),
    "pq": Form({"p": percentage(1000), "q": percentage(10_000)}, ("p", "q"), together=_p_below_q),
    "interval": Form({"min_whole_numbers": whole(2)}, ("min_whole_numbers",)),
    "rounding": Form(
        {"redact_at_most": whole(0), "base": whole(0), "midpoint": whole(0)},
        defaults={"redact_at_most": 0, "base": 0, "midpoint": 0},
        together=_a_way_to_round,
    ),
    "quantities": Form({"oral": whole(1), "injection": whole(1)}),
    "statistics": Form({"min_df": whole(1), "quantile_margin": whole(1), "survival_at_risk": whole(1)}),
    "age": Form(
        {"bands": whole(1), "top": whole(1), "bottom": whole(1), "cuts": _ages},
        ("bands",),
        together=_an_order_of_ages,
    ),
    "area": Form({"finest": choice("pref", "sma", "muni"), "forbidden_with": _texts}, ("finest",)),
    "masking": Form({"rule": choice("ndb-open-1-4", "ndb-open-5-9")}, ("rule",)),
    "perturbation": Form(
        {"max_deviation": whole(1), "variance": percentage(1000), "none_up_to": whole(0)},
        ("max_deviation", "variance"),
        {"none_up_to": 0},
        together=_noise_for_every_count,
    ),
    "insiders": Form({"n": whole(1)}, ("n",)),
    "blocks": Form({"k": whole(1), "columns": _texts, "areas": _texts}, ("k",)),
    "group": Form({"rest": whole(1), "share": percentage(101)}),
    "death": Form(
        {
            "hours": whole(1),
            "birth_weight_bands": whole(1),
            "birth_weight_low": whole(1),
            "birth_weight_high": whole(1),
            "grouped": _texts,
        },
        together=_an_order_of_weights,
    ),
}
"""Every key of a rule set that has parts (SHAPES; `group`, `death`, `age.bottom` and `age.cuts`: decision 0022; `perturbation`: decision 0030;
`insiders`: decision 0035)."""
