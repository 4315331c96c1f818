"""Which records of persons are one person: tiers of agreeing identifiers, each with what would contradict it.

Decides the order of the keys and what stops a link; `enclave.adapters.person_linkage` carries it out over all records
of a population. Relies on the holders' keyed hashes, aligned so that equal values mean equal inputs in every database:

- ID5 from the oldest individual-level insured number through its history: the best, not there before 2022;
- ID1 from insurer, insured number, date of birth, sex: another one after a change of insurer; twins of one sex share it;
- ID2 from name, date of birth, sex: another one after a change of name or of spelling;
- ID4 from the name in kana, date of birth, sex: as ID2, and strangers of one name share it.

Does not weigh: a link stands on a rule that can be read, and what is ambiguous is left apart. A person who stays two
loses a few rows of a study; two persons who become one corrupt it, and tell one's illness as the other's. What
probabilities would add was measured (docs/decisions).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Guard(StrEnum):
    """What contradicts a link. Absent values contradict nothing."""

    ONE_SEX = "one sex"
    ONE_BIRTH_MONTH = "one birth month"
    ONE_ID5 = "one ID5"
    """A person has one oldest number: two different ones are two persons."""
    ONE_AT_A_TIME = "one record at a time in a database"
    """A holder that saw both on the same days under different numbers saw two persons (twins, namesakes)."""
    NAMES_AGREE = "no other name at the same time"
    """Seen over the same time under names of which none agrees: twins who share ID1."""


@dataclass(frozen=True)
class Tier:
    """Records that share a value of every key, observed together, are one person unless a guard says no."""

    name: str
    keys: tuple[str, ...]
    guards: tuple[Guard, ...]


_ALWAYS = (Guard.ONE_SEX, Guard.ONE_BIRTH_MONTH, Guard.ONE_ID5)

TIERS: tuple[Tier, ...] = (
    Tier("ID5", ("id5",), (Guard.ONE_SEX, Guard.ONE_BIRTH_MONTH)),
    Tier("ID1 and ID2", ("id1", "id2"), _ALWAYS),
    Tier("ID1 and ID4", ("id1", "id4"), _ALWAYS),
    Tier("ID1", ("id1",), (*_ALWAYS, Guard.ONE_AT_A_TIME, Guard.NAMES_AGREE)),
    Tier("ID2 and ID4", ("id2", "id4"), (*_ALWAYS, Guard.ONE_AT_A_TIME)),
    Tier("ID2", ("id2",), (*_ALWAYS, Guard.ONE_AT_A_TIME)),
    Tier("ID4", ("id4",), (*_ALWAYS, Guard.ONE_AT_A_TIME)),
)
"""From the strongest to the weakest. A later tier never undoes an earlier one."""

OVERLAP_DAYS = 45
"""Days that two times must share to be "the same time": claims are monthly, and a change is entered late."""


@dataclass(frozen=True)
class Quality:
    """How links agree with the truth, counted in pairs of records of two databases that are one person.

    `true` pairs there are, `found` pairs were linked, `right` of these are true.
    """

    true: int
    found: int
    right: int

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def single_keys(keys: Sequence[str]) -> tuple[tuple[Tier, ...], ...]:
    """Linkage by each key alone and without guards, to compare with."""
    return tuple((Tier(key.upper(), (key,), ()),) for key in keys)
