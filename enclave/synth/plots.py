"""Plots of the comparison as small SVG files, without a plotting library. Decides nothing."""

import math
from collections.abc import Sequence
from pathlib import Path

from enclave.synth.report import Report

REAL, INVENTED = "#9aa5b1", "#c2410c"
STYLE = "<style>text{font:11px sans-serif;fill:#334155}.t{font-size:13px;font-weight:600}line{stroke:#cbd5e1}.d{stroke-width:2.4;stroke-linecap:round;stroke-opacity:.6;fill:none}</style>"


def write(report: Report, folder: Path) -> list[Path]:
    """Write the plots; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, drawing in (
        ("pyramid", _pyramid(report)),
        ("claims", _scatter(report, ("fee", "operation", "outpatient", "drug"))),
        ("checkups", _scatter(report, ("checkups", "bmi", "hba1c"))),
        ("operations", _bars(report, "operation", 12)),
        ("drugs", _bars(report, "drug", 14)),
    ):
        path = folder / f"{name}.svg"
        path.write_text(drawing, encoding="utf-8")
        made.append(path)
    return made


def _svg(width: int, height: int, parts: Sequence[str], title: str) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">'
    )
    return f'{head}<title>{title}</title>{STYLE}<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n'


def _legend(x: int, y: int) -> str:
    return (
        f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{REAL}"/><text x="{x + 14}" y="{y}">公表 published</text>'
        f'<rect x="{x + 110}" y="{y - 9}" width="10" height="10" fill="{INVENTED}"/><text x="{x + 124}" y="{y}">合成 synthetic</text>'
    )


def _pyramid(report: Report) -> str:
    numbers = {n.item: n for n in next(p for p in report.parts if p.name == "ages").numbers}
    most = max(n.expected for n in numbers.values())
    parts = ['<text class="t" x="10" y="18">住民 Residents</text>', _legend(330, 18)]
    for band in range(21):
        y = 345 - band * 15
        parts.append(f'<text x="272" y="{y + 10}" text-anchor="middle">{band * 5}</text>')
        for sex, side in (("m", -1), ("f", 1)):
            number = numbers[f"{sex}{band * 5}"]
            for value, color, height, shift in (
                (number.expected, REAL, 12, 0),
                (number.found, INVENTED, 4, 4),
            ):
                length = 235 * value / most
                x = 272 + side * 18 - (length if side < 0 else 0)
                parts.append(
                    f'<rect x="{x:.1f}" y="{y + shift}" width="{length:.1f}" height="{height}" fill="{color}"/>'
                )
    parts.append('<text x="60" y="372">男 men</text><text x="440" y="372">女 women</text>')
    return _svg(545, 380, parts, "Residents by sex and age, published and synthetic")


def _scatter(report: Report, names: Sequence[str]) -> str:
    colors = ("#0f766e", "#c2410c", "#7c3aed", "#2563eb")
    parts = ['<text class="t" x="10" y="18">公表（横）と合成（縦） Published (across), synthetic (up)</text>']
    low, high, size, left, top = 0.0, 6.2, 330, 45, 30

    def at(value: float) -> float:
        return (math.log10(max(value, 1)) - low) / (high - low) * size

    for power in range(7):
        p = at(10.0**power)
        parts.append(f'<line x1="{left + p:.0f}" y1="{top}" x2="{left + p:.0f}" y2="{top + size}"/>')
        parts.append(
            f'<line x1="{left}" y1="{top + size - p:.0f}" x2="{left + size}" y2="{top + size - p:.0f}"/>'
        )
        parts.append(f'<text x="{left + p:.0f}" y="{top + size + 14}" text-anchor="middle">10^{power}</text>')
    for k, name in enumerate(names):
        part = next(p for p in report.parts if p.name == name)
        big = [n for n in part.numbers if n.expected >= 1 and n.found >= 1]
        # Every cell, as dots of one path: those that would cover one another once.
        dots = sorted({(round(left + at(n.expected)), round(top + size - at(n.found))) for n in big})
        path = "".join(f"M{x} {y}h0" for x, y in dots)
        parts.append(f'<path class="d" stroke="{colors[k]}" d="{path}"/>')
        parts.append(f'<circle cx="{left + size + 20}" cy="{top + 20 + 18 * k}" r="4" fill="{colors[k]}"/>')
        parts.append(f'<text x="{left + size + 30}" y="{top + 24 + 18 * k}">{name}</text>')
    parts.append(
        f'<line x1="{left}" y1="{top + size}" x2="{left + size}" y2="{top}" style="stroke:#475569"/>'
    )
    return _svg(480, 390, parts, "Published against synthetic, every cell")


def _bars(report: Report, part: str, count: int) -> str:
    rows = report.totals(part)[:count]
    most = max(max(expected, found) for _, expected, found in rows)
    parts = [_legend(330, 16)]
    for k, (name, expected, found) in enumerate(rows):
        y = 28 + 24 * k
        parts.append(f'<text x="265" y="{y + 12}" text-anchor="end">{_short(name)}</text>')
        parts.append(f'<rect x="272" y="{y}" width="{300 * expected / most:.1f}" height="9" fill="{REAL}"/>')
        parts.append(
            f'<rect x="272" y="{y + 9}" width="{300 * found / most:.1f}" height="9" fill="{INVENTED}"/>'
        )
    return _svg(600, 40 + 24 * len(rows), parts, f"Largest items of {part}, published and synthetic")


def _short(name: str) -> str:
    cut = name if len(name) <= 24 else name[:23] + "…"
    return cut.replace("&", "&amp;").replace("<", "&lt;")
