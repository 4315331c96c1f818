"""How well linkage finds who is who, against the truth that synthetic databases bring with them.

Decides nothing; runs the tiers of `enclave.custody.linkage` over `<folder>/<database>/identifiers.parquet` and holds the
links against `<folder>/truth/<database>.parquet` (`person, true_id`), pair of databases by pair. Beside them stands what
each key alone would have linked. Custody itself never reads a truth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from enclave.adapters.custody_engine import quiet, text
from enclave.adapters.person_linkage import Labels, link
from enclave.catalogue.descriptor import LINK_KEYS
from enclave.core.refusal import Refused
from enclave.custody.linkage import TIERS, Quality, Tier, single_keys

METHOD = "tiers"
ALL = "all"


@dataclass(frozen=True)
class Report:
    """`quality[method][pair]`; a pair is `dpc-ndb`, or `all`. A method is `tiers` or a key."""

    observations: int
    records: Mapping[str, int]
    quality: Mapping[str, Mapping[str, Quality]]


def measure(folder: Path) -> Report:
    """Link what lies in a folder of synthetic databases. Raises Refused `catalogue.file_missing`."""
    databases = sorted(path.parent.name for path in folder.glob("*/identifiers.parquet"))
    databases = [one for one in databases if (folder / "truth" / f"{one}.parquet").exists()]
    if len(databases) < 2:
        facts = {"table": "identifiers", "file": f"{folder.name}/*/identifiers.parquet"}
        raise Refused("catalogue.file_missing", facts)
    with duckdb.connect() as connection, quiet("custody.engine", {}):
        load(connection, folder, databases)
        records = dict(
            connection.execute("SELECT database, count(*) FROM node GROUP BY 1 ORDER BY 1").fetchall()
        )
        (observations,) = connection.execute("SELECT count(*) FROM observed").fetchone()
        methods: list[tuple[str, Sequence[Tier]]] = [(METHOD, TIERS)]
        methods += [(tiers[0].name, tiers) for tiers in single_keys(LINK_KEYS)]
        total = sum(records.values())
        quality = {
            name: compared(connection, link(connection, "observed", total, tiers)) for name, tiers in methods
        }
    return Report(int(observations), records, quality)


def load(connection: Any, folder: Path, databases: Sequence[str]) -> None:
    """The relations `node` (node, database, person, true_id) and `observed` of a folder."""
    truths, seen = [], []
    for one in databases:
        truths.append(
            f"SELECT {text(one)} AS database, person, true_id FROM {_file(folder / 'truth' / f'{one}.parquet')}"
        )
        seen.append(f"SELECT {text(one)} AS database, * FROM {_file(folder / one / 'identifiers.parquet')}")
    connection.execute(
        "CREATE TEMP TABLE node AS SELECT (row_number() OVER () - 1)::UINTEGER AS node, *"
        f" FROM ({' UNION ALL '.join(truths)})"
    )
    every = " UNION ALL BY NAME ".join(seen)
    connection.execute(
        "CREATE TEMP VIEW empty_keys AS SELECT NULL::VARCHAR AS id1, NULL::VARCHAR AS id2, NULL::VARCHAR AS id4, NULL::VARCHAR AS id5 LIMIT 0"
    )
    connection.execute(
        "CREATE TEMP TABLE observed AS SELECT n.node, n.database,"
        f" {', '.join(f'o.{key}::UUID AS {key}' for key in LINK_KEYS)}, o.sex, o.birth_ym, o.first_seen, o.last_seen"
        f" FROM (({every}) UNION ALL BY NAME FROM empty_keys) o JOIN node n USING (database, person)"
    )


def _file(path: Path) -> str:
    return f"read_parquet({text(str(path))})"


def compared(connection: Any, labels: Labels) -> dict[str, Quality]:
    """Pairs of records of two databases: how many are one person, how many were linked, how many rightly."""
    rows = pa.table({"node": pa.array(np.arange(len(labels), dtype=np.uint32)), "label": pa.array(labels)})
    connection.register("labelled", rows)
    pairs = []
    for name, same in (("true", ("true_id",)), ("found", ("label",)), ("correct", ("true_id", "label"))):
        columns = ", ".join(same)
        counted = (
            f"(SELECT {columns}, database, count(*) AS n FROM labelled JOIN node USING (node) GROUP BY ALL)"
        )
        pairs.append(
            f"SELECT '{name}' AS what, a.database || '-' || b.database AS pair, sum(a.n * b.n)::BIGINT AS n"
            f" FROM {counted} a JOIN {counted} b USING ({columns}) WHERE a.database < b.database GROUP BY ALL"
        )
    counts: dict[str, dict[str, int]] = {}
    for what, pair, n in connection.execute(" UNION ALL ".join(pairs)).fetchall():
        for place in (pair, ALL):
            counts.setdefault(place, {"true": 0, "found": 0, "correct": 0})[what] += int(n)
    connection.unregister("labelled")
    return {pair: Quality(n["true"], n["found"], n["correct"]) for pair, n in sorted(counts.items())}


def to_json(report: Report) -> dict[str, Any]:
    """`{observations, records, quality: {method: {pair: {true, found, right, precision, recall, f1}}}}`."""
    return {
        "schema": "enclave.linkage-report/1",
        "observations": report.observations,
        "records": dict(report.records),
        "quality": {
            method: {
                pair: {
                    "true": one.true,
                    "found": one.found,
                    "right": one.right,
                    "precision": round(one.precision, 6),
                    "recall": round(one.recall, 6),
                    "f1": round(one.f1, 6),
                }
                for pair, one in pairs.items()
            }
            for method, pairs in report.quality.items()
        },
    }


def as_text(report: Report, language: str) -> str:
    """One line per pair: precision and recall of the tiers, then of each key alone."""
    methods = list(report.quality)
    heads = ["段階的連結" if language == "ja" else "tiers", *methods[1:]]
    title = "適合率 / 再現率" if language == "ja" else "precision / recall"
    lines = [f"{title:<18}" + "".join(f"{head:>20}" for head in heads)]
    pairs = [pair for pair in report.quality[METHOD] if pair != ALL] + [ALL]
    for pair in pairs:
        cells = []
        for method in methods:
            one = report.quality[method].get(pair)
            cells.append("–" if one is None or not one.found else f"{one.precision:.5f} / {one.recall:.4f}")
        lines.append(f"{pair:<18}" + "".join(f"{cell:>20}" for cell in cells))
    return "\n".join(lines)
