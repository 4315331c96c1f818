"""What a permit says, in words, to the person who works under it (GET /v1/session). Decides nothing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from enclave.adapters.query_records import renewed
from enclave.catalogue.descriptor import Descriptor, Title
from enclave.core.clock import rfc3339
from enclave.core.ids import DatabaseId
from enclave.core.permit import Limits, Permit
from enclave.core.refusal import Refused
from enclave.custody.plan import explaining
from enclave.gateway.asking import Entered
from enclave.query.stages import Used


def view(
    entered: Entered, catalogue: Mapping[DatabaseId, Descriptor], used: Used, language: str, now: datetime
) -> dict[str, Any]:
    """Person, project, permit, tables with titles in both languages, outputs, limits and what is left of them.

    `now` is aware; budgets are renewed at the next midnight UTC, where the day that counts them ends.
    """
    permit = entered.signed.permit
    return {
        "person": entered.session.person,
        "project": permit.project,
        "permit": permit.reference,
        "tier": permit.tier.value,
        "purpose": permit.purpose,
        "valid_to": rfc3339(permit.valid_to),
        "session_ends": rfc3339(entered.session.expires_at),
        "language": language,
        "rule_sets": list(permit.rule_sets),
        "tables": tables(permit, catalogue),
        "outputs": [
            {"id": o.id, "kind": o.kind, "title": o.title, "dimensions": list(o.dimensions)}
            for o in permit.outputs
        ],
        "limits": _limits(permit.limits),
        "used": {"queries_day": used.queries, "rows_day": used.rows, "bytes_day": used.bytes},
        "left": _left(permit.limits, used),
        "renewed": rfc3339(renewed(now)),
        "more": MORE["ja" if language == "ja" else "en"].format(permit=permit.reference),
    }


MORE = {
    "ja": "上限はプロジェクト全体のもので、承諾 {permit} が定めています。増やすには、ポータルのプロジェクトのページの"
    "「上限の変更を申し出る」から、必要な量と理由を添えて申し出てください。承諾されると、ワークスペースを開き直さずに使えます。",
    "en": "The limits are the whole project's and stand in its permit {permit}. To raise them, apply for a larger"
    " budget on the project's page in the portal, and say how much is needed and why. Once granted they hold in the"
    " workspace that runs.",
}
"""How to apply for more, in the reader's language."""


def told(refused: Refused, limits: Limits, used: Used, now: datetime) -> Refused:
    """The same no; where a budget has ended, with `limit`, `used` and `renewed` among its facts."""
    kind = refused.code.removeprefix("query.budget_")
    spent = {"queries": used.queries, "rows": used.rows, "bytes": used.bytes}
    if kind not in spent:
        return refused
    facts = {
        "limit": _limits(limits)[f"{kind}_day"],
        "used": spent[kind],
        "renewed": rfc3339(renewed(now)),
    }
    return Refused(refused.code, {**refused.facts, **facts}, refused.codes)


def tables(permit: Permit, catalogue: Mapping[DatabaseId, Descriptor]) -> list[dict[str, Any]]:
    """Every permitted table; the bare name where it is unique, for that is how a query may name it. After them the
    public tables that explain their codes, each with the database's name."""
    found = []
    names = [name for _, name, _ in permit.tables()]
    for database, name, grant in permit.tables():
        described = catalogue[database].tables.get(name) if database in catalogue else None
        columns = []
        for column in grant.columns:
            known = described.columns.get(column) if described is not None else None
            shown: dict[str, Any] = {
                "name": column,
                "title": _title(known.title if known else None, column),
                "type": "pseudonym" if known and known.pseudonymous else known.type.value if known else "",
                "role": known.role.value if known else "",
            }
            if known is not None and known.unit:
                shown["unit"] = known.unit
            if known is not None and known.values:
                shown["values"] = {code: _title(title, code) for code, title in known.values.items()}
            if column in grant.coarsen:
                shown["coarsened"] = grant.coarsen[column]
            columns.append(shown)
        found.append(
            {
                "name": name if names.count(name) == 1 else f"{database}.{name}",
                "database": database,
                "title": _title(described.title if described else None, name),
                "columns": columns,
            }
        )
    return found + _public(permit, catalogue)


def _public(permit: Permit, catalogue: Mapping[DatabaseId, Descriptor]) -> list[dict[str, Any]]:
    shown = [
        catalogue[database].tables[name].columns[column]
        for database, name, grant in permit.tables()
        if database in catalogue and name in catalogue[database].tables
        for column in grant.columns
        if column in catalogue[database].tables[name].columns
    ]
    named = {(database, name) for database, name, _ in permit.tables()}
    return [
        {
            "name": f"{database}.{table.name}",
            "database": database,
            "title": _title(table.title, table.name),
            "reference": True,
            "columns": [
                {
                    "name": column.name,
                    "title": _title(column.title, column.name),
                    "type": column.type.value,
                    "role": column.role.value,
                }
                for column in table.columns.values()
            ],
        }
        for database, table in explaining(shown, catalogue)
        if (database, table.name) not in named
    ]


def _title(title: Title | None, otherwise: str) -> dict[str, str]:
    return {"ja": title.ja, "en": title.en} if title is not None else {"ja": otherwise, "en": otherwise}


def _limits(limits: Limits) -> dict[str, int | None]:
    return {
        "queries_day": limits.queries_day,
        "rows_day": limits.rows_day,
        "bytes_day": limits.bytes_day,
    }


def _left(limits: Limits, used: Used) -> dict[str, int | None]:
    pairs = (
        ("queries_day", limits.queries_day, used.queries),
        ("rows_day", limits.rows_day, used.rows),
        ("bytes_day", limits.bytes_day, used.bytes),
    )
    return {name: None if limit is None else max(limit - spent, 0) for name, limit, spent in pairs}
