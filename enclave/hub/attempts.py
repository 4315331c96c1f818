"""How often a log-in may fail before it has to wait. In memory: a restart of the hub forgets, which costs an attacker
more time than it saves.

Decides per name, whether or not a person of that name exists, so that the wait says nothing about who exists. A right
password does not shorten the wait. Holds at most NAMES names, so that a flood of invented ones fills no memory.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

FREE_FAILURES = 5
FIRST_WAIT = 15.0
LONGEST_WAIT = 300.0
FORGOTTEN_AFTER = 900.0
NAMES = 10_000


@dataclass
class Attempts:
    """Failures by name; times are seconds of any steady clock and arrive as arguments."""

    _failures: OrderedDict[str, tuple[int, float]] = field(default_factory=OrderedDict)

    def wait(self, name: str, now: float) -> float:
        """Seconds that this name must wait before the next attempt is looked at; 0 where it need not."""
        count, last = self._failures.get(name, (0, 0.0))
        if count < FREE_FAILURES or now - last > FORGOTTEN_AFTER:
            return 0.0
        pause = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (count - FREE_FAILURES))
        return max(0.0, last + pause - now)

    def failed(self, name: str, now: float) -> None:
        """Note a failure."""
        count, last = self._failures.pop(name, (0, now))
        self._failures[name] = (1 if now - last > FORGOTTEN_AFTER else count + 1, now)
        while len(self._failures) > NAMES:
            self._failures.popitem(last=False)

    def succeeded(self, name: str) -> None:
        """Forget a name's failures."""
        self._failures.pop(name, None)
