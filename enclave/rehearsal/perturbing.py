"""`enclave perturb`: a table of counts whose numbers are changed instead of hidden, by the rule sets that say how.

Decides what the command says. Another act than `enclave protect` (decision 0030): every count is changed, nothing is proven, and
readers are told the error instead. Relies on `disclosure.perturb` and `disclosure.public_tables` for every number.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

from enclave.adapters import rule_files, spec_text, table_files
from enclave.core.refusal import Refused
from enclave.disclosure.criteria.public_tables import rounded
from enclave.disclosure.criteria.rules import RuleSet
from enclave.disclosure.perturb import KEYS, Ptable, cell_key, error, parameters, ptable

Rows = Sequence[Mapping[str, Any]]


def perturb(
    table: Path, spec_file: Path, rules: Sequence[str], out: Path, policies: Path
) -> dict[str, object]:
    """Writes OUT (dimensions, count, status) and OUT.method.json (what anybody may know of the method); returns both errors.

    Spec: `dimensions: {name: {total: code}}`, `count`, and for the cell-key method either `key` (a column of cell keys) or
    `records` (a file with the dimensions and a column `record_key`, one line a person). Raises Refused `disclosure.*`.
    """
    spec = _spec(spec_file)
    sets = rule_files.resolve(rules, policies / "data")
    way = [one for one in sets if one.perturbation or one.rounding]
    if len(way) != 1 or len(sets) != 1 or (way[0].perturbation and way[0].rounding):
        # Two ways of changing one number would each undo what the other promises.
        raise Refused(
            "disclosure.rule_unsupported", {"rule": "perturbation", "rule_sets": [one.id for one in sets]}
        )
    read = [table, spec_file, *map(Path, rules), spec_file.parent / str(spec.get("records", ""))]
    if out.resolve() in {path.resolve() for path in read}:
        raise Refused("disclosure.file_unwritable", {"file": out.name})
    rows = table_files.read_table(table)
    for name in (*spec["dimensions"], spec["count"]):
        if rows and name not in rows[0]:
            raise Refused("disclosure.column_missing", {"column": name})
    cells = _cells(rows, spec)
    counts = [_whole(row[spec["count"]], spec["count"], number) for number, row in enumerate(rows, start=1)]
    shown, method = _changed(way[0], rows, counts, spec, spec_file.parent)
    _write(out, spec, rows, counts, shown)
    method_file = out.with_name(out.name + ".method.json")
    method_file.write_text(json.dumps(method, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    kept = [(old, new) for old, new in zip(counts, shown, strict=True) if new is not None]
    told = error([old for old, _ in kept], [new for _, new in kept], [])
    sums = _sums(cells, spec)
    broken = sum(
        shown[total] is not None
        and all(shown[one] is not None for one in details)
        and shown[total] != sum(shown[one] or 0 for one in details)
        for total, details in sums
    )
    return {**asdict(told), "totals": len(sums), "not_additive": broken, "method": str(method_file)}


def _spec(path: Path) -> dict[str, Any]:
    try:
        said = spec_text.read(path.read_text(encoding="utf-8-sig"), path.name)
    except OSError:
        raise Refused("disclosure.file_missing", {"file": path.name}) from None
    except UnicodeDecodeError:
        raise Refused("disclosure.spec_invalid", {"where": path.name, "needs": "YAML"}) from None
    if not isinstance(said, dict) or set(said) - {"dimensions", "count", "key", "records"}:
        raise Refused(
            "disclosure.spec_invalid", {"where": path.name, "needs": "dimensions, count, key or records"}
        )
    dimensions = said.get("dimensions")
    if not isinstance(dimensions, dict) or not dimensions or not isinstance(said.get("count"), str):
        raise Refused("disclosure.spec_invalid", {"where": "dimensions, count", "needs": "columns"})
    for name, one in dimensions.items():
        if not isinstance(one, dict) or set(one) != {"total"} or not isinstance(one["total"], str | int):
            raise Refused("disclosure.spec_invalid", {"where": f"dimensions.{name}", "needs": "a total"})
    for name in ("key", "records"):
        if name in said and not isinstance(said[name], str):
            raise Refused("disclosure.spec_invalid", {"where": name, "needs": "a text"})
    return said


def _whole(value: object, column: str, row: int) -> int:
    text = str(value)
    if not text.isdecimal():
        raise Refused("disclosure.not_a_number", {"column": column, "row": row})
    return int(text)


def _cells(rows: Rows, spec: Mapping[str, Any]) -> dict[tuple[str, ...], int]:
    found: dict[tuple[str, ...], int] = {}
    for number, row in enumerate(rows):
        key = tuple(str(row[name]) for name in spec["dimensions"])
        if key in found:
            raise Refused("disclosure.duplicate_row", {"row": number + 1})
        found[key] = number
    return found


def _sums(cells: Mapping[tuple[str, ...], int], spec: Mapping[str, Any]) -> list[tuple[int, list[int]]]:
    """Every total of one dimension with its details."""
    totals = [str(one["total"]) for one in spec["dimensions"].values()]
    found: dict[tuple[tuple[str, ...], int], list[int]] = {}
    for key, number in cells.items():
        for place, total in enumerate(totals):
            if key[place] != total:
                found.setdefault(((*key[:place], total, *key[place + 1 :]), place), []).append(number)
    return [(cells[key], details) for (key, _), details in found.items() if key in cells]


def _changed(
    rule: RuleSet, rows: Rows, counts: Sequence[int], spec: Mapping[str, Any], folder: Path
) -> tuple[list[int | None], dict[str, object]]:
    if rule.perturbation is None:
        rounding = dict(rule.rounding or {})
        method = {"method": "rounding", "rule_set": rule.id, **rounding}
        return [rounded(count, rounding) for count in counts], method
    table: Ptable = ptable(parameters(rule.perturbation))
    keys = _keys(rows, counts, spec, folder)
    shown: list[int | None] = [table.perturbed(count, key) for count, key in zip(counts, keys, strict=True)]
    return shown, {"rule_set": rule.id, **table.published()}


def _keys(rows: Rows, counts: Sequence[int], spec: Mapping[str, Any], folder: Path) -> list[int]:
    if ("key" in spec) == ("records" in spec):
        raise Refused("disclosure.spec_invalid", {"where": "key, records", "needs": "one of the two"})
    if "key" in spec:
        if rows and spec["key"] not in rows[0]:
            raise Refused("disclosure.column_missing", {"column": str(spec["key"])})
        keys = [_whole(row[spec["key"]], spec["key"], number) for number, row in enumerate(rows, start=1)]
    else:
        keys = _of_records(rows, counts, spec, table_files.read_table(folder / str(spec["records"])))
    wrong = next((number for number, key in enumerate(keys, start=1) if not 0 <= key < KEYS), None)
    if wrong is not None:
        raise Refused("disclosure.evidence_invalid", {"row": wrong})
    return keys


def _of_records(rows: Rows, counts: Sequence[int], spec: Mapping[str, Any], records: Rows) -> list[int]:
    """The key of every cell from the records in it. Raises Refused `disclosure.evidence_invalid` where a cell has another number
    of records than it says."""
    names = list(spec["dimensions"])
    totals = [str(spec["dimensions"][name]["total"]) for name in names]
    behind: dict[tuple[str, ...], list[int]] = {}
    for number, record in enumerate(records, start=1):
        for name in (*names, "record_key"):
            if name not in record:
                raise Refused("disclosure.column_missing", {"column": name})
        key = _whole(record["record_key"], "record_key", number)
        own = [(str(record[name]), total) for name, total in zip(names, totals, strict=True)]
        for cell in set(product(*own)):
            behind.setdefault(cell, []).append(key)
    found = []
    for number, (row, count) in enumerate(zip(rows, counts, strict=True), start=1):
        inside = behind.get(tuple(str(row[name]) for name in names), [])
        if len(inside) != count:
            raise Refused("disclosure.evidence_invalid", {"row": number})
        found.append(cell_key(inside))
    return found


def _write(
    out: Path, spec: Mapping[str, Any], rows: Rows, counts: Sequence[int], shown: Sequence[int | None]
) -> None:
    """The cell keys are not written: with the table of probabilities they give the counts back."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*spec["dimensions"], spec["count"], "status"])
    for row, count, number in zip(rows, counts, shown, strict=True):
        status = "hidden" if number is None else "shown" if count == 0 else "perturbed"
        writer.writerow(
            [*(row[name] for name in spec["dimensions"]), "" if number is None else number, status]
        )
    try:
        out.write_text(text.getvalue(), encoding="utf-8")
    except OSError:
        raise Refused("disclosure.file_unwritable", {"file": out.name}) from None
