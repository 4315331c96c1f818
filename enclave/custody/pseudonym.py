"""The provision's own names for persons and facilities: a keyed permutation of the unsigned 32-bit integers.

Decides which pseudonym stands for which stable number. Relies on a secret provision key and on the register of
persons, which gives every person of a population one number for ever (`enclave.adapters.vault`). Does not know an
identifier of the source and does not store a map: number and key are the map, and destroying the key destroys it.

Source of the rule: the ID5 pipeline (step 3, hashed again at every provision so that two studies cannot be
compared; step 4, aligned only for databases that one application links). Construction: a balanced Feistel network on
two 16-bit halves. Each round's function is a whole table of 2^16 entries drawn from SHAKE-256 under the key, so it is
as good as a random function to whoever lacks the key, and a Feistel network of random functions is a permutation
whatever they are. Twelve rounds; NIST SP 800-38G uses ten for the same shape.

Being a permutation of all 2^32 values, it has room: persons who arrive at a refresh get new numbers and so new
pseudonyms, and nobody's changes.
"""

import hashlib
import hmac
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ROUNDS = 12
HALF = 1 << 16
SIZE = 1 << 32

Numbers = NDArray[np.uint32]


def derive(provision_key: bytes, kind: str, group: Sequence[str]) -> bytes:
    """The key of one kind of thing (`person`, `facility`) in one linkage group of databases: 32 bytes.

    Databases that a permit links are one group and share pseudonyms; every other database is a group of its own, so
    that its pseudonyms deliberately do not agree with anyone's.
    """
    if len(provision_key) != 32:
        raise ValueError("a provision key is 32 bytes")
    label = "\x00".join(("enclave.pseudonym/1", kind, *sorted(group)))
    return hmac.digest(provision_key, label.encode(), "sha256")


class Permutation:
    """A permutation of 0 … 2^32-1 that a 32-byte key determines."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ValueError("a permutation key is 32 bytes")
        self._tables = tuple(_table(key, number) for number in range(ROUNDS))

    def of(self, number: int) -> int:
        """The pseudonym of one number: the obvious version, and the oracle of `of_all`."""
        if not 0 <= number < SIZE:
            raise ValueError("outside the unsigned 32-bit integers")
        left, right = number >> 16, number & (HALF - 1)
        for table in self._tables:
            left, right = right, left ^ int(table[right])
        return left << 16 | right

    def of_all(self, numbers: Numbers) -> Numbers:
        """The pseudonyms of many numbers, in their order."""
        left = (numbers >> np.uint32(16)).astype(np.uint16)
        right = (numbers & np.uint32(HALF - 1)).astype(np.uint16)
        for table in self._tables:
            left, right = right, left ^ table[right]
        return left.astype(np.uint32) << np.uint32(16) | right.astype(np.uint32)

    def number(self, pseudonym: int) -> int:
        """The number behind a pseudonym. Only who holds the key can ask; kept to prove that nothing is lost."""
        left, right = pseudonym >> 16, pseudonym & (HALF - 1)
        for table in reversed(self._tables):
            left, right = right ^ int(table[left]), left
        return left << 16 | right


def _table(key: bytes, number: int) -> NDArray[np.uint16]:
    drawn = hashlib.shake_256(b"enclave.feistel/1" + key + bytes([number])).digest(2 * HALF)
    return np.frombuffer(drawn, dtype="<u2").astype(np.uint16)
