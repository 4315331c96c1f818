"""The tables of TPC-H, small and made up from a seed, with every constant of the 22 queries common enough to be met.

Not the benchmark's own generator: what is checked is that an answer stays what it was, not how fast it comes. Customers
are persons (`pid`, as an extract names them) and orders theirs; the rest of the schema is the benchmark's.
"""

import random
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

FOLDER = Path(__file__).parent / "tpch"
DDL = re.sub(r"\b(c|o)_custkey\b", "pid", (FOLDER / "schema.sql").read_text())
TABLES = {
    m[1]: dict(c.split(" ", 1) for c in m[2].split(", "))
    for m in re.finditer(r"CREATE TABLE (\S+?)\((.*)\);", DDL)
}
QUERIES = dict(
    re.findall(
        r"^-- (Q\d+)\n(.*?);\s*$", (FOLDER / "queries.sql").read_text(), flags=re.MULTILINE | re.DOTALL
    )
)

NATIONS = {
    "AFRICA": ("ALGERIA", "KENYA"),
    "AMERICA": ("BRAZIL", "CANADA"),
    "ASIA": ("CHINA", "JAPAN"),
    "EUROPE": ("FRANCE", "GERMANY"),
    "MIDDLE EAST": ("SAUDI ARABIA", "IRAN"),
}
KINDS = (
    "ECONOMY ANODIZED STEEL",
    "ECONOMY ANODIZED STEEL",
    "LARGE BRUSHED BRASS",
    "PROMO PLATED TIN",
    "MEDIUM POLISHED COPPER",
)
BOXES = (
    "SM CASE",
    "SM BOX",
    "SM PACK",
    "SM PKG",
    "MED BAG",
    "MED BOX",
    "MED BOX",
    "MED PACK",
    "LG CASE",
    "LG BOX",
)
WORDS = ("ironic", "special", "final", "Customer", "bold", "requests", "Complaints", "quick")


def text_of(name: str) -> str:
    """A query with a customer's key called what an extract calls it."""
    text = QUERIES[name]
    if name == "Q13":  # the subquery renames its columns by position
        return (
            text.replace("SELECT c_custkey,", "SELECT customer.pid,")
            .replace("c_custkey = o_custkey", "customer.pid = orders.pid")
            .replace("GROUP BY c_custkey)", "GROUP BY customer.pid)")
        )
    return re.sub(r"\bo_custkey\b", "orders.pid", re.sub(r"\bc_custkey\b", "customer.pid", text))


def fill(con: duckdb.DuckDBPyConnection) -> None:
    """The tables with their rows, under the names of `schema.sql`."""
    con.execute("CREATE SCHEMA tpch")
    con.execute(DDL)
    for name, rows in _rows(random.Random(7)):
        columns = list(TABLES[f"tpch.{name}"])
        made = pa.table({c: [row[place] for row in rows] for place, c in enumerate(columns)})
        con.register("made", made)
        con.execute(f"INSERT INTO tpch.{name} SELECT * FROM made")
        con.unregister("made")


def _rows(chance: random.Random) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    def words() -> str:
        return " ".join(chance.choices(WORDS, k=4))

    def phone() -> str:
        return f"{chance.choice((13, 31, 23, 29, 30, 18, 17, 11))}-{chance.randint(100, 999)}"

    yield "region", [(key, name, words()) for key, name in enumerate(NATIONS)]
    nations = [(name, region) for region, names in enumerate(NATIONS.values()) for name in names]
    yield "nation", [(key, name, region, words()) for key, (name, region) in enumerate(nations)]
    suppliers = range(1, 21)
    yield (
        "supplier",
        [
            (k, f"Supplier#{k:03}", f"street {k}", k % 10, phone(), chance.randint(-90, 900), words())
            for k in suppliers
        ],
    )
    parts = range(1, 101)
    yield (
        "part",
        [
            (
                key,
                " ".join(chance.sample(("forest", "green", "lime", "navy"), 3)),
                f"Manufacturer#{key % 3}",
                f"Brand#{chance.choice((12, 23, 34, 45))}",
                chance.choice(KINDS),
                chance.choice((1, 3, 9, 14, 15, 19, 23, 45, 49)),
                chance.choice(BOXES),
                900 + key,
                words(),
            )
            for key in parts
        ],
    )
    offers = [(part, supplier) for part in parts for supplier in chance.sample(suppliers, 4)]
    yield (
        "partsupp",
        [(p, s, chance.randint(1, 200), chance.randint(100, 90_000) / 100, words()) for p, s in offers],
    )
    persons = chance.sample(range(1, 2**32), 150)
    yield (
        "customer",
        [
            (
                pid,
                f"Customer#{pid}",
                f"lane {pid % 97}",
                chance.randrange(10),
                phone(),
                chance.randint(-90_000, 900_000) / 100,
                chance.choice(("BUILDING", "MACHINERY")),
                words(),
            )
            for pid in persons
        ],
    )
    orders, lines = [], []
    for key in range(1, 1501):
        day = date(1992, 1, 1) + timedelta(chance.randint(0, 2300))
        orders.append(
            (
                key,
                chance.choice(persons[:100]),
                chance.choice("FOP"),
                chance.randint(1_000, 400_000) / 1,
                day,
                chance.choice(("1-URGENT", "2-HIGH", "3-MEDIUM")),
                f"Clerk#{key % 9}",
                0,
                words(),
            )
        )
        for line in range(1, chance.choice((2, 3, 5, 8, 9))):
            part, supplier = chance.choice(offers)
            shipped = day + timedelta(chance.randint(1, 120))
            lines.append(
                (
                    key, part, supplier, line,
                    chance.randint(30, 50) if key % 40 == 0 else chance.choice((1, 2, 5, 12, 20, 25, 40)),
                    chance.randint(90_000, 9_000_000) / 100, chance.randint(0, 10) / 100, chance.randint(0, 8) / 100,
                    chance.choice("ARN"), chance.choice("OF"), shipped, day + timedelta(chance.randint(30, 90)),
                    shipped + timedelta(chance.randint(1, 30)),
                    chance.choice(("DELIVER IN PERSON", "NONE")), chance.choice(("AIR", "AIR REG", "MAIL", "SHIP")),
                    words(),
                )
            )  # fmt: skip
    yield "orders", orders
    yield "lineitem", lines
