"""What every subject needs of a block: its persons, its places in time, and its own chance."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from enclave.synth.draws import Array, stream
from enclave.synth.period import Window
from enclave.synth.places import Places
from enclave.synth.population import People


@dataclass(frozen=True)
class World:
    """What is the same for all blocks."""

    seed: int
    window: Window
    places: Places
    people: People
    persons: int
    """How many live on the reference day; the scale against the real country."""

    @property
    def blocks(self) -> int:
        return int(self.people.block[-1]) + 1


@dataclass(frozen=True)
class Block:
    """One block of persons. Persons are positions 0 … n − 1 inside it."""

    world: World
    number: int

    @cached_property
    def people(self) -> People:
        return self.world.people.part(self.number)

    @property
    def window(self) -> Window:
        return self.world.window

    @property
    def places(self) -> Places:
        return self.world.places

    @property
    def n(self) -> int:
        return self.people.size

    def rng(self, topic: str) -> np.random.Generator:
        return stream(self.world.seed, self.number, topic)

    def age(self, month: Array | int, person: Array | slice = slice(None)) -> Array:
        """Age in whole years in a month of the window (as if every birthday were on the month's last day)."""
        years: Array = ((self.window.era0 + month - self.people.birth_era[person]) // 12).astype(np.int16)
        return years

    @cached_property
    def yearly_age(self) -> Array:
        """(person, year) Age at the beginning of each year of the window and at its end; negative before birth."""
        return np.stack([self.age(12 * year) for year in range(self.window.years + 1)], axis=1)

    @cached_property
    def born(self) -> Array:
        """First month of each person in the window."""
        months: Array = np.maximum(self.people.birth_era - self.window.era0, 0).astype(np.int32)
        return months

    def muni(self, person: Array, month: Array) -> Array:
        """Municipality of residence in a month."""
        people = self.people
        muni: Array = np.where(
            month >= people.move_month[person], people.muni_after[person], people.muni[person]
        )
        return muni
