"""Two ways of making public tables that other bodies chose as their rule: the ministry's dashes, and rounding.

Decides what one row or one count of such a table shows. Neither is a proof: dashes are kept row by row, so that totals of
columns can open them, and what is rounded can be averaged out by asking again. That is why the gateway refuses a table under a
set that asks for one of them (`rules.CELL_RULES_NOT_APPLIED`), and why they are here: to tell what such a table says.

Sources: the note in row 1 of the tables of NDB Open Data; OpenSAFELY, "Applying statistical disclosure control".
"""

from collections.abc import Mapping, Sequence

from enclave.disclosure.criteria.rules import Zero


def dashes(
    total: int | None, details: Sequence[int], rule: str, n: int, zero: Zero
) -> tuple[bool, tuple[bool, ...]]:
    """What of one row of NDB Open Data is a dash: the total (None where the row has none), and each detail.

    1. Whatever is below `n`; a zero where the edition hides zeros. 2. Where that is one place of the row alone:
    `ndb-open-1-4` everything but the total; `ndb-open-5-9` the smallest number of `n` or more, wherever it stands.
    Raises ValueError for a rule that nobody knows.
    """
    places = [*details] if total is None else [total, *details]
    hidden = [count < n and (count > 0 or zero is Zero.HIDDEN) for count in places]
    begin = 0 if total is None else 1
    if sum(hidden) == 1:
        match rule:
            case "ndb-open-1-4":
                hidden[begin:] = [True] * len(details)
            case "ndb-open-5-9":
                smallest = min((count for count in places if count >= n), default=None)
                hidden = [dash or count == smallest for dash, count in zip(hidden, places, strict=True)]
            case _:
                raise ValueError(f"no rule of masking: {rule}")
    return (False if total is None else hidden[0]), tuple(hidden[begin:])


def rounded(count: int, rule: Mapping[str, int]) -> int | None:
    """What a rounding rule shows for `count` persons; None where it is redacted.

    `redact_at_most`: that many or fewer. `midpoint`: the middle of the band of that width (6: 1 to 6 is 3, 7 to 12 is 9), 0
    stays 0. Else the nearest multiple of `base`, a half upwards. Raises ValueError for a negative count.
    """
    if count < 0:
        raise ValueError("a count of persons is not negative")
    if rule["redact_at_most"] and count <= rule["redact_at_most"]:
        return None
    width = rule["midpoint"]
    if width:
        return -(-count // width) * width - width // 2 if count else 0
    base = rule["base"]
    return count if not base else (2 * count + base) // (2 * base) * base
