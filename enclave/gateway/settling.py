"""What a prepared statement of the aggregate tier asks the extract first, run (`query.blocks`). Decides nothing."""

from collections.abc import Callable

import pyarrow as pa

from enclave.gateway.deps import Engine, Run
from enclave.gateway.key_values import lines
from enclave.query.flow import Unsettled
from enclave.query.stages import Guarded


def settled(
    engine: Engine,
    prepared: Guarded | Unsettled,
    started: Callable[[Run], None] = lambda _: None,
    since: float | None = None,
) -> Guarded:
    """What may run. `started` is told of each run, so that somebody can stop it; `since` as `Engine.run` has it.

    Raises Refused `query.*`.
    """
    if isinstance(prepared, Guarded):
        return prepared
    answers = []
    for question in prepared.questions():
        run = engine.run(question, since)
        try:
            started(run)
            answers.append(lines(pa.Table.from_batches(list(run.batches()), schema=run.schema)))
        finally:
            run.close()
    return prepared.settle(answers)
