"""The codes that the databases use, as positions in lists: diseases, procedures, drugs.

Decides nothing. Lines carry small integers; texts are looked up once per file when it is written. The lists come from
the parameter tables, so a code that a parameter names is always there.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from enclave.synth import tables
from enclave.synth.draws import Array


@dataclass(frozen=True)
class CodeList:
    """Parallel lists; `index` finds a position by code (or by a name that the tables use)."""

    code: tuple[str, ...]
    second: tuple[str | None, ...]
    name: tuple[str, ...]
    number: Array
    index: dict[str, int]

    def at(self, *keys: str) -> Array:
        return np.array([self.index[key] for key in keys], dtype=np.int16)


@cache
def diseases() -> CodeList:
    """Claim diseases: code, ICD-10, name; `index` by code and by the ids of the special ones."""
    found: dict[str, tuple[str, str]] = {}
    special: dict[str, str] = {}
    for table in (
        "conditions",
        "acute",
        "other_diagnoses",
        "admissions",
        "cancers",
        "designated",
        "special_diagnoses",
    ):
        for row in tables.rows(table):
            found.setdefault(row["disease_code"], (row["icd10"], row["name"]))
            if table == "special_diagnoses":
                special[row["id"]] = row["disease_code"]
    codes = tuple(found)
    index = {code: number for number, code in enumerate(codes)}
    index.update({key: index[code] for key, code in special.items()})
    return CodeList(
        codes,
        tuple(found[c][0] for c in codes),
        tuple(found[c][1] for c in codes),
        np.zeros(len(codes)),
        index,
    )


@cache
def acts() -> CodeList:
    """Procedures: code, section, name, points; `index` by the tables' short names and by code."""
    rows = [
        (r["act"], r["act_code"], r["kubun"] or None, r["name"], float(r["points"]))
        for r in tables.rows("acts")
    ]
    known = {row[1] for row in rows}
    for r in tables.rows("procedures"):
        if r["act_code"] not in known:
            known.add(r["act_code"])
            rows.append((r["act_code"], r["act_code"], r["kubun"], r["name"], float(r["points"])))
    index = {row[0]: number for number, row in enumerate(rows)}
    index.update({row[1]: number for number, row in enumerate(rows)})
    return CodeList(
        tuple(r[1] for r in rows),
        tuple(r[2] for r in rows),
        tuple(r[3] for r in rows),
        np.array([r[4] for r in rows], dtype=np.float32),
        index,
    )


@dataclass(frozen=True)
class Products:
    yj12: tuple[str, ...]
    drug_code: tuple[str, ...]
    name: tuple[str, ...]
    unit: tuple[str, ...]
    form: tuple[str, ...]
    price: Array
    key: tuple[str, ...]
    share: Array
    by_key: dict[str, Array]
    """Positions of a key's products (an ingredient's first seven digits, or a name that the tables use)."""


@cache
def products() -> Products:
    rows = tables.rows("drugs")
    keys: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        keys.setdefault(row["key"], []).append(number)
    return Products(
        yj12=tuple(r["yj12"] for r in rows),
        drug_code=tuple(r["drug_code"] for r in rows),
        name=tuple(r["name"] for r in rows),
        unit=tuple(r["unit"] for r in rows),
        form=tuple(r["form"] for r in rows),
        price=np.array([float(r["price_yen"]) for r in rows], dtype=np.float32),
        key=tuple(r["key"] for r in rows),
        share=np.array([float(r["share"]) for r in rows]),
        by_key={key: np.array(found, dtype=np.int16) for key, found in keys.items()},
    )
