"""The questions about which data may be asked for together: databases that are linked, and columns that hide others.

Computes the facts: for each pair the rows of the linkage matrix, for each rule of a descriptor the columns on both of
its sides. The policy decides over them (`policies/enclave/application`). Relies on the matrix and the descriptors handed
in, and on a day. Words for a no are looked up here, since the policy speaks in codes.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from enclave.application.request import Application, Problem
from enclave.catalogue.descriptor import Descriptor
from enclave.catalogue.facts import Span
from enclave.catalogue.linkage import LinkageRules, NoLink, linkage, pairs
from enclave.catalogue.packaged import PLANNED, PUBLIC
from enclave.core.ids import DatabaseId

POLICY = "enclave/application/decision"

NOT_PERMITTED = "application.linkage_not_permitted"
APART = "application.columns_apart"


def question(
    step: str,
    application: Application,
    at: date,
    rules: LinkageRules,
    catalogue: Mapping[DatabaseId, Descriptor],
) -> dict[str, Any]:
    """The input of the policy for `submit` and `grant`: what is asked for together, and the rows that bear on it."""
    columns = {
        f"{database}.{table}.{column}"
        for database, tables in application.databases.items()
        for table, grant in tables.items()
        for column in grant.columns
    }
    return {
        "step": step,
        "at": at.isoformat(),
        "pairs": pair_facts(application.links, rules, catalogue),
        "apart": _apart(columns, catalogue),
    }


def pair_facts(
    links: Iterable[DatabaseId], rules: LinkageRules, catalogue: Mapping[DatabaseId, Descriptor]
) -> list[dict[str, Any]]:
    """Per pair: rows that allow it, rows that keep one of the two alone, and whether they share one register.

    One register (`population` of a descriptor) counts only between databases that an operator registered: for the public
    ones the matrix speaks, whatever a descriptor says of itself.
    """
    public = {*PUBLIC, PLANNED}
    found = []
    for a, b in pairs(links):
        known = a in catalogue and b in catalogue and not {a, b} & public
        found.append(
            {
                "pair": [a, b],
                "rows": [
                    {**_span(row.span), "keys": list(row.keys), "certainty": row.certainty.value}
                    for row in rules.rows(frozenset({a, b}))
                ],
                "alone": [
                    {**_span(row.span), "database": row.database}
                    for row in rules.alone
                    if row.database in {a, b}
                ],
                "one_register": known and catalogue[a].population == catalogue[b].population,
            }
        )
    return found


def problems(
    answer: Mapping[str, Any], at: date, rules: LinkageRules, names: Mapping[DatabaseId, Any]
) -> tuple[Problem, ...]:
    """What the applicant reads of a denial: each pair with its ground, each hidden column with what hides it.

    `names` gives a Title per database; a database without one is named by its id.
    """
    obligations = answer.get("obligations") or {}
    found = []
    for a, b in sorted(tuple(pair) for pair in obligations.get("pairs", ())):
        why = linkage(rules, a, b, at)
        ground = why.ground if isinstance(why, NoLink) else None
        ja, en = (
            " × ".join(names[one].of(language) if one in names else one for one in (a, b))
            for language in ("ja", "en")
        )
        said = {"pair": f"{a} × {b}", "pair_ja": ja, "pair_en": en}
        said["ground_ja"], said["ground_en"] = (ground.ja, ground.en) if ground else ("–", "–")
        found.append(Problem("links", NOT_PERMITTED, said))
    for one in obligations.get("apart", ()):
        said = {"when": ", ".join(sorted(one["when"])), "hide": ", ".join(sorted(one["hide"]))}
        found.append(Problem("columns", APART, said))
    return tuple(found)


def _span(span: Span) -> dict[str, str | None]:
    return {
        "valid_from": span.start.isoformat(),
        "valid_to": None if span.end is None else span.end.isoformat(),
    }


def _apart(columns: set[str], catalogue: Mapping[DatabaseId, Descriptor]) -> list[dict[str, list[str]]]:
    return [
        {
            "when": [name for name in (f"{database}.{one}" for one in rule.when) if name in columns],
            "hide": [name for name in (f"{database}.{one}" for one in rule.hide) if name in columns],
        }
        for database, descriptor in catalogue.items()
        for rule in descriptor.apart
    ]
