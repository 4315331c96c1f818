"""The provision's own names for persons, facilities and records: keyed permutations of whole numbers.

Decides which pseudonym stands for which stable number. Relies on a secret provision key and on the register of
persons, which gives every person of a population one number for ever (`enclave.adapters.register`). Does not know an
identifier of the source and does not store a map: number and key are the map, and destroying the key destroys it.

Source of the rule: the ID5 pipeline (step 3, hashed again at every provision so that two studies cannot be
compared; step 4, aligned only for databases that one application links).

Persons and facilities, `Permutation`: 32 bits, a balanced Feistel network on two 16-bit halves. Each round's function
is a whole table of 2^16 entries drawn from SHAKE-256 under the key, so it is as good as a random function to whoever
lacks the key, and a Feistel network of random functions is a permutation whatever they are. Twelve rounds; NIST SP
800-38G uses ten for the same shape. Being a permutation of all 2^32 values, it has room: persons who arrive at a
refresh get new numbers and so new pseudonyms spread over the same space, and nobody's changes.

Records (claims, admissions), `RecordPermutation`: 63 bits, so that the holder's own numbers are permuted as they are
and no register of billions of claims is needed. The construction of NIST SP 800-38G (FF1) for binary numbers of 63
digits: ten rounds on halves of 31 and 32 bits, each half added to the AES of the other.
"""

import hashlib
import hmac
from collections.abc import Sequence

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

ROUNDS = 12
HALF = 1 << 16
SIZE = 1 << 32
RECORDS = 1 << 63
RECORD_ROUNDS = 10

CHUNK = 1 << 17
"""Numbers permuted at a time: what one works on stays in the processor's cache."""

Numbers = NDArray[np.uint32]
RecordNumbers = NDArray[np.int64]


def derive(provision_key: bytes, kind: str, group: Sequence[str]) -> bytes:
    """The key of one kind of thing (`person`, `facility`, `record`) in one linkage group of databases: 32 bytes.

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
        found = np.empty(len(numbers), dtype=np.uint32)
        for start in range(0, len(numbers), CHUNK):
            part = numbers[start : start + CHUNK]
            left = (part >> np.uint32(16)).astype(np.uint16)
            right = (part & np.uint32(HALF - 1)).astype(np.uint16)
            for table in self._tables:
                left, right = right, left ^ table.take(right)
            found[start : start + CHUNK] = left.astype(np.uint32) << np.uint32(16) | right.astype(np.uint32)
        return found

    def numbers(self, pseudonyms: Numbers) -> Numbers:
        """The numbers behind many pseudonyms, in their order. Only who holds the key can ask."""
        found = np.empty(len(pseudonyms), dtype=np.uint32)
        for start in range(0, len(pseudonyms), CHUNK):
            part = pseudonyms[start : start + CHUNK]
            left = (part >> np.uint32(16)).astype(np.uint16)
            right = (part & np.uint32(HALF - 1)).astype(np.uint16)
            for table in reversed(self._tables):
                left, right = right ^ table.take(left), left
            found[start : start + CHUNK] = left.astype(np.uint32) << np.uint32(16) | right.astype(np.uint32)
        return found

    def number(self, pseudonym: int) -> int:
        """The number behind a pseudonym: the obvious version, and the oracle of `numbers`."""
        left, right = pseudonym >> 16, pseudonym & (HALF - 1)
        for table in reversed(self._tables):
            left, right = right ^ int(table[left]), left
        return left << 16 | right


class RecordPermutation:
    """A permutation of 0 … 2^63-1 that a 32-byte key determines."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ValueError("a permutation key is 32 bytes")
        # ECB of distinct single blocks: the block cipher itself, used as the round's pseudorandom function.
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305

    def of_all(self, numbers: RecordNumbers) -> RecordNumbers:
        """The pseudonyms of many numbers, in their order. Raises ValueError for one outside 0 … 2^63-1."""
        if len(numbers) and int(numbers.min()) < 0:
            raise ValueError("outside the whole numbers of 63 bits")
        found = np.empty(len(numbers), dtype=np.int64)
        for start in range(0, len(numbers), CHUNK):
            part = numbers[start : start + CHUNK].astype(np.uint64)
            left, right = part >> np.uint64(32), part & np.uint64(0xFFFFFFFF)  # 31 and 32 bits
            for turn in range(RECORD_ROUNDS):
                width = np.uint64((1 << (31 if turn % 2 == 0 else 32)) - 1)
                left, right = right, (left + self._round(turn, right)) & width
            found[start : start + CHUNK] = (left << np.uint64(32) | right).astype(np.int64)
        return found

    def number(self, pseudonym: int) -> int:
        """The number behind a pseudonym; kept to prove that nothing is lost."""
        left, right = pseudonym >> 32, pseudonym & 0xFFFFFFFF
        for turn in reversed(range(RECORD_ROUNDS)):
            width = (1 << (31 if turn % 2 == 0 else 32)) - 1
            drawn = int(self._round(turn, np.array([left], dtype=np.uint64))[0])
            left, right = (right - drawn) & width, left
        return left << 32 | right

    def _round(self, turn: int, halves: NDArray[np.uint64]) -> NDArray[np.uint64]:
        blocks = np.zeros((len(halves), 2), dtype=np.uint64)
        blocks[:, 0] = halves
        blocks[:, 1] = turn
        drawn = self._cipher.encryptor().update(blocks.tobytes())
        return np.frombuffer(drawn, dtype="<u8")[::2]


def _table(key: bytes, number: int) -> NDArray[np.uint16]:
    drawn = hashlib.shake_256(b"enclave.feistel/1" + key + bytes([number])).digest(2 * HALF)
    return np.frombuffer(drawn, dtype="<u2").astype(np.uint16)
