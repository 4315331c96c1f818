"""`enclave protect`: tables from files to files, with the program's rule sets and without a policy server.

Decides what the command says. Relies on `disclosure` for every number and on `adapters.table_files` for every file. What is
verified is read here once more, by code of its own.
"""

import csv
import json
import math
import time
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from enclave.adapters import rule_files, spec_text, table_files
from enclave.core.refusal import Refused
from enclave.disclosure.proof import reread
from enclave.disclosure.proof import verify as checker
from enclave.disclosure.protection.protecting import protect as protected_table
from enclave.disclosure.protection.spec import Spec
from enclave.disclosure.protection.tabular import Tabular, linked, tabular
from enclave.rehearsal.program import began, policies_of_program

__all__ = ["began", "policies_of_program", "protect", "verify"]

_RESERVE_S, _RESERVED = 0.4, 0.02
"""Of the time limit, what is kept for the end of the process: seconds, and a share for what comes between."""


def _read(table: Path, spec_file: Path, rules: Sequence[str], policies: Path) -> tuple[Spec, Tabular]:
    specs = table_files.read_specs(spec_file)
    sets = rule_files.resolve(rules, policies / "data")
    spec, parents = specs[0]
    if not spec.name:
        return spec, tabular(spec, parents, table_files.read_table(table), sets)
    tables = [(one, above, table_files.read_table(table / one.file)) for one, above in specs]
    return spec, linked(tables, sets)


def protect(
    table: Path,
    spec_file: Path,
    rules: Sequence[str],
    out: Path,
    published: Path | None,
    policies: Path,
    began: float,
) -> dict[str, object]:
    """Protects and writes; what was done in numbers. `began`: when the command started, by `time.monotonic`. Of a spec of
    several tables, `table` is the folder of their files and `out` and `published` are folders too."""
    spec, read = _read(table, spec_file, rules, policies)
    _apart(table, spec_file, read, rules, out, published)
    limit = math.inf if spec.time_limit is None else spec.time_limit * (1 - _RESERVED) - _RESERVE_S

    def left() -> float:
        return limit - (time.monotonic() - began)

    done = protected_table(read, left, time.monotonic() - began)
    table_files.write(done, spec, out, published)
    secondary = [place for place, one in done.hidden.items() if not one.unsafe]
    loss = sum((read.system.costs[place] for place in secondary), Fraction(0))
    return {
        "cells": len(read.keys),
        "primary": len(done.hidden) - len(secondary),
        "secondary": len(secondary),
        "loss": float(loss),
        "bound": done.found.bound,
        "optimal": not done.found.ended,
        "seconds": round(time.monotonic() - began, 2),
    }


def _apart(
    table: Path, spec_file: Path, read: Tabular, rules: Sequence[str], out: Path, published: Path | None
) -> None:
    """Raises Refused `disclosure.file_unwritable` where a file would be written over one that is read, or over another: the
    public would get the certificates."""
    if not out.name:
        raise Refused("disclosure.file_unwritable", {"file": str(out)})
    names = [one.spec.name for one in read.parts]
    folders = [one for one in (out, published) if one is not None]
    written = [one / f"{name}.csv" for one in folders for name in names] or folders
    written.append(out.with_name(out.name + ".cert.jsonl"))
    taken = {path.resolve() for path in (spec_file, *map(Path, rules))}
    taken |= {(table / one.spec.file).resolve() for one in read.parts} or {table.resolve()}
    for spec, _ in table_files.read_specs(spec_file):
        taken |= {(spec_file.parent / one.hierarchy).resolve() for one in spec.dimensions if one.hierarchy}
    for path in written:
        if path.resolve() in taken:
            raise Refused("disclosure.file_unwritable", {"file": path.name})
        taken.add(path.resolve())


def verify(
    table: Path, spec_file: Path, rules: Sequence[str], out: Path, policies: Path
) -> dict[str, object]:
    """Checks the certificates of what was protected. Raises Refused `disclosure.certificate_invalid`.

    What the protector reads is read here once more and in another way: as it is written.
    """
    files = [rule_files.file_of(name, policies / "data") for name in rules]
    try:
        raw = [yaml.safe_load(path.read_text("utf-8")) for path in files]
        spec = spec_text.read(spec_file.read_text("utf-8-sig"), spec_file.name)
        lines = out.with_name(out.name + ".cert.jsonl").read_text(encoding="utf-8").splitlines()
        certificates = [json.loads(line, object_pairs_hook=_once) for line in lines]
        tables = [
            _written(table / about["file"], out / f"{name}.csv", about, spec_file)
            for name, about in spec.get("tables", {}).items()
        ]
        claim, wrong = reread.claim(tables or [_written(table, out, spec, spec_file)], spec, raw)
        found = wrong or list(checker.problems(claim, certificates))
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise Refused("disclosure.certificate_invalid", {"what": type(error).__name__, "count": 1}) from None
    if found:
        raise Refused("disclosure.certificate_invalid", {"what": found[0], "count": len(found)})
    return {"hidden": len(certificates), "verified": True}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose second entry of a name would silently take the place of the first is none."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("written twice")
    return found


def _written(table: Path, out: Path, about: dict[str, Any], spec_file: Path) -> reread.Files:
    trees = {
        name: {str(row["child"]): str(row["parent"]) for row in _rows(spec_file.parent / one["hierarchy"])}
        for name, one in about["dimensions"].items()
        if one.get("hierarchy")
    }
    totals = {name: str(one["total"]) for name, one in about["dimensions"].items()}
    within = {name: str(code) for name, code in (about.get("within") or {}).items()}
    return reread.Files(_rows(table), _rows(out), totals, trees, within)


def _rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix.lower() == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    # Only now: as long to load as a small table takes to protect.
    import pyarrow.ipc
    import pyarrow.parquet

    if path.suffix.lower() == ".parquet":
        found = pyarrow.parquet.read_table(path).to_pylist()
    else:
        found = pyarrow.ipc.open_file(path).read_all().to_pylist()
    return [
        {name: Decimal(repr(value)) if isinstance(value, float) else value for name, value in row.items()}
        for row in found
    ]
