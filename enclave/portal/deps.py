"""What the pages rely on: every port once, wired by `enclave.app`. No page reaches a machine in another way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from enclave.adapters.export_records import Conclude
from enclave.adapters.hub_api import Hub
from enclave.adapters.records import Records
from enclave.application.flow import PolicyPort
from enclave.audit.ledger import Ledger
from enclave.catalogue.descriptor import Descriptor
from enclave.catalogue.statistics import Statistics
from enclave.config import Site
from enclave.core.ids import DatabaseId
from enclave.core.refusal import Refused, Wording
from enclave.portal.sessions import Sessions


def _silent(_export: str, _released: bool, _checker: str) -> None:
    """Where no custody keeps what was released, nothing is."""
    raise Refused("custody.unavailable")


@dataclass(frozen=True)
class Deps:
    """`catalogue()` reads what is registered now, `statistics()` what is published of it, `trusted()` the keys that may sign permits.

    `row_condition(database, table, text)` says whether a text is one predicate of the query grammar over that table.
    `wordings` are sentences of siblings whose refusals arrive here (the hub's, custody's).
    `conclude` tells custody what the checkers' last vote decided.
    `metrics_digest` is the SHA-256 in hex of the token that may read /metrics.
    """

    site: Site
    records: Records
    ledger: Ledger
    policy: PolicyPort
    hub: Hub
    signing_key: Ed25519PrivateKey
    trusted: Callable[[], Mapping[str, Ed25519PublicKey]]
    sessions: Sessions
    catalogue: Callable[[], Mapping[DatabaseId, Descriptor]]
    now: Callable[[], datetime]
    random: Callable[[int], bytes]
    metrics_digest: str
    row_condition: Callable[[str, str, str], bool] | None = None
    wordings: Mapping[str, Wording] = field(default_factory=dict)
    statistics: Callable[[], Mapping[DatabaseId, Statistics]] = dict
    conclude: Conclude = _silent
