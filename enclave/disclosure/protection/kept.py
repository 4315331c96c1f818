"""The moves of a pattern that is being sought, and what is hidden for their sake.

Decides which moves are needless: those whose unsafe cells are all moved by others. What no move uses any more is shown again.
Does not say where moves come from (`covering`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from enclave.disclosure.protection.attack import Floats

Bools = npt.NDArray[np.bool_]
Move = Mapping[int, int]

FREE = 0.01
"""What a step in a hidden cell costs: short moves, no more."""


@dataclass
class Moves:
    """Kept moves, by which of them each unsafe cell is moved, and which of them each hidden cell serves."""

    unsafe: Bools
    cost: Floats
    hidden: Bools = field(init=False)
    moves: dict[int, Move] = field(default_factory=dict)
    movers: dict[int, set[int]] = field(default_factory=dict)
    users: dict[int, set[int]] = field(default_factory=dict)
    number: int = 0

    def __post_init__(self) -> None:
        self.hidden = self.unsafe.copy()

    def bare(self, cell: int) -> bool:
        return not self.movers.get(cell)

    def add(self, move: Move) -> int:
        self.number += 1
        self.restore(self.number, move)
        return self.number

    def restore(self, number: int, move: Move) -> None:
        self.moves[number] = move
        for cell in move:
            self.users.setdefault(cell, set()).add(number)
            if self.unsafe[cell]:
                self.movers.setdefault(cell, set()).add(number)
        self.hidden[list(move)] = True

    def drop(self, number: int) -> Move:
        """Takes a move away, and shows what only it needed."""
        move = self.moves.pop(number)
        for cell in move:
            self.users[cell].discard(number)
            if self.unsafe[cell]:
                self.movers[cell].discard(number)
            elif not self.users[cell]:
                self.hidden[cell] = False
        return move

    def needless(self, number: int) -> bool:
        return all(len(self.movers[cell]) > 1 for cell in self.moves[number] if self.unsafe[cell])

    def tidy(self) -> None:
        """Drops moves that others make needless, first those that free most."""

        def frees(number: int) -> float:
            return float(
                sum(
                    self.cost[cell]
                    for cell in self.moves[number]
                    if len(self.users[cell]) == 1 and not self.unsafe[cell]
                )
            )

        for number in sorted(self.moves, key=lambda one: (-frees(one), one)):
            if self.needless(number):
                self.drop(number)

    def total(self) -> float:
        return float(self.cost[self.hidden & ~self.unsafe].sum())

    def priced(self) -> Floats:
        return np.where(self.hidden, FREE, np.maximum(self.cost, FREE))
