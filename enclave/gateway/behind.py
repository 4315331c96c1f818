"""The persons behind the cells of a table that asks to leave, on their way to custody and nowhere else.

Decides nothing: runs the table's own statement with lists of persons in place of their numbers (`query.members`), in a
worker like any question, over the extract of the receipt, and lays the lists beside the cells that are shown. Nothing of
it is kept here, written, logged or answered.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from enclave.disclosure.answers.table import (
    TOTAL,
    Cell,
    Hidden,
    Inhabitants,
    Perturbed,
    ProtectedTable,
    Shown,
    canonical,
)
from enclave.disclosure.criteria.rules import Rules
from enclave.disclosure.releases.history import MARGIN
from enclave.export.history import Matched
from enclave.gateway.cells import keys_of
from enclave.gateway.deps import OpenExtract
from enclave.query.members import measured, members_of
from enclave.query.stages import Cells, Guarded


class Asked(Protocol):
    """A statement, and the extract that it was asked of."""

    @property
    def guarded(self) -> Guarded: ...

    @property
    def extract(self) -> OpenExtract: ...


@dataclass(frozen=True)
class Behind:
    """The lists of one statement. `words`: what each column computes; `place`: keys of a row → its number in `lists`."""

    cells: Cells
    sql: str
    words: Mapping[str, str]
    lists: pa.Table
    place: Mapping[tuple[tuple[str, str], ...], int]

    def covers(self, file: Matched, answer: ProtectedTable) -> bool:
        """Whether every row of the file that shows a number has its lists: else nothing may be concluded from them."""
        return all(
            canonical(answer.rows[number].keys) in self.place
            for number in file.rows
            if not all(isinstance(cell, Hidden) for cell in answer.rows[number].cells)
        )

    def shown(
        self, file: Matched, answer: ProtectedTable, rules: Rules, inhabitants: Inhabitants | None
    ) -> Iterator[dict[str, Any]]:
        """Every set of persons behind a number that the file shows, as custody takes it; a set once per row and measure. A row of
        one municipality says which, and how many persons the rules ask for there.

        A number that nobody is behind has no set: a zero is shown as it is, or hidden.
        """
        parts = {part.id: part.persons for part in self.cells.parts}
        measures = {one.name: one for one in self.cells.measures}
        places = {one.name: number for number, one in enumerate(answer.measures)}
        for number in file.rows:
            row = answer.rows[number]
            at = self.place.get(canonical(row.keys))
            if at is None:
                continue
            keys = [
                [name, MARGIN if key is TOTAL else "" if key is None else str(key)]
                for name, key in zip(answer.dimensions, row.keys, strict=True)
            ]
            area = _area(row.keys, rules, inhabitants, self.sql)
            for name in file.columns:
                if isinstance(row.cells[places[name]], Hidden):
                    continue
                for column in sorted({parts[one] for one in measures[name].parts}):
                    persons = self.lists.column(column)[at].values
                    if persons is not None and len(persons.drop_null()):
                        packed = np.asarray(persons.drop_null(), dtype="<u4").tobytes()
                        said = f"{self.sql}\0{canonical(row.keys)}\0{column}"
                        yield {
                            "table": f"{file.name} {name}",
                            "keys": keys,
                            "persons": base64.b64encode(packed).decode(),
                            "definition": sha256(said.encode()).hexdigest(),
                            "measure": sha256(self.words[name].encode()).hexdigest(),
                            "value": sha256(repr(_value(row.cells[places[name]])).encode()).hexdigest(),
                            **area,
                        }


def members(asked: Asked) -> Behind | None:
    """The persons behind every cell of an answer; None where the statement cannot name them. Raises Refused `query.*`."""
    listing = members_of(asked.guarded)
    if listing is None or asked.guarded.cells is None:
        return None
    run = asked.extract.engine.run(listing)
    try:
        lists = pa.Table.from_batches(list(run.batches()), schema=run.schema)
    finally:
        run.close()
    keys = keys_of(lists, asked.guarded.cells)
    place = {canonical(one): n for n, one in enumerate(keys)}
    return Behind(asked.guarded.cells, listing.sql, measured(asked.guarded), lists, place)


def _area(
    keys: tuple[object, ...], rules: Rules, inhabitants: Inhabitants | None, sql: str
) -> dict[str, str | int]:
    """The municipality that a row is about, and the persons that the rules ask for there; nothing where it is about none.

    Restricted to municipalities by a condition it is called by its statement: another statement's is not known to be the same.
    """
    population = None if inhabitants is None else inhabitants.of(keys)
    if inhabitants is None or population is None:
        return {}
    named = [str(keys[place]) for place, _ in inhabitants.places if keys[place] is not TOTAL]
    area = "/".join(named) or sha256(sql.encode()).hexdigest()
    floor = rules.threshold(population)
    # Of a municipality that shows nothing there is no number; a zero beside it is nobody's.
    return {"area": area, "floor": floor if floor is not None else rules.n}


def _value(cell: Cell) -> object:
    return cell.value if isinstance(cell, Shown | Perturbed) else None
