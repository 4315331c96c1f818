"""Statements of the aggregate tier made up at random: chains of relations, each with whatever SQL offers over the last.

What outsiders know and what they do not is mixed at every place where an expression may stand; the generator does not
know which is which. Most statements are of one person at a time, so that many are answered.
"""

import random
import re
from dataclasses import dataclass

NUM, DATE, TEXT, BOOL = "num", "date", "text", "bool"

BASE: dict[str, dict[str, str]] = {
    "p": {"sex": NUM, "age": NUM, "birth_ym": DATE, "pref": TEXT, "status": NUM, "bmi": NUM, "smoker": BOOL},
    "rx": {"day": DATE, "drug": TEXT},
    "dx": {"day": DATE, "icd": TEXT},
    "claim": {"sex": NUM, "age": NUM, "pref": TEXT, "ym": DATE, "points": NUM, "hosp": TEXT},
}

_LITERALS = {
    "pref": ("'01'", "'13'", "'27'", "'47'"), "drug": ("'A'", "'B'", "'C'"), "icd": ("'E11'", "'I21'", "'S72'"),
    "sex": ("1", "2"), "status": ("0", "1"),
}  # fmt: skip

_ALIKE = ("CASE WHEN {if} THEN {same} ELSE {same} END", "coalesce({same}, {lit})", "nullif({same}, {lit})")

_VALUES = {
    NUM: (
        "({num} + {num})", "({num} - {num})", "({num} * {num})", "({num} / {num})", "{num} // 5", "{num} // 10",
        "greatest({num}, {num})", "least({num}, {int})", "date_diff('year', {date}, {date})",
        "date_diff('month', {date}, {date})", "date_diff('day', {date}, {date})", "year({date})", "length({text})",
        "ln({num})", "CAST({text} AS INTEGER)", "TRY_CAST({text} AS INTEGER)", "CAST({if} AS INTEGER)", "sqrt({num})",
        "CAST({num} AS TINYINT)", "strpos({text}, '1')", "{num} % 7", "CAST(strftime({date}, '%Y%m') AS INTEGER)",
        "exp({num})", "extract('month' FROM {date})", "round({num}, 1)", "abs({num})", "CAST({num} AS DECIMAL(6, 2))",
    ),
    DATE: (
        "({date} + to_months(CAST({num} AS INTEGER)))::DATE", "date_trunc('year', {date})",
        "({date} - INTERVAL {int} DAY)::DATE", "least({date}, {date})", "make_date(CAST({num} AS INTEGER), 1, 1)",
        "CAST({text} AS DATE)", "strptime({text}, '%Y-%m-%d')::DATE",
    ),
    TEXT: (
        "CAST({num} AS VARCHAR)", "CAST({date} AS VARCHAR)", "substr({text}, 1, 2)", "({text} || {text})",
        "strftime({date}, '%Y-%m')", "lower({text})", "lpad(CAST({num} AS VARCHAR), 3, '0')", "concat({text}, {num})",
    ),
    BOOL: ("({if})", "({if})"),
}  # fmt: skip

_CONDITIONS = (
    "({if} OR {if})", "NOT ({if})", "({if} AND {if})", "compared", "compared", "{same} < {same}", "{same} = {same}",
    "{same} <> {same}", "({if}) IS TRUE", "CASE WHEN {if} THEN {if} ELSE FALSE END", "{text} LIKE '%1%'",
)  # fmt: skip


@dataclass(frozen=True)
class Relation:
    """A name for a FROM, and its columns beside `pid`."""

    name: str
    columns: dict[str, str]


class Maker:
    def __init__(self, chance: random.Random) -> None:
        self._r = chance
        self._n = 0
        self._ctes: list[str] = []
        self._relations: list[Relation] = []

    def statement(self) -> str:
        self._ctes, self._relations = [], [Relation(name, dict(columns)) for name, columns in BASE.items()]
        for _ in range(self._r.choice([0, 1, 1, 2, 2, 3])):
            self._cte()
        return self._final()

    # -- relations -------------------------------------------------------------------------------------------------

    def _name(self, prefix: str = "c") -> str:
        self._n += 1
        return f"{prefix}{self._n}"

    def _pick(self) -> Relation:
        made = self._relations[4:]
        if made and self._r.random() < 0.65:
            return self._r.choice(made[-2:])
        return self._r.choice(self._relations[:4])

    def _cte(self) -> None:
        name = f"q{len(self._ctes)}"
        body, columns = self._r.choice(
            [self._rows, self._rows, self._per_person, self._per_person, self._per_person, self._windowed, self._set,
             self._listed]
        )()  # fmt: skip
        hint = self._r.choice(["", "", "", "MATERIALIZED ", "NOT MATERIALIZED "])
        self._ctes.append(f"{name} AS {hint}({body})")
        self._relations.append(Relation(name, columns))

    def _from(self) -> tuple[str, dict[str, str]]:
        """A FROM of one or more items that are one person row by row, and its columns by qualified name."""
        first = self._pick()
        alias = self._name("t")
        text, found = f"{first.name} {alias}", {f"{alias}.{c}": k for c, k in first.columns.items()}
        lead = alias
        for _ in range(self._r.choice([0, 0, 1, 1, 2])):
            other, mine = self._pick(), self._name("t")
            theirs = {f"{mine}.{c}": k for c, k in other.columns.items()}
            kind = self._r.choice(
                ["JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "SEMI JOIN", "ANTI JOIN", "ASOF LEFT JOIN"]
            )
            on = f"{lead}.pid = {mine}.pid"
            dates = [c for c, k in found.items() if k == DATE], [c for c, k in theirs.items() if k == DATE]
            if kind == "ASOF LEFT JOIN":
                if not all(dates):
                    kind = "LEFT JOIN"
                else:
                    on += f" AND {self._r.choice(dates[0])} >= {self._r.choice(dates[1])}"
            elif self._r.random() < 0.4:
                on += f" AND {self._condition({**found, **theirs}, 1)}"
            text += f" {kind} {other.name} {mine} ON {on}"
            if kind not in {"SEMI JOIN", "ANTI JOIN"}:
                found |= theirs
        if self._r.random() < 0.15:
            v = self._name("v")
            low = self._r.randint(20, 80)
            number = self._r.choice([c for c, k in found.items() if k == NUM] or ["1"])
            text += (
                f" JOIN (VALUES (0, {low}, 'a', 1.5), ({low}, {low + 10}, 'b', 0.5), ({low + 10}, 99999, 'c', 2.0))"
                f" {v}(lo, hi, band, rate) ON {number} >= {v}.lo AND {number} < {v}.hi"
            )
            found |= {f"{v}.band": TEXT, f"{v}.rate": NUM}
        self._lead = lead
        return text, found

    def _where(self, columns: dict[str, str]) -> str:
        parts = [self._condition(columns) for _ in range(self._r.choice([0, 0, 1, 1, 2]))]
        if self._r.random() < 0.2:
            parts.append(self._linked(columns))
        return f" WHERE {' AND '.join(parts)}" if parts else ""

    def _linked(self, columns: dict[str, str]) -> str:
        """A condition on other rows of the person."""
        other, mine = self._pick(), self._name("s")
        theirs = {f"{mine}.{c}": k for c, k in other.columns.items()}
        inner = self._condition({**columns, **theirs} if self._r.random() < 0.5 else theirs, 1)
        number = self._r.choice([c for c, k in theirs.items() if k == NUM] or ["1"])
        return self._r.choice(
            [
                f"EXISTS (SELECT 1 FROM {other.name} {mine} WHERE {mine}.pid = {self._lead}.pid AND {inner})",
                f"NOT EXISTS (SELECT 1 FROM {other.name} {mine} WHERE {mine}.pid = {self._lead}.pid AND {inner})",
                f"{self._lead}.pid IN (SELECT {mine}.pid FROM {other.name} {mine} WHERE {inner})",
                f"{self._lead}.pid NOT IN (SELECT {mine}.pid FROM {other.name} {mine} WHERE {inner})",
                f"(SELECT {self._aggregate(theirs)[0]} FROM {other.name} {mine} WHERE {mine}.pid = {self._lead}.pid)"
                " IS NOT NULL",
                f"({self._lead}.pid, {self._column(NUM, columns) or '1'}) IN (SELECT {mine}.pid, max({number}) FROM"
                f" {other.name} {mine} WHERE {inner} GROUP BY {mine}.pid)",
                f"(SELECT max({number}) FROM {other.name} {mine} WHERE {mine}.pid = {self._lead}.pid AND {inner})"
                f" > {self._r.randint(1, 80)}",
            ]
        )

    def _outputs(self, columns: dict[str, str], count: int) -> tuple[list[str], dict[str, str]]:
        texts, found = [], {}
        for _ in range(count):
            kind = self._r.choice([NUM, NUM, DATE, TEXT, BOOL])
            name = self._name("o")
            plain = [c for c, k in columns.items() if k == kind]
            text = self._r.choice(plain) if plain and self._r.random() < 0.6 else self._value(kind, columns)
            texts.append(f"{text} AS {name}")
            found[name] = kind
        return texts, found

    def _rows(self) -> tuple[str, dict[str, str]]:
        source, columns = self._from()
        texts, found = self._outputs(columns, self._r.randint(1, 4))
        distinct = self._r.choice(["", "", "DISTINCT "])
        order = self._r.choice(["", "", "", f" ORDER BY {self._value(NUM, columns)}"]) if not distinct else ""
        return (
            f"SELECT {distinct}{self._lead}.pid, {', '.join(texts)} FROM {source}{self._where(columns)}{order}",
            found,
        )

    def _per_person(self) -> tuple[str, dict[str, str]]:
        source, columns = self._from()
        texts, found = [], {}
        for _ in range(self._r.randint(1, 4)):
            text, kind = self._aggregate(columns)
            name = self._name("a")
            texts.append(f"{text} AS {name}")
            found[name] = kind
        keys, named = self._outputs(columns, self._r.choice([0, 0, 1]))
        having = f" HAVING {self._per_person_condition(columns)}" if self._r.random() < 0.25 else ""
        group = (
            "ALL"
            if self._r.random() < 0.3
            else ", ".join([f"{self._lead}.pid", *(k.split(" AS ")[0] for k in keys)])
        )
        return (
            f"SELECT {self._lead}.pid, {', '.join([*keys, *texts])} FROM {source}{self._where(columns)}"
            f" GROUP BY {group}{having}",
            {**named, **found},
        )

    def _per_person_condition(self, columns: dict[str, str]) -> str:
        text, kind = self._aggregate(columns)
        return f"{text} {self._compared('', kind)}"

    def _windowed(self) -> tuple[str, dict[str, str]]:
        source, columns = self._from()
        order = ", ".join(self._r.sample(sorted(columns), min(len(columns), self._r.choice([1, 1, 2]))))
        down = self._r.choice(["", " DESC", " NULLS FIRST"])
        frame = self._r.choice(["", "", " ROWS BETWEEN 1 PRECEDING AND CURRENT ROW"])
        over = f"OVER (PARTITION BY {self._lead}.pid ORDER BY {order}{down}"
        column = self._r.choice(sorted(columns))
        kind = columns[column]
        texts, found = self._outputs(columns, self._r.randint(0, 2))
        options = [
            (f"row_number() {over})", NUM), (f"rank() {over})", NUM), (f"count(*) {over}{frame})", NUM),
            (f"lag({column}) {over})", kind), (f"lead({column}) {over})", kind),
            (f"first_value({column}) {over}{frame})", kind), (f"last_value({column}) {over}{frame})", kind),
            (f"max({column}) {over}{frame})", kind), (f"ntile(2) {over})", NUM),
            (f"count({column}) OVER (PARTITION BY {self._lead}.pid)", NUM),
            (f"nth_value({column}, 2) {over}{frame})", kind),
        ]  # fmt: skip
        if kind == NUM:
            options += [
                (f"sum({column}) {over}{frame})", NUM),
                (f"avg({column}) OVER (PARTITION BY {self._lead}.pid)", NUM),
            ]
        for text, made in self._r.sample(options, self._r.randint(1, 2)):
            name = self._name("w")
            texts.append(f"{text} AS {name}")
            found[name] = made
        qualify = f" QUALIFY row_number() {over}) = 1" if self._r.random() < 0.4 else ""
        return (
            f"SELECT {self._lead}.pid, {', '.join(texts)} FROM {source}{self._where(columns)}{qualify}",
            found,
        )

    def _set(self) -> tuple[str, dict[str, str]]:
        kinds = [self._r.choice([NUM, DATE, TEXT]) for _ in range(self._r.randint(1, 2))]
        names = [self._name("u") for _ in kinds]
        parts = []
        for _ in range(2):
            source, columns = self._from()
            outs = []
            for name, kind in zip(names, kinds, strict=True):
                plain = [c for c, k in columns.items() if k == kind]
                text = (
                    self._r.choice(plain) if plain and self._r.random() < 0.7 else self._value(kind, columns)
                )
                if kind == NUM:
                    text = f"CAST({text} AS DOUBLE)"
                outs.append(f"{text} AS {name}")
            parts.append(f"SELECT {self._lead}.pid, {', '.join(outs)} FROM {source}{self._where(columns)}")
        how = self._r.choice(["UNION", "UNION ALL", "UNION ALL", "EXCEPT", "INTERSECT"])
        return f" {how} ".join(parts), dict(zip(names, kinds, strict=True))

    def _listed(self) -> tuple[str, dict[str, str]]:
        source, columns = self._from()
        by = self._r.choice(sorted(columns))
        texts, found = self._outputs(columns, self._r.randint(1, 2))
        return (
            f"SELECT DISTINCT ON ({self._lead}.pid) {self._lead}.pid, {', '.join(texts)} FROM {source}"
            f"{self._where(columns)} ORDER BY {self._lead}.pid, {by}",
            found,
        )

    # -- expressions -----------------------------------------------------------------------------------------------

    def _column(self, kind: str, columns: dict[str, str]) -> str | None:
        found = [c for c, k in columns.items() if k == kind]
        return self._r.choice(found) if found else None

    def _literal(self, kind: str, column: str = "") -> str:
        listed = _LITERALS.get(column.rsplit(".", 1)[-1])
        if listed:
            return self._r.choice(listed)
        if kind == NUM:
            return str(
                self._r.choice(
                    [0, 1, 2, 3, self._r.randint(18, 99), self._r.randint(18, 99), self._r.randint(100, 9000)]
                )
            )
        if kind == DATE:
            year = self._r.choice([self._r.randint(1930, 2004), self._r.randint(2019, 2023)])
            return f"DATE '{year}-{self._r.randint(1, 12):02}-01'"
        if kind == BOOL:
            return self._r.choice(["TRUE", "FALSE"])
        return self._r.choice(["'A'", "'13'", "'E11'", "'x'"])

    def _value(self, kind: str, columns: dict[str, str], depth: int = 2) -> str:
        column = self._column(kind, columns)
        if depth == 0 or (column and self._r.random() < 0.3):
            return column or self._literal(kind)
        return self._filled(self._r.choice(_ALIKE + _VALUES[kind]), kind, columns, depth - 1)

    def _filled(self, template: str, kind: str, columns: dict[str, str], depth: int) -> str:
        """`{num}`, `{date}`, `{text}` are values, `{same}` one of `kind`, `{if}` a condition, `{lit}` a literal."""

        def put(found: re.Match[str]) -> str:
            match found[1]:
                case "if":
                    return self._condition(columns, depth)
                case "lit":
                    return self._literal(kind)
                case "int":
                    return str(self._r.randint(1, 400))
                case "same":
                    return self._value(kind, columns, depth)
                case other:
                    return self._value(other, columns, depth)

        return re.sub(r"\{(\w+)\}", put, template)

    def _compared(self, column: str, kind: str) -> str:
        operator = self._r.choice(["<", ">=", "=", "<>", "IS DISTINCT FROM"])
        return self._r.choice(
            [f"{operator} {self._literal(kind, column)}"] * 4 + ["IS NULL", "IS NOT NULL"]
            + ([f"BETWEEN {self._literal(kind, column)} AND {self._literal(kind, column)}"] if kind != BOOL else [])
            + [f"IN ({self._literal(kind, column)}, {self._literal(kind, column)})"]
        )  # fmt: skip

    def _condition(self, columns: dict[str, str], depth: int = 2) -> str:
        kind = self._r.choice([NUM, NUM, NUM, DATE, TEXT, BOOL])
        column = self._column(kind, columns)
        if depth <= 0 or self._r.random() < 0.4:
            if column is None:
                return f"{self._literal(NUM)} > 30"
            return f"{column} {self._compared(column, kind)}"
        template = self._r.choice(_CONDITIONS)
        if template == "compared":
            template = "{same} " + self._compared("", kind)
        return self._filled(template, kind, columns, depth - 1)

    def _aggregate(self, columns: dict[str, str]) -> tuple[str, str]:
        """A person's aggregate: any function of the grammar."""
        kind = self._r.choice([NUM, NUM, DATE, TEXT, BOOL])
        column = self._column(kind, columns)
        value = column if column and self._r.random() < 0.7 else self._value(kind, columns, 1)
        other = self._r.choice(sorted(columns)) if columns else "1"
        options = [
            (f"min({value})", kind), (f"max({value})", kind), (f"any_value({value})", kind), (f"count({value})", NUM),
            (f"count(DISTINCT {value})", NUM), ("count(*)", NUM), (f"arg_min({value}, {other})", kind),
            (f"arg_max({value}, {other})", kind), (f"first({value} ORDER BY {other})", kind), (f"first({value})", kind),
            (f"last({value} ORDER BY {other})", kind), (f"mode({value})", kind), (f"last({value})", kind),
            (f"string_agg({'CAST(' + value + ' AS VARCHAR)'}, ',' ORDER BY {other})", TEXT),
            (f"string_agg({'CAST(' + value + ' AS VARCHAR)'}, ',')", TEXT), (f"list({value})[1]", kind),
            (f"list({value} ORDER BY {other})[1]", kind), (f"bool_or({self._condition(columns, 1)})", BOOL),
            (f"count_if({self._condition(columns, 1)})", NUM), (f"list_contains(list({value}), {self._literal(kind)})", BOOL),
        ]  # fmt: skip
        if kind == NUM:
            options += [
                (f"sum({value})", NUM), (f"avg({value})", NUM), (f"median({value})", NUM), (f"quantile_cont({value}, 0.5)", NUM),
                (f"stddev({value})", NUM), (f"sum(CASE WHEN {self._condition(columns, 1)} THEN {value} ELSE 0 END)", NUM),
                (f"corr({value}, {value})", NUM),
            ]  # fmt: skip
        text, made = self._r.choice(options)
        if self._r.random() < 0.25 and not text.startswith("list") and not text.endswith("[1]"):
            text = f"{text} FILTER (WHERE {self._condition(columns, 1)})"
        return text, made

    # -- the table ---------------------------------------------------------------------------------------------------

    def _final(self) -> str:
        source, columns = self._from()
        keys = []
        for n in range(self._r.choice([0, 0, 1, 1, 1, 2])):
            kind = self._r.choice([NUM, NUM, TEXT, BOOL])
            column = self._column(kind, columns)
            text = (
                column
                if column and self._r.random() < 0.5
                else self._value(kind, columns, self._r.choice([1, 1, 2]))
            )
            if kind == NUM and self._r.random() < 0.5:
                text = f"{text} // {self._r.choice([5, 10, 20])} * 10"
            keys.append((text, f"k{n}"))
        number = self._column(NUM, columns) or "1"
        measures = self._r.sample(
            ["count(*) n", f"count(DISTINCT {self._lead}.pid) d", f"sum({number}) s", f"avg({number}) m",
             f"sum({self._value(NUM, columns)}) x", f"stddev({number}) sd",
             f"count(*) FILTER (WHERE {self._condition(columns)}) f", f"count({self._value(self._r.choice([NUM, DATE, TEXT]), columns)}) c",
             f"sum(CASE WHEN {self._condition(columns)} THEN {self._value(NUM, columns, 1)} ELSE 0 END) z",
             f"count(DISTINCT CASE WHEN {self._condition(columns)} THEN {self._lead}.pid END) dp",
             f"1000.0 * sum({number}) / nullif(count(*), 0) r", f"count(DISTINCT {self._value(TEXT, columns, 1)}) dc",
             f"ln(count(*) FILTER (WHERE {self._condition(columns, 1)}) - 5) l"],
            self._r.randint(1, 3),
        )  # fmt: skip
        text = f"SELECT {', '.join([*(f'{k} AS {n}' for k, n in keys), *measures])} FROM {source}{self._where(columns)}"
        if keys:
            names = ", ".join(k for k, _ in keys)
            group = self._r.choice(["ALL", "ALL", "ALL", names, f"ROLLUP ({names})", f"CUBE ({names})",
                                    f"GROUPING SETS (({names}), ())"])  # fmt: skip
            text += f" GROUP BY {group}" + self._r.choice(
                ["", " ORDER BY ALL", " ORDER BY k0 DESC NULLS FIRST"]
            )
        return (f"WITH {', '.join(self._ctes)} " if self._ctes else "") + text
