"""Numbers of persons as each holder keeps them, and the hashed identifiers that could tie them together.

Decides, per database, when a holder loses sight of a person (and gives a second number), and what a record shows of
ID1 (insured number), ID2 (name), ID4 (kana name) and ID5 (oldest individual number, from 2022-04). Relies on `lives`
for insurer changes, new names and slips. The hashes are equal in every database that carries the key; a number in one
database says nothing in another. Rates: field notes [DK]; welfare lacks ID4 before 2023-04 for most.
"""

from binascii import hexlify
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import pyarrow as pa

from enclave.synth.block import Block
from enclave.synth.draws import Array, mixed
from enclave.synth.lives import INDIVIDUAL_NUMBERS, SPELLS, Lives
from enclave.synth.period import NEVER

KEYS = {
    "ndb": ("id1", "id2", "id4", "id5"),
    "kaigo": ("id2", "id4", "id5"),
    "dpc": ("id1", "id2", "id5"),
    "vac": ("id4", "id5"),
    "welfare": ("id4", "id5"),
    "nanbyo": ("id2", "id4", "id5"),
    "shoman": ("id2", "id4", "id5"),
    "idb": ("id4",),
    "nextgen": ("id1", "id2", "id5"),
}
"""What each holder's records carry. Databases that are not here link with nobody."""

BY_RESIDENCE = {"kaigo", "vac", "welfare", "nanbyo", "shoman"}
"""Holders whose number comes from where one lives: a move breaks it while nothing else ties records together."""

ID5_COVERAGE = 0.985
NAMES = 400_000
KANA_NAMES = 120_000
"""Different names in use (in effect): people of one birthday and sex may share one."""


@dataclass(frozen=True)
class Registry:
    """The block's persons as holders see them."""

    block: Block
    lives: Lives

    def _since(self) -> int:
        return self.block.window.month_at(*INDIVIDUAL_NUMBERS)

    def epoch(self, database: str, person: Array, month: Array) -> Array:
        """How often the holder had lost sight of the person before that month."""
        lives, people = self.lives, self.block.people
        since = self._since()
        if database in BY_RESIDENCE:
            lost = (people.move_month < since) & (
                mixed(people.id, crc32(database.encode())) % np.uint64(2) == 0
            )
            after: Array = (lost[person] & (month >= people.move_month[person])).astype(np.int64)
            return after
        if database == "idb":
            slips: Array = lives.slip[person, lives.spell(person, month)].astype(np.int64)
            return slips
        spell = lives.spell(person, month).astype(np.int64)
        # A new name together with a new insurer: neither hash lasts. Afterwards nothing leads back.
        renamed = lives.renamed[person]
        both = (lives.change[person] == renamed[:, None]).any(axis=1) & (renamed < since) & (month >= renamed)
        # A mistyped name stands alone while its insurance lasts, unless the oldest number comes to tie it.
        ends = np.where(spell < SPELLS, lives.change[person, np.minimum(spell, SPELLS - 1)], NEVER)
        alone = lives.slip[person, spell] & (ends <= since)
        # The name before or after a change within the spell is mistyped as well, so it is one stretch.
        return np.where(alone, 8 + spell, both.astype(np.int64))

    def number(self, database: str, person: Array, month: Array) -> Array:
        """The holder's number of each record's person (uint64)."""
        return self._number(database, person, self.epoch(database, person, month))

    def _number(self, database: str, person: Array, epoch: Array) -> Array:
        key = crc32(f"number of {database}".encode()) + self.block.world.seed * 2**32
        values = self.block.people.id[person] * np.uint64(64) + epoch.astype(np.uint64)
        return mixed(np.uint64(key % 2**64), values) >> np.uint64(1)

    def truth(self, database: str, person: Array, month: Array) -> pa.Table:
        """(person, true_id) for the records' persons, each once."""
        epoch = self.epoch(database, person, month)
        unique = np.unique(person.astype(np.int64) * 64 + epoch)
        who = unique // 64
        return pa.table(
            {"person": self._number(database, who, unique % 64), "true_id": self.block.people.id[who]}
        )

    def table(self, database: str, person: Array, month: Array, day: Array) -> pa.Table:
        """identifiers.parquet: one row per number and observed combination, with the first and last day seen."""
        lives, people = self.lives, self.block.people
        person, month = person.astype(np.int64), month.astype(np.int64)
        epoch = self.epoch(database, person, month)
        spell = lives.spell(person, month).astype(np.int64)
        married = (month >= lives.renamed[person]).astype(np.int64)
        era = (month >= self._since()).astype(np.int64)
        late = (month >= self.block.window.month_at(2023, 4)).astype(np.int64)
        key = ((((person * 64 + epoch) * 16 + spell) * 2 + married) * 2 + era) * 2 + late
        order = np.lexsort((day, key))
        key, day = key[order], day[order]
        edge = np.r_[True, key[1:] != key[:-1]] if len(key) else np.zeros(0, dtype=bool)
        starts = np.flatnonzero(edge)
        ends = np.r_[starts[1:], len(key)] - 1 if len(starts) else starts
        kept = key[starts]
        late, era, married = kept % 2, kept // 2 % 2, kept // 4 % 2
        spell, epoch, who = kept // 8 % 16, kept // 128 % 64, kept // (128 * 64)
        # The same combination seen before and after a date is one row per period: what is missing differs.
        birth, sex = people.birth[who], people.sex[who].astype(np.int64)
        slip = lives.slip[who, spell].astype(np.int64)
        # Each mistyped registration has its own mistake.
        version = married * 2 + slip * (1 + 4 * (spell + 1))
        name = mixed(people.id[who], 11) % np.uint64(NAMES)
        kana = name % np.uint64(KANA_NAMES)
        columns = {
            "id1": (_hash(1, lives.policy[who, spell], birth, sex), np.ones(len(who), dtype=bool)),
            "id2": (_hash(2, name, version, birth, sex), np.ones(len(who), dtype=bool)),
            "id4": (_hash(4, kana, version, birth, sex), self._has_id4(database, who, spell, late)),
            "id5": (_hash(5, people.id[who], 0, 0, 0), (era == 1) & self._has_id5(who)),
        }
        shown_sex = pa.array(sex.astype(np.int8), mask=self._lacks_sex(database, who))
        keys = KEYS[database]
        months = people.birth_era[who]
        first = (
            (months.astype(np.int64) - 1970 * 12)
            .astype("datetime64[M]")
            .astype("datetime64[D]")
            .astype(np.int32)
        )
        return pa.table(
            {
                "person": self._number(database, who, epoch),
                **{
                    name: _text(*columns[name]) if name in keys else pa.nulls(len(who), pa.string())
                    for name in ("id1", "id2", "id4", "id5")
                },
                "sex": shown_sex,
                "birth_ym": pa.array(first).cast(pa.date32()),
                "first_seen": pa.array(day[starts].astype(np.int32)).cast(pa.date32()),
                "last_seen": pa.array(day[ends].astype(np.int32)).cast(pa.date32()),
            }
        )

    def _lacks_sex(self, database: str, who: Array) -> Array:
        if database != "welfare":
            return np.zeros(len(who), dtype=bool)
        return mixed(self.block.people.id[who], 17) % np.uint64(100) < np.uint64(9)

    def _has_id4(self, database: str, who: Array, spell: Array, late: Array) -> Array:
        if database != "welfare":
            return np.ones(len(who), dtype=bool)
        early = mixed(self.block.people.id[who], 19, spell) % np.uint64(100) < np.uint64(25)
        known: Array = (early | (late == 1)) & ~self._lacks_sex(database, who)
        return known

    def _has_id5(self, who: Array) -> Array:
        known: Array = mixed(self.block.people.id[who], 23) % np.uint64(1000) < np.uint64(ID5_COVERAGE * 1000)
        return known


def _hash(kind: int, *parts: Array | int) -> Array:
    """(rows, 2) 64-bit words of a 128-bit value."""
    words = [np.asarray(part).astype(np.int64).view(np.uint64) for part in parts]
    return np.stack([mixed(kind * 2 + 101, *words), mixed(kind * 2 + 102, *words)], axis=-1)


def _text(words: Array, known: Array) -> pa.Array:
    if len(words) == 0:
        return pa.nulls(0, pa.string())
    data = np.ascontiguousarray(words.astype(">u8")).tobytes()
    values = np.frombuffer(hexlify(data), dtype="S32")
    return pa.array(values, mask=~known).cast(pa.string())


__all__ = ["KEYS", "NEVER", "Registry"]
