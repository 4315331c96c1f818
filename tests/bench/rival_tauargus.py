"""Run by another Python in a process of its own: pytauargus over a table of magnitudes. Imports nothing of this program.

`rival_tauargus.py FOLDER SPEC`: FOLDER/table.csv (all cells with value, count, max1, max2), hierarchies as `child,parent`, SPEC as
JSON `{dimensions: {name: {total, hierarchy?}}, p, n, suppress}`. The records that it needs are made so that every cell has its count,
value and two largest. Prints JSON: seconds, cells hidden, loss.
"""

import csv
import json
import os
import sys
import tempfile
import time
from pathlib import Path

folder, spec = Path(sys.argv[1]), json.loads(sys.argv[2])
names = list(spec["dimensions"])
tops = {name: one["total"] for name, one in spec["dimensions"].items()}
children = {}
for name, one in spec["dimensions"].items():
    if one.get("hierarchy"):
        with (folder / one["hierarchy"]).open(encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                children.setdefault((name, row["parent"]), []).append(row["child"])


known = {name: {} for name in names}


def plain(name, code):
    """Codes of one width: it pads those of a hierarchy on one side and those of the records on the other."""
    return f"{known[name].setdefault(code, len(known[name])):05d}"


def parent(name, code):
    return bool(children.get((name, code))) or code == tops[name]


with (folder / "table.csv").open(encoding="utf-8-sig") as file:
    cells = list(csv.DictReader(file))
records = {name: [] for name in (*names, "value")}
for cell in cells:
    if any(parent(name, cell[name]) for name in names):
        continue
    count, value = int(cell["count"]), float(cell["value"])
    largest = [float(cell[one]) for one in ("max1", "max2")[: min(2, count)]]
    rest = (value - sum(largest)) / (count - 2) if count > 2 else 0
    for one in (*largest, *([rest] * (count - 2))):
        for name in names:
            records[name].append(plain(name, cell[name]))
        records["value"].append(round(one, 4))

work = Path(tempfile.mkdtemp())
os.chdir(work)  # it leaves logs where it stands
hrc = {}


def lines(name, code, depth):
    for child in children.get((name, code), ()):
        yield "@" * depth + plain(name, child)
        yield from lines(name, child, depth + 1)


for name in names:
    if spec["dimensions"][name].get("hierarchy"):
        path = work / f"{name}.hrc"
        path.write_text("\n".join(lines(name, tops[name], 0)) + "\n")
        hrc[name] = str(path)

from pytauargus import protect  # noqa: E402  its start is not counted

began = time.monotonic()
done = protect(
    records,
    names,
    "value",
    f"P({spec['p']},1)|FREQ({spec['n']},30)",
    spec["suppress"],
    hrc=hrc or None,
    hierleadstring="@" if hrc else None,
    totcode="Total",
    decimals=2,
    workdir=str(work),
)
took = time.monotonic() - began
rows = done.tables[0].rows
hidden = [row for row in rows if row["status"] == "M"]
unsafe = sum(row["status"] == "U" for row in rows)
value = "value"
print(
    json.dumps(
        {
            "seconds": took,
            "unsafe": unsafe,
            "secondary": len(hidden),
            "loss": sum(float(row[value]) for row in hidden),
        }
    )
)
