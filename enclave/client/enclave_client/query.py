"""One query: sent, followed while it runs, and believed only when the gateway says that it is done.

1. the statement is sent; the answer's headers come when it is authorised, with the query's id
2. the Arrow stream is read beside, while the state is asked for and shown
3. an interrupt tells the gateway to cancel before the notebook goes on
4. a stream that ends says nothing: the state decides, and a cut answer is thrown away as a whole
"""

import contextlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from enclave_client.progress import Bar
from enclave_client.refusal import Cancelled, Refused
from enclave_client.wire import Gateway, Json

POLL_SECONDS = 0.25
SETTLE_SECONDS = 15.0
"""How long the state may still say `running` after the stream has ended."""


@dataclass(frozen=True)
class Answer:
    """What a query gave. `receipt` as in the gateway's own words (its id, cells, log positions, …)."""

    query: str
    data: pa.Table
    receipt: Json


def ask(gateway: Gateway, body: Mapping[str, object]) -> Answer:
    """Steps 1 to 4. Raises `Refused`, or `Cancelled` when the person interrupts."""
    with gateway.open("POST", "/v1/queries", body, patient=True) as response:
        query = response.headers.get("Enclave-Query", "")
        read: list[pa.Table] = []
        finished = threading.Event()

        def drain() -> None:
            # Any failure means the same here: no whole answer. Why is the gateway's to say (step 4).
            with (
                contextlib.suppress(Exception),
                pa.ipc.open_stream(pa.PythonFile(response, mode="r")) as stream,
            ):
                read.append(stream.read_all())
            finished.set()

        try:
            reader = threading.Thread(target=drain, name="enclave-query", daemon=True)
            reader.start()
            with Bar(gateway.language) as bar:
                while not finished.wait(POLL_SECONDS):
                    with contextlib.suppress(Refused):
                        state = gateway.json("GET", f"/v1/queries/{query}")
                        bar.show(float(state.get("progress") or 0.0), bool(state.get("waiting")))
            state = _settled(gateway, query)
        except KeyboardInterrupt:
            with contextlib.suppress(Refused):
                gateway.json("DELETE", f"/v1/queries/{query}")
            raise Cancelled(query, gateway.language) from None
    if state.get("state") != "done":
        raise _why(gateway, state)
    if not read:
        raise Refused.own("client.incomplete", gateway.language)
    receipt = state.get("receipt") or {}
    if isinstance(receipt.get("rows"), int) and receipt["rows"] != read[0].num_rows:
        raise Refused.own("client.incomplete", gateway.language)
    return Answer(query, read[0], {"id": query, **receipt})


def _settled(gateway: Gateway, query: str) -> Json:
    until = time.monotonic() + SETTLE_SECONDS
    while (state := gateway.json("GET", f"/v1/queries/{query}")).get(
        "state"
    ) == "running" and time.monotonic() < until:
        time.sleep(0.02)
    return state


def _why(gateway: Gateway, state: Json) -> Refused:
    if isinstance(problem := state.get("problem"), Mapping):
        return Refused.from_problem(problem, gateway.language)
    if code := state.get("code"):
        return Refused(str(code), language=gateway.language)
    return Refused.own("client.incomplete", gateway.language)
