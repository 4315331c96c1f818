"""The ports of the gateway, as one frozen value that `app.py` fills in. Nothing here decides."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from enclave.adapters.metrics import GatewayMetrics
from enclave.adapters.permit_records import SignedPermit, Trusted, WorkspaceSession
from enclave.adapters.records import Records
from enclave.catalogue.descriptor import Descriptor
from enclave.core.clock import Clock
from enclave.core.ids import DatabaseId
from enclave.core.refusal import Refused
from enclave.gateway.line import FEW, Places
from enclave.query.schema import Schema
from enclave.query.stages import Guarded


class Policy(Protocol):
    """A policy server, and the digest of what it decides by."""

    def decide(self, path: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
        """`{allow, deny, obligations}`. Raises Refused `policy.unavailable`."""
        ...


class Run(Protocol):
    """One execution. `schema` and batches are pyarrow's; every method may raise Refused `query.*`."""

    @property
    def schema(self) -> Any: ...

    def batches(self) -> Iterator[Any]: ...

    def messages(self) -> Iterator[tuple[int, bytes]]:
        """The batches as messages of an Arrow stream, each with its number of rows."""
        ...

    def progress(self) -> float:
        """0 to 1."""
        ...

    def cancel(self) -> None:
        """From any thread; `batches` then ends with Refused."""
        ...

    def slow(self) -> None:
        """From any thread, as often as one likes: let whatever runs go first that has used less of the processors."""
        ...

    def close(self) -> None:
        """End it if it still runs. Harmless after the end."""
        ...


class Engine(Protocol):
    """One opened extract, for many runs at once."""

    def run(
        self, guarded: Guarded, since: float | None = None, allowed: Callable[[], None] | None = None
    ) -> Run:
        """`since`: when the question began to run (`time.monotonic`); its statements share one wall time. `allowed` returns
        once the statement may be executed, or raises; asked for before the first byte of its answer is read."""
        ...


@dataclass(frozen=True)
class OpenExtract:
    """An extract that answers. `reference` is `v-81c2/3`."""

    reference: str
    schema: Schema
    engine: Engine


class Releases(Protocol):
    """What was released, by whom it was about. Custody answers; sets of persons go in, findings come out."""

    def examine(
        self,
        envelope: Mapping[str, Any],
        n: int,
        output: str,
        *,
        database: str,
        floor: int,
        zero_hidden: bool,
        rule_set: str,
        cells: Sequence[Mapping[str, Any]],
        session: str,
        person: str,
        unread: bool,
        unjudged: Sequence[str],
        strictest: int = 0,
    ) -> Mapping[str, Any]:
        """`{findings, bound, log}`. Raises Refused `custody.*`."""
        ...


class NoReleases:
    """Where no custody compares, nothing is submitted."""

    def examine(self, *_: Any, **__: Any) -> Mapping[str, Any]:
        raise Refused("custody.unavailable")


NOWHERE = NoReleases()


class Extracts(Protocol):
    """Extracts by permit."""

    def open(self, signed: SignedPermit, session: WorkspaceSession, n: int | None = None) -> OpenExtract:
        """The newest extract that the permit matches, or its n-th. Raises Refused `custody.*`."""
        ...


@dataclass(frozen=True)
class Deps:
    """What the gateway stands on.

    `trusted`: the keys that may sign permits, read anew at each use. `hosts`: the Host headers it answers to (`10.87.0.1:8082`). `metrics_token`: the digest of the bearer token that
    reads /metrics. `policy_digest`: digest of the policies and rule sets in force, for receipts.
    `places`: how many questions may be at the engine at once.
    """

    records: Records
    trusted: Callable[[], Trusted]
    policy: Policy
    policy_digest: Callable[[], str]
    extracts: Extracts
    catalogue: Callable[[], Mapping[DatabaseId, Descriptor]]
    metrics: GatewayMetrics
    metrics_token: str
    hosts: frozenset[str]
    now: Clock
    new_id: Callable[[], str]
    places: Places = FEW
    releases: Releases = NOWHERE
