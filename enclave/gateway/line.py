"""Whose question runs next: the line in which everybody's questions wait for a place at the engine.

Decides who is called, in what order, and how many at once. Relies on whoever holds a turn to give it back, and on `tick`
being called a few times a second. Runs nothing, waits for nothing and knows no clock but the one it is given.

1. Few begin at once (`Places.fresh`): as many as there are processors, since more would only share them.
2. A question that has run for `QUANTUM` is a long one: it goes on in a place of another kind, with what the processors
   have left (`slow`), and the next short question does not wait for it. How long a question takes is nothing that can be
   known before: the short ones overtake because the long ones move aside.
3. Called next is the person who holds fewest turns and, among equals, whose last turn is longest ago: in turns, however
   many questions somebody has in the line. Within a person the order is that of asking.
4. Nobody holds more places than would be left over, so that the one who comes first does not have them all.
5. The line is bounded, for a person and for everybody; beyond it a question is refused at once.

In the aggregate tier how long a statement ran depends on values. There a turn is given back at a step of the clock, when
the answer leaves (`gateway.asking`); in between it rests: other projects may have its place, its own project may not, so
that nobody reads from the waiting of a second question when the first one truly ended.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum

from enclave.core.refusal import Refused

QUANTUM = 0.25
"""Seconds after which a question is a long one."""

OF_PERSON = 48
"""Questions of one person in the line, those that run among them."""

OF_ALL = 256
"""The same of everybody."""

PATIENCE = 120.0
"""Seconds for which a question waits for its turn."""


@dataclass(frozen=True)
class Places:
    """How many questions are at the engine at once: `fresh` ones, and besides them `long` ones."""

    fresh: int
    long: int

    @property
    def total(self) -> int:
        return self.fresh + self.long


FEW = Places(2, 2)


def places_for(processors: int, workers: int) -> Places:
    """The places of a machine that has so many `processors`, and memory for so many `workers` of the engine.

    Two workers are left for submissions, whose tables are computed again (`gateway.exports`).
    """
    fresh = max(2, processors)
    return Places(fresh, max(2, workers - 2 - fresh))


class Stage(Enum):
    """ENTERED: counted, not yet allowed to run. RESTING: the engine is done, its end is not told yet."""

    ENTERED = "entered"
    WAITING = "waiting"
    HELD = "held"
    RESTING = "resting"
    GONE = "gone"


@dataclass(eq=False)
class Turn:
    """One question's place in the line; changed by its `Line` only."""

    person: str
    project: str
    slow: Callable[[], None]
    number: int
    called: "Future[None]" = field(default_factory=Future)
    """Done when the turn has come, or when it never will (`stage` is GONE)."""
    stage: Stage = Stage.ENTERED
    since: float = 0.0
    long: bool = False

    @property
    def waiting(self) -> bool:
        return self.stage is Stage.WAITING


class Line:
    """All turns of a gateway. Safe to share between threads."""

    def __init__(self, places: Places, clock: Callable[[], float] = time.monotonic) -> None:
        self.places = places
        self._clock = clock
        self._lock = threading.Lock()
        self._present: Counter[str] = Counter()
        self._waiting: list[Turn] = []
        self._busy: list[Turn] = []
        """Those that hold a turn, resting or not: never many, so that a long line costs each event little."""
        self._last: dict[str, int] = {}
        """When a person was called last, in calls; forgotten some time after they left."""
        self._calls = 0
        self._number = 0

    # -- a question's way ---------------------------------------------------------------------
    def enter(self, person: str, project: str, slow: Callable[[], None] = lambda: None) -> Turn:
        """Count a question in. Raises Refused `gateway.busy`.

        `slow` is called again and again while it holds a turn for longer than `QUANTUM` and is not alone.
        """
        with self._lock:
            if self._present[person] >= OF_PERSON or self._present.total() >= OF_ALL:
                raise Refused("gateway.busy", {"limit": OF_PERSON})
            self._number += 1
            turn = Turn(person, project, slow, self._number)
            # So that nobody who only waits for it can cancel it.
            turn.called.set_running_or_notify_cancel()
            self._present[person] += 1
            return turn

    def ask(self, turn: Turn) -> None:
        """It may run now: it waits for its turn, from here on `turn.called`."""
        with self._lock:
            if turn.stage is Stage.ENTERED:
                turn.stage = Stage.WAITING
                self._waiting.append(turn)
        self.tick()

    def withdraw(self, turn: Turn) -> None:
        """Take it out of the line where its turn has not come. It is called all the same, and finds itself gone."""
        with self._lock:
            if turn.stage in {Stage.ENTERED, Stage.WAITING}:
                self._remove(turn)

    def rest(self, turn: Turn) -> None:
        """The engine is done with it; its place is for other projects until it leaves."""
        with self._lock:
            if turn.stage is Stage.HELD:
                turn.stage = Stage.RESTING
        self.tick()

    def leave(self, turn: Turn) -> None:
        """Its end. Harmless when it has left before."""
        with self._lock:
            if turn.stage is not Stage.GONE:
                self._remove(turn)
        self.tick()

    def tick(self) -> None:
        """Let long questions make way, and call whom there is room for."""
        with self._lock:
            now = self._clock()
            slowed, called = self._lengthened(now), self._called(now)
        for turn in slowed:
            turn.slow()
        for turn in called:
            turn.called.set_result(None)

    @property
    def waiting(self) -> int:
        with self._lock:
            return len(self._waiting)

    def __len__(self) -> int:
        with self._lock:
            return self._present.total()

    # -- who is next: all of it under the lock ----------------------------------------------------
    def _called(self, now: float) -> list[Turn]:
        found = []
        while (turn := self._next()) is not None:
            turn.stage, turn.since = Stage.HELD, now
            self._calls += 1
            self._last[turn.person] = self._calls
            self._waiting.remove(turn)
            self._busy.append(turn)
            found.append(turn)
        return found

    def _next(self) -> Turn | None:
        first: dict[str, Turn] = {}
        for turn in self._waiting:
            if turn.person not in first and self._room(turn):
                first[turn.person] = turn
        if not first:
            return None
        held = Counter(turn.person for turn in self._busy)

        def order(turn: Turn) -> tuple[int, int, int]:
            return held[turn.person], self._last.get(turn.person, 0), turn.number

        return min(first.values(), key=order)

    def _room(self, turn: Turn) -> bool:
        busy = list(self._beside(turn))
        free = self.places.total - len(busy) - 1
        mine = sum(other.person == turn.person for other in busy)
        return free >= mine and sum(not other.long for other in busy) < self.places.fresh

    def _beside(self, turn: Turn) -> Iterable[Turn]:
        """The turns that hold a place, as far as the project of `turn` may notice it."""
        for other in self._busy:
            if other.stage is Stage.HELD or other.project == turn.project:
                yield other

    def _lengthened(self, now: float) -> list[Turn]:
        # One that rests is told from one that runs by nothing that its own project could notice.
        for turn in sorted((t for t in self._busy if not t.long), key=lambda t: t.since):
            if now - turn.since >= QUANTUM:
                turn.long = sum(other.long for other in self._beside(turn)) < self.places.long
        held = [turn for turn in self._busy if turn.stage is Stage.HELD]
        if len(held) + len(self._waiting) < 2:
            # Alone it takes whatever there is.
            return []
        return [turn for turn in held if now - turn.since >= QUANTUM]

    def _remove(self, turn: Turn) -> None:
        match turn.stage:
            case Stage.WAITING:
                self._waiting.remove(turn)
            case Stage.HELD | Stage.RESTING:
                self._busy.remove(turn)
        turn.stage = Stage.GONE
        self._present[turn.person] -= 1
        if not self._present[turn.person]:
            del self._present[turn.person]
            if len(self._last) > 4 * OF_ALL:
                self._last = {who: last for who, last in self._last.items() if who in self._present}
        if not turn.called.done():
            turn.called.set_result(None)
