"""A generator of statements from a grammar: honest ones that mean something, and the same broken or turned on what is hidden.

Types are kept (numbers, texts, truths, dates), so that most of what is made runs; `broken` then damages words, and
`reaching` puts hidden names and idioms in. The same seed gives the same statements.
"""

import random
import re
from dataclasses import dataclass, field

from enclave.query.stages import Form

COLUMNS = {
    "nafld.patients": {"n": ("age", "bmi", "futime", "status"), "b": ("male",), "d": ("entry",), "t": ()},
    "nafld.labs": {"n": ("days", "value"), "b": (), "d": (), "t": ("test",)},
    "nafld.events": {"n": ("days",), "b": (), "d": (), "t": ("event",)},
    "claims.visits": {"n": ("points",), "b": (), "d": ("month",), "t": ("icd10",)},
}
HIDDEN_NAMES = (
    "weight",
    "p.weight",
    "secret.people",
    "nafld.notes",
    "note",
    "name",
    "people",
    "rowid",
    "_enclave_persons",
)
IDIOMS = (
    "COLUMNS('.*')", "query_table('secret.people')", "read_text('/etc/passwd')", "error(event)", "#3", "to_json(p)", "p",
    "max(p)", "getvariable('x')", "hash(age)", "now()", "random()", "duckdb_settings()", "{'a': age}", "[p]", "p['weight']",
    "(SELECT max(name) FROM secret.people)", "(SELECT min(note) FROM nafld.notes)", "x -> x + 1", "repeat('x', 1000000000)",
    "unnest(list(age))", "nafld.patients.weight", "(p).weight", "*", "current_setting('threads')", "lpad('x', 1000000000)",
    "list_transform([1], x -> x)", "70 = ANY([weight])", "event[1:weight]", "(SELECT x FROM unnest([p.weight]) AS u(x))", "struct_pack(a := age)", "typeof(p)", "TRY(error('x'))", "age COLLATE nocase",
)  # fmt: skip
SOUP = (
    "SELECT", "FROM", "WHERE", "GROUP", "BY", "ORDER", "LIMIT", "HAVING", "QUALIFY", "WITH", "AS", "UNION", "ALL", "EXCEPT",
    "JOIN", "LEFT", "ON", "USING", "(", ")", ",", "*", ".", ";", "count", "pid", "age", "1", "0.5", "'x'", "NULL", "=", "<",
    "AND", "OR", "NOT", "IN", "EXISTS", "CASE", "WHEN", "END", "OVER", "FILTER", "DISTINCT", "::", "INT", "INTERVAL",
    "BETWEEN", "LIKE", "$1", "?", "[", "]", "{", "}", "->", "ROLLUP", "PIVOT", "LATERAL", "RECURSIVE", "SAMPLE", "'", '"',
    "\u200b", "\u3000", "/*", "*/", "--", "$$", "\\", "@", "#", "~", "!", "ANY", "TABLE", "INTO", "SET",
)  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """`kind` is `honest`, `reaching` or `broken`; `steady` says that its rows do not depend on an order."""

    text: str
    form: Form
    kind: str
    steady: bool = True


@dataclass
class Maker:
    """Statements from one seed."""

    chance: random.Random
    tables: list[tuple[str, str]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    def statement(self) -> Statement:
        form = Form.TABLE if self.chance.random() < 0.3 else Form.ROWS
        text = self.table_query() if form is Form.TABLE else self.rows_query()
        match self.chance.random():
            case x if x < 0.55:
                return Statement(text, form, "honest")
            case x if x < 0.8:
                return Statement(self.reaching(text), form, "reaching", steady=False)
            case _:
                return Statement(self.broken(text), form, "broken", steady=False)

    # -- whole queries ------------------------------------------------------------------------

    def rows_query(self) -> str:
        clause, source = self.source()
        pick = self.chance.random()
        if pick < 0.35:
            columns = [f"{self.value(2)} AS c{i}" for i in range(self.chance.randint(1, 4))]
            distinct = "DISTINCT " if self.chance.random() < 0.2 else ""
            text = f"{clause}SELECT {distinct}{', '.join(columns)} FROM {source}{self.where()}"
        elif pick < 0.7:
            keys = [self.key() for _ in range(self.chance.randint(0, 2))]
            shown = [f"{k} AS k{i}" for i, k in enumerate(keys)] + [
                f"{self.aggregate()} AS a{i}" for i in range(self.chance.randint(1, 3))
            ]
            text = f"{clause}SELECT {', '.join(shown)} FROM {source}{self.where()}{self.group(keys)}"
            if keys and self.chance.random() < 0.2:
                text += f" HAVING count(*) {self.compare()} {self.chance.randint(1, 9)}"
        elif pick < 0.85:
            over = f"PARTITION BY {self.key()} ORDER BY {self.number(1)}"
            window = self.chance.choice(("count(*)", "sum({})", "rank()", "min({})", "dense_rank()")).format(
                self.column("n")
            )
            text = f"{clause}SELECT {self.value(1)} AS c0, {window} OVER ({over}) AS w FROM {source}{self.where()}"
        else:
            operator = self.chance.choice(("UNION", "UNION ALL", "EXCEPT", "INTERSECT"))
            left, right = self.number(1), self.number(1)
            text = f"{clause}SELECT {left} AS c0 FROM {source} {operator} SELECT {right} FROM {source}{self.where()}"
        return text + (" ORDER BY ALL" if self.chance.random() < 0.2 else "")

    def table_query(self) -> str:
        clause, source = self.source()
        keys = [self.key() for _ in range(self.chance.randint(0, 2))]
        keys = list(dict.fromkeys(keys))
        shown = [f"{k} AS k{i}" for i, k in enumerate(keys)]
        shown += [f"{self.cell()} AS a{i}" for i in range(self.chance.randint(1, 3))]
        grouped = " GROUP BY ALL" if keys else ""
        return f"{clause}SELECT {', '.join(shown)} FROM {source}{self.where()}{grouped}"

    def source(self) -> tuple[str, str]:
        """A WITH clause (or nothing) and a FROM over one to three tables of one person."""
        names = self.chance.sample(sorted(COLUMNS), self.chance.choice((1, 1, 2, 2, 3)))
        self.tables = [(name, alias) for name, alias in zip(names, "pqr", strict=False)]
        clause, pieces = "", []
        for place, (name, alias) in enumerate(self.tables):
            read = name
            if self.chance.random() < 0.2:
                clause += (", " if clause else "WITH ") + f"s{place} AS (SELECT * FROM {name})"
                read = f"s{place}"
            elif self.chance.random() < 0.15:
                read = f"(SELECT * FROM {name})"
            if place == 0:
                pieces.append(f"{read} AS {alias}")
            else:
                kind = self.chance.choice(("JOIN", "LEFT JOIN", "INNER JOIN", "JOIN"))
                pieces.append(f"{kind} {read} AS {alias} ON {alias}.pid = p.pid")
        return (clause + " " if clause else ""), " ".join(pieces)

    def where(self) -> str:
        return f" WHERE {self.truth(2)}" if self.chance.random() < 0.6 else ""

    def group(self, keys: list[str]) -> str:
        if not keys:
            return ""
        return self.chance.choice(
            (
                " GROUP BY ALL",
                f" GROUP BY {', '.join(keys)}",
                f" GROUP BY {', '.join(str(i + 1) for i in range(len(keys)))}",
            )
        )

    # -- expressions --------------------------------------------------------------------------

    def column(self, kind: str) -> str:
        found = [f"{alias}.{name}" for table, alias in self.tables for name in COLUMNS[table][kind]]
        fallback = {"n": "1", "b": "true", "d": "DATE '2010-04-01'", "t": "'x'"}
        return self.chance.choice(found) if found else fallback[kind]

    def value(self, depth: int) -> str:
        return self.chance.choice((self.number, self.text, self.truth, self.moment))(depth)

    def number(self, depth: int) -> str:
        c, go = self.chance, self.number
        if depth <= 0 or c.random() < 0.3:
            return c.choice((self.column("n"), self.column("n"), str(c.randint(0, 100)), "0.5"))
        return c.choice(
            (
                lambda: f"{go(depth - 1)} {c.choice('+-*')} {go(depth - 1)}",
                lambda: f"({go(depth - 1)}) / nullif({go(depth - 1)}, 0)",
                lambda: f"{go(depth - 1)} // {c.randint(1, 20)}",
                lambda: f"CASE WHEN {self.truth(depth - 1)} THEN {go(depth - 1)} ELSE {go(depth - 1)} END",
                lambda: f"coalesce({go(depth - 1)}, {c.randint(0, 9)})",
                lambda: f"round({go(depth - 1)}, 1)",
                lambda: f"least({go(depth - 1)}, {go(depth - 1)})",
                lambda: f"length({self.text(depth - 1)})",
                lambda: f"date_diff('month', DATE '2001-02-03', {self.moment(depth - 1)})",
                lambda: f"year({self.moment(depth - 1)})",
                lambda: f"CAST({self.truth(depth - 1)} AS INTEGER)",
                lambda: f"abs({go(depth - 1)})",
            )
        )()

    def text(self, depth: int) -> str:
        c = self.chance
        if depth <= 0 or c.random() < 0.4:
            return c.choice((self.column("t"), "'htn'", "'肝臓'"))
        return c.choice(
            (
                lambda: f"upper({self.text(depth - 1)})",
                lambda: f"left({self.text(depth - 1)}, {c.randint(0, 4)})",
                lambda: f"{self.text(depth - 1)} || {self.text(depth - 1)}",
                lambda: f"CAST({self.number(depth - 1)} AS VARCHAR)",
                lambda: f"({self.text(depth - 1)})[{c.randint(1, 2)}:{c.choice(('', '3', '-1'))}]",
                lambda: f"CASE WHEN {self.truth(depth - 1)} THEN 'a' ELSE {self.text(depth - 1)} END",
            )
        )()

    def moment(self, depth: int) -> str:
        c = self.chance
        if depth <= 0 or c.random() < 0.5:
            return self.column("d")
        return c.choice(
            (
                lambda: (
                    f"{self.column('d')} + INTERVAL {c.randint(1, 40)} {c.choice(('DAY', 'MONTH', 'YEAR'))}"
                ),
                lambda: f"date_trunc('{c.choice(('month', 'year'))}', {self.column('d')})",
            )
        )()

    def truth(self, depth: int) -> str:
        c = self.chance
        if depth <= 0:
            return f"{self.column('n')} {self.compare()} {c.randint(0, 90)}"
        return c.choice(
            (
                lambda: f"{self.number(depth - 1)} {self.compare()} {self.number(depth - 1)}",
                lambda: f"({self.truth(depth - 1)}) {c.choice(('AND', 'OR'))} ({self.truth(depth - 1)})",
                lambda: f"{self.truth(depth - 1)} {c.choice(('AND', 'OR'))} {self.truth(depth - 1)}",
                lambda: f"NOT {self.truth(depth - 1)}",
                lambda: (
                    f"{self.column('n')} {c.choice(('', 'NOT '))}BETWEEN {c.randint(0, 40)} AND {c.randint(41, 90)}"
                ),
                lambda: f"{self.column('n')} {c.choice(('', 'NOT '))}IN (1, 2, {c.randint(3, 90)})",
                lambda: f"{self.text(depth - 1)} {c.choice(('', 'NOT '))}LIKE '%t%'",
                lambda: f"{self.number(depth - 1)} IS {c.choice(('', 'NOT '))}NULL",
                lambda: f"{self.column('n')} {c.choice(('= ANY', '<> ALL'))}([1, 2, {c.randint(3, 90)}])",
                lambda: f"{self.number(depth - 1)} IS DISTINCT FROM {self.number(depth - 1)}",
                lambda: (
                    f"p.pid {c.choice(('', 'NOT '))}IN (SELECT pid FROM nafld.events WHERE days > {c.randint(0, 3000)})"
                ),
                lambda: (
                    f"EXISTS (SELECT 1 FROM nafld.labs x WHERE x.pid = p.pid AND x.value > {c.randint(0, 300)})"
                ),
            )
        )()

    def compare(self) -> str:
        return self.chance.choice(("=", "<>", "<", "<=", ">", ">="))

    def key(self) -> str:
        return self.chance.choice(
            (f"{self.column('n')} // {self.chance.randint(5, 50)}", self.column("b"), self.column("t"), f"year({self.column('d')})",
             f"CASE WHEN {self.truth(0)} THEN 'a' ELSE 'b' END")
        )  # fmt: skip

    def aggregate(self) -> str:
        c = self.chance
        name = c.choice(
            ("min", "max", "sum", "avg", "median", "count", "count_if", "stddev", "quantile_cont", "corr")
        )
        argument = self.number(1)
        made = {
            "count_if": f"count_if({self.truth(1)})",
            "quantile_cont": f"quantile_cont({argument}, 0.9)",
            "corr": f"corr({self.column('n')}, {self.column('n')})",
        }.get(
            name, f"{name}({c.choice(('', '', 'DISTINCT ')) if name in {'count', 'sum'} else ''}{argument})"
        )
        return made + (f" FILTER (WHERE {self.truth(1)})" if c.random() < 0.2 else "")

    def cell(self) -> str:
        made = self.chance.choice(
            ("count(*)", "count(DISTINCT p.pid)", f"sum({self.column('n')})", f"avg({self.number(1)})", f"count_if({self.truth(0)})",
             f"sum(CASE WHEN {self.truth(1)} THEN 1 ELSE 0 END)")
        )  # fmt: skip
        return made + (f" FILTER (WHERE {self.truth(1)})" if self.chance.random() < 0.2 else "")

    # -- damage -------------------------------------------------------------------------------

    def reaching(self, text: str) -> str:
        """A hidden name or an idiom in the place of one of the words."""
        for _ in range(self.chance.randint(1, 2)):
            found = list(re.finditer(r"\b[pqr]\.\w+|\b(?:nafld|claims)\.\w+", text))
            if found:
                place = self.chance.choice(found)
                text = (
                    text[: place.start()] + self.chance.choice((*HIDDEN_NAMES, *IDIOMS)) + text[place.end() :]
                )
        return text

    def broken(self, text: str) -> str:
        """Words left out, doubled, swapped or replaced; or the text cut in the middle of one."""
        words = text.split(" ")
        for _ in range(self.chance.randint(1, 2)):
            place = self.chance.randrange(len(words))
            match self.chance.randrange(5):
                case 0 if len(words) > 1:
                    del words[place]
                case 1:
                    words.insert(place, words[place])
                case 2:
                    other = self.chance.randrange(len(words))
                    words[place], words[other] = words[other], words[place]
                case 3:
                    words[place] = words[place][: self.chance.randrange(len(words[place]) + 1)]
                case _:
                    words[place] = self.chance.choice(SOUP)
        return " ".join(words)
