"""The one table, in the reader's language, and the same as JSON. Decides nothing."""

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from enclave.adapters import edge
from enclave.core.clock import rfc3339
from tests.bench.promises import Row, Unit, Verdict, Words, ratio, status

OUT = Path("build") / "bench.json"
PLAIN_WIDTH = 150
"""Columns of output that goes to a file or a log."""

VERDICTS: dict[Verdict, Words] = {
    Verdict.MET: ("✓ 達成", "✓ yes"),
    Verdict.MISSED: ("✗ 未達", "✗ no"),
    Verdict.FAILED: ("✗ 測定失敗", "✗ failed"),
    Verdict.UNMEASURED: ("– 未測定", "– not measured"),
    Verdict.INFORMATION: ("", ""),
}
HEADS: tuple[Words, ...] = (
    ("約束", "Promise"),
    ("実測", "Measured"),
    ("部品単体", "Bare part"),
    ("比", "Ratio"),
    ("目標", "Target"),
    ("達成", "Met?"),
)


def amount(value: float | None, unit: Unit) -> str:
    if value is None:
        return "–"
    digits = 0 if unit in {Unit.MEBIBYTES, Unit.CELLS} or value >= 1000 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}"


def times(value: float | None) -> str:
    return "" if value is None else f"× {value:,.1f}" if value < 100 else f"× {value:,.0f}"


def target_of(row: Row, language: str) -> str:
    if row.target is None:
        return ""
    most = f"≤ {row.target.most:g} {row.unit}"
    if not row.target.above:
        return most
    more = "" if row.extra is None else f" ({row.extra:+.1f})"
    return (f"単体 + {most}" if language == "ja" else f"bare + {most}") + more


def show(rows: Sequence[Row], language: str) -> None:
    """Print the table; what it could not say in a cell stands below it."""
    own = 0 if language == "ja" else 1
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    table = Table()
    for number, head in enumerate(HEADS):
        table.add_column(head[own], justify="right" if number in {1, 2, 3} else "left", overflow="fold")
    notes: list[str] = []
    for row in rows:
        words = row.words[own] + (f" [dim]({row.runs})[/dim]" if row.runs else "")
        said = row.failed or row.note[own]
        if said:
            notes.append(f"[{len(notes) + 1}] {said}")
            words += rf" \[{len(notes)}]"
        bare = amount(row.bare, row.unit) if row.bare is not None else ""
        table.add_row(
            words,
            amount(row.measured, row.unit),
            f"{bare} [dim]{row.bare_words[own]}[/dim]".strip() if bare else "",
            times(row.ratio),
            target_of(row, language),
            VERDICTS[row.verdict][own],
            style="red" if row.verdict in {Verdict.MISSED, Verdict.FAILED} else "",
        )
        for line in row.lines:
            single = amount(line.bare, line.unit) if line.bare is not None else ""
            part = times(ratio(line.measured, line.bare))
            table.add_row(
                f"[dim]   {line.words[own]}[/dim]",
                f"[dim]{amount(line.measured, line.unit)}[/dim]",
                single,
                part,
            )
    console.print(table)
    for note in notes:
        console.print(note, markup=False, style="dim")


def write(rows: Sequence[Row], seconds: float, load: float) -> Path:
    """Keep the figures as JSON; the file's path. `load` is the machine's when the benchmark began."""
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(_as_json(rows, seconds, load), ensure_ascii=False, indent=2) + "\n")
    return OUT


def _as_json(rows: Sequence[Row], seconds: float, load: float) -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "schema": "enclave.bench/1",
        "time": rfc3339(edge.now()),
        "machine": {
            "cores": os.cpu_count(),
            "memory_bytes": memory,
            "system": platform.platform(),
            "load_before": load,
        },
        "seconds": round(seconds, 1),
        "met": status(rows) == 0,
        "rows": [
            {
                "id": row.id,
                "promise": {"ja": row.words[0], "en": row.words[1]},
                "unit": row.unit.value,
                "measured": row.measured,
                "runs": row.runs,
                "bare": row.bare,
                "bare_part": row.bare_words[1] or None,
                "ratio": row.ratio,
                "target": None
                if row.target is None
                else {"most": row.target.most, "above_bare": row.target.above},
                "above_bare": row.extra,
                "verdict": row.verdict.value,
                "note": row.failed or row.note[1] or None,
                "parts": [
                    {
                        "part": line.words[1],
                        "measured": line.measured,
                        "unit": line.unit.value,
                        "bare": line.bare,
                    }
                    for line in row.lines
                ],
            }
            for row in rows
        ],
    }
