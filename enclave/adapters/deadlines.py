"""Deadlines of many statements, watched by one thread: a thread for each would cost more than a short statement does.

Decides nothing. The thread begins with the first deadline and sleeps until the next; one that was forgotten meanwhile wakes
it for nothing, so that a deadline which is later than the others, as nearly every one is, wakes nobody when it is set.
"""

import itertools
import math
import threading
import time
from collections.abc import Callable


class Deadlines:
    """What is to be done, and when. Safe to share between threads; `close` forgets everything."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[int, tuple[float, Callable[[], object]]] = {}
        self._numbers = itertools.count()
        self._wakes = math.inf
        self._begun = False
        self._closed = False

    def at(self, moment: float, act: Callable[[], object]) -> int:
        """Call `act` at that moment (`time.monotonic`); the number to `forget` it by."""
        with self._changed:
            number = next(self._numbers)
            self._due[number] = (moment, act)
            if not self._begun:
                self._begun = True
                threading.Thread(target=self._watch, name="deadlines", daemon=True).start()
            elif moment < self._wakes:
                self._changed.notify()
            return number

    def forget(self, number: int) -> None:
        """Not to be called any more. Harmless when it was, or is being called now."""
        with self._changed:
            self._due.pop(number, None)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _watch(self) -> None:
        while (due := self._wait()) is not None:
            for act in due:
                # Rare, and what it takes must not keep the next one waiting.
                threading.Thread(target=act, daemon=True).start()

    def _wait(self) -> list[Callable[[], object]] | None:
        """What is due, at the latest when the first of it is; None at the end."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                due = [number for number, (moment, _) in self._due.items() if moment <= now]
                if due:
                    return [self._due.pop(number)[1] for number in due]
                self._wakes = min((moment for moment, _ in self._due.values()), default=math.inf)
                self._changed.wait(None if self._wakes == math.inf else self._wakes - now)
        return None
