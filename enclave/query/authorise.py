"""Known → Authorised: one question to the policy, one decision (`enclave/query/decision`).

Decides nothing itself: it lays out facts, permit and session as `Question` and reads the answer strictly. Anything
but `allow` being exactly True is a no (DESIGN, Facts are computed in Python, decisions are made in Rego).
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Protocol

from enclave.core.clock import rfc3339
from enclave.core.permit import Tier
from enclave.core.refusal import Refused
from enclave.query.stages import Authorised, Known, Obligations, Session

DECISION = "enclave/query/decision"


class PolicyPort(Protocol):
    """A policy server. `decide` answers `{allow, deny, obligations}` and raises Refused `policy.unavailable`."""

    def decide(self, path: str, question: Mapping[str, Any]) -> Mapping[str, Any]: ...


Begin = Callable[[str, Mapping[str, Any]], Callable[[], Mapping[str, Any]]]
"""As `PolicyPort.decide` in two steps: it is asked now; what is returned waits for the answer. Both raise
`policy.unavailable`. A policy server that has one calls it `begin`."""


def question(known: Known, session: Session, tier: Tier) -> dict[str, Any]:
    """The input of the decision, as JSON values (`policies/examples/query_*.json` show it)."""
    permit = known.permit.to_json()
    return {
        "now": rfc3339(session.now),
        "session": {
            "id": session.id,
            "person": session.person,
            "project": session.project,
            "permit": session.permit,
            "carried": session.carried,
        },
        "permit": {
            **{k: permit[k] for k in ("permit_id", "revision", "project", "handlers", "tier", "rule_sets")},
            # No limit is said, not left out: to the policy a key that is missing is a no.
            "limits": asdict(known.permit.limits),
            "linkage_groups": permit["linkage_groups"],
            "reference": known.permit.reference,
            "databases": {
                db: {name: list(grant["columns"]) for name, grant in tables.items()}
                for db, tables in permit["databases"].items()
            },
            "valid_from": permit["valid_from"],
            "valid_to": permit["valid_to"],
        },
        "form": known.form.value,
        "tier": tier.value,
        "facts": {
            "tables": [
                {
                    "database": use.database,
                    "table": use.table,
                    "columns": list(use.columns),
                    "person": known.schema.tables[use.database, use.table].person,
                    "reference": known.schema.tables[use.database, use.table].reference,
                }
                for use in known.facts.tables
            ],
            "databases": list(known.facts.databases),
            "functions": list(known.facts.functions),
            "aggregates": list(known.facts.aggregates),
            "keys": [
                {
                    "name": key.name,
                    "columns": list(key.columns),
                    "roles": list(key.roles),
                    "bare": key.bare,
                    "type": key.type,
                    "identifies": key.identifies,
                }
                for key in known.facts.keys
            ],
            "measures": list(known.facts.measures),
        },
        "used": {"queries": session.used.queries, "rows": session.used.rows, "bytes": session.used.bytes},
        "extract": {"id": known.schema.extract, "permit": known.schema.permit, "blocks": known.schema.blocks},
    }


def read_decision(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The obligations of a yes. Raises Refused with the first code and all of them otherwise.

    A yes that lists denials, or a no that lists none, is a broken policy and a no: `policy.undefined`.
    """
    deny = answer.get("deny")
    codes = (
        tuple(sorted(str(code) for code in deny)) if isinstance(deny, list | tuple | set | frozenset) else ()
    )
    obligations = answer.get("obligations")
    if answer.get("allow") is True and deny is not None and not codes and isinstance(obligations, Mapping):
        return obligations
    if not codes:
        raise Refused("policy.undefined")
    raise Refused(codes[0], {}, codes)


def authorise(known: Known, session: Session, tier: Tier, policy: PolicyPort) -> Authorised:
    """Ask once. Raises Refused with the policy's codes, or `policy.unavailable`."""
    return asked(known, session, tier, policy)()


def asked(known: Known, session: Session, tier: Tier, policy: PolicyPort) -> Callable[[], Authorised]:
    """The same in two steps: what is returned waits for the decision, where the policy can be heard later. Both raise
    Refused as `authorise`."""
    said = question(known, session, tier)
    begin: Begin | None = getattr(policy, "begin", None)
    if begin is not None:
        decided = begin(DECISION, said)
        return lambda: _authorised(known, tier, decided())
    return lambda: _authorised(known, tier, policy.decide(DECISION, said))


def _authorised(known: Known, tier: Tier, answer: Mapping[str, Any]) -> Authorised:
    obligations = read_decision(answer)
    rule_sets = obligations.get("rule_sets")
    if not isinstance(rule_sets, Mapping) or not rule_sets:
        # An answer that no rule set binds would be an unprotected one.
        raise Refused("policy.undefined")
    return Authorised(
        known,
        Obligations(
            rule_sets=rule_sets,
            max_rows=_whole(obligations.get("max_rows")),
            max_bytes=_whole(obligations.get("max_bytes")),
            tier=tier.value,
        ),
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
