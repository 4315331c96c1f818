"""Which rule sets bind what asks to leave: the policy's answer, once per submission, with the numbers that it hands over."""

from collections.abc import Mapping

from enclave.core.clock import rfc3339
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.disclosure.criteria.rules import RuleSet, parse
from enclave.gateway.deps import Deps
from enclave.query.authorise import read_decision

BINDING = "enclave/disclosure/decision"


def binding_sets(deps: Deps, permit: Permit) -> tuple[RuleSet, ...]:
    """The rule sets that the policy says bind the permit's outputs now, with the parameters that it hands over.

    Raises Refused with the policy's codes (`query.rule_set_missing`: a database that no set in force covers),
    `policy.unavailable`, `policy.undefined`.
    """
    asked = {
        "now": rfc3339(deps.now()),
        "rule_sets": list(permit.rule_sets),
        "databases": sorted(permit.databases),
    }
    bound = read_decision(deps.policy.decide(BINDING, asked)).get("rule_sets")
    if not isinstance(bound, Mapping) or not bound:
        raise Refused("policy.undefined")
    return tuple(parse(dict(parameters)) for _, parameters in sorted(bound.items()))
