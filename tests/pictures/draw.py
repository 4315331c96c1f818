"""An invented table, hidden by hand and by the engine, with what stays possible; and the noise of the cell-key method. As SVG.

Every number is the engine's: statuses and bounds from `enclave protect`, probabilities from `perturb`. Colours differ in lightness
too, and what a colour says stands in words beside it.
"""

import csv
import tempfile
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from xml.sax.saxutils import escape

from enclave.disclosure.perturb import Parameters, ptable
from enclave.rehearsal import tables

LANGUAGES = ("en", "ja")
POLICIES = Path(__file__).resolve().parents[2] / "policies"

COUNTS = {
    ("A", "0–39"): 31, ("A", "40–64"): 118, ("A", "65+"): 96,
    ("B", "0–39"): 4, ("B", "40–64"): 27, ("B", "65+"): 52,
    ("C", "0–39"): 16, ("C", "40–64"): 64, ("C", "65+"): 151,
}  # fmt: skip
"""Patients of an invented disease by region and age."""
REGIONS, AGES = ("A", "B", "C", "T"), ("0–39", "40–64", "65+", "T")

_WORDS: Mapping[str, Mapping[str, str]] = {
    "T": {"en": "Total", "ja": "合計"},
    "region": {"en": "Region", "ja": "地域"},
    "by_hand": {"en": "Only the unsafe cell is hidden", "ja": "安全でないセルだけを隠した表"},
    "solved": {"en": "{total} − {a} − {b} = the hidden number", "ja": "{total} − {a} − {b} = 隠した数"},
    "by_engine": {"en": "Hidden by the engine: what stays possible", "ja": "エンジンが秘匿した表：取り得る範囲"},
    "primary": {"en": "unsafe (fewer than 10)", "ja": "安全でない（10 人未満）"},
    "secondary": {"en": "hidden to protect it", "ja": "それを守るために秘匿"},
    "never": {
        "en": "Bounds are for the checker; the public sees dashes.",
        "ja": "範囲は確認者だけが見ます。公表する表では「‐」です。",
    },
    "noise": {"en": "What a count becomes (cell-key method)", "ja": "人数は何になるか（セルキー法）"},
    "count": {"en": "true count", "ja": "真の人数"},
    "shown": {"en": "shown", "ja": "示す人数"},
    "gap": {"en": "1 and 2 are never shown", "ja": "1 と 2 は示さない"},
}  # fmt: skip

Cell = tuple[str, str]


def whole() -> dict[Cell, int]:
    """The table with its margins."""
    return {
        (region, age): sum(
            n for (one, other), n in COUNTS.items() if region in (one, "T") and age in (other, "T")
        )
        for region in REGIONS
        for age in AGES
    }


def protected() -> dict[Cell, dict[str, str]]:
    """The checker's table, as the command writes it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = ["region,age,n", *(f"{region},{age},{n}" for (region, age), n in whole().items())]
        (folder / "t.csv").write_text("\n".join(lines) + "\n", "utf-8")
        (folder / "s.yaml").write_text("{dimensions: {region: {total: T}, age: {total: T}}, count: n}")
        tables.protect(
            folder / "t.csv", folder / "s.yaml", ["ndb-2024-09"], folder / "o.csv", None, POLICIES, 0.0
        )
        with (folder / "o.csv").open(encoding="utf-8", newline="") as file:
            return {(row["region"], row["age"]): row for row in csv.DictReader(file)}


# -- drawing -------------------------------------------------------------------------------------------------------------

_INK, _LINE, _PRIMARY, _SECONDARY, _BAR = "#1a1a1a", "#b5b5b5", "#f2b8a8", "#fbe9b0", "#3b6ea5"
_FONT = "system-ui, 'Hiragino Sans', 'Noto Sans CJK JP', 'Yu Gothic', sans-serif"
_W, _H = 128, 46


def _text(x: float, y: float, said: str, size: int = 14, anchor: str = "middle", weight: str = "400") -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="{_INK}">{escape(said)}</text>'
    )


def _box(x: float, y: float, width: float, height: float, fill: str, stroke: str = _LINE) -> str:
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{fill}" stroke="{stroke}"/>'
    )


def _svg(width: int, height: int, title: str, parts: Iterator[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}" font-family="{_FONT}">'
    )
    return "\n".join(
        [
            head,
            f"<title>{escape(title)}</title>",
            _box(0, 0, width, height, "#ffffff", "none"),
            *parts,
            "</svg>\n",
        ]
    )


def _grid(word: Mapping[str, str], top: float) -> Iterator[str]:
    yield _text(_W / 2, top + 28, word["region"], weight="600")
    for place, age in enumerate(AGES, start=1):
        yield _text(place * _W + _W / 2, top + 28, word["T"] if age == "T" else age, weight="600")
    for place, region in enumerate(REGIONS, start=1):
        yield _text(_W / 2, top + place * _H + 28, word["T"] if region == "T" else region, weight="600")


def _corner(cell: Cell, top: float) -> tuple[float, float]:
    return (AGES.index(cell[1]) + 1) * _W, top + (REGIONS.index(cell[0]) + 1) * _H


def _by_hand(word: Mapping[str, str]) -> Iterator[str]:
    table, unsafe = whole(), {cell for cell, row in protected().items() if row["status"] == "primary"}
    yield _text(20, 30, word["by_hand"], 17, "start", "600")
    yield from _grid(word, 44)
    for cell, n in table.items():
        x, y = _corner(cell, 44)
        yield _box(x, y, _W, _H, _PRIMARY if cell in unsafe else "#ffffff")
        yield _text(x + _W / 2, y + 29, "‐" if cell in unsafe else f"{n:,}")
    (region, age) = next(iter(unsafe))
    a, b = (table[region, other] for other in AGES if other not in (age, "T"))
    yield _text(20, 44 + 5 * _H + 34, word["solved"].format(total=table[region, "T"], a=a, b=b), 15, "start")


def _by_engine(word: Mapping[str, str]) -> Iterator[str]:
    table = protected()
    most = max(int(row["upper"]) for row in table.values() if row["status"] != "shown")
    yield _text(20, 30, word["by_engine"], 17, "start", "600")
    yield from _grid(word, 44)
    for cell, row in table.items():
        x, y = _corner(cell, 44)
        fill = {"primary": _PRIMARY, "secondary": _SECONDARY}.get(row["status"], "#ffffff")
        yield _box(x, y, _W, _H, fill)
        if row["status"] == "shown":
            yield _text(x + _W / 2, y + 29, f"{int(row['n']):,}")
            continue
        low, high = int(row["lower"]), int(row["upper"])
        yield _text(x + _W / 2, y + 20, f"{low} … {high}")
        scale = (_W - 20) / most
        yield _box(x + 10, y + 30, _W - 20, 6, "#ffffff")
        yield _box(x + 10 + low * scale, y + 30, max(2.0, (high - low) * scale), 6, _BAR, "none")
    foot = 44 + 5 * _H + 22
    for place, status in enumerate(("primary", "secondary")):
        yield _box(20 + 260 * place, foot, 16, 16, _PRIMARY if status == "primary" else _SECONDARY)
        yield _text(44 + 260 * place, foot + 13, word[status], 14, "start")
    yield _text(20, foot + 42, word["never"], 13, "start")


def _noise(word: Mapping[str, str]) -> Iterator[str]:
    table = ptable(Parameters(5, Fraction(3), 2))
    step, top, left = 34, 76, 110
    yield _text(20, 30, word["noise"], 17, "start", "600")
    yield _text(left - 12, 62, word["shown"], 13, "end")
    for result in range(14):
        yield _text(left + result * step + step / 2, 62, str(result), 13)
    for count, row in enumerate(table.rows, start=1):
        y = top + (count - 1) * step
        last = "+" if count == len(table.rows) else ""
        yield _text(left - 12, y + 22, f"{word['count']} {count}{last}", 13, "end")
        chances = dict(zip(row.results, row.probabilities(), strict=True))
        for result in range(14):
            x = left + result * step
            chance = float(chances.get(result, 0))
            yield _box(x, y, step, step, "#f4f4f4" if result in (1, 2) else "#ffffff")
            if chance >= 0.0005:
                height = (step - 4) * chance**0.5
                yield _box(x + 6, y + step - 2 - height, step - 12, height, _BAR, "none")
    yield _text(left, top + len(table.rows) * step + 24, word["gap"], 13, "start")


def pictures() -> dict[str, str]:
    """Every file with its text. Areas of the bars of `noise` grow with the square root of the probability, so that small ones show."""
    found = {}
    for language in LANGUAGES:
        word = {name: words[language] for name, words in _WORDS.items()}
        found[f"by-hand.{language}.svg"] = _svg(660, 340, word["by_hand"], _by_hand(word))
        found[f"by-engine.{language}.svg"] = _svg(660, 360, word["by_engine"], _by_engine(word))
        found[f"noise.{language}.svg"] = _svg(600, 390, word["noise"], _noise(word))
    return found
