"""The aggregate tier tells nothing about which of two persons of a block is which: the swap game, played to the letter.

Two worlds differ by one exchange within a block; in an extract whose blocks know no areas, within an area as well (there
areas are told apart where they are large). Whatever is asked, everything that is told must be the same in both: numbers,
statuses, order, which lines there are, refusals with their codes and facts.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from tests.attacks.aggregate import worlds
from tests.attacks.aggregate.made_up import Maker
from tests.unit.query import world

Pair = tuple[int, int]


@pytest.fixture(scope="module")
def policy() -> Iterator[Any]:
    with world.policies() as server:
        yield server


@pytest.fixture(scope="module", params=[False, True], ids=["areas apart", "one partition"])
def true(request: pytest.FixtureRequest) -> worlds.World:
    return worlds.make(homes=request.param)


def pairs(one: worlds.World, count: int) -> list[Pair]:
    """One living and one dead person of the same block, from as many blocks; of one area where blocks know no areas, else of
    two areas where a block has them."""
    rows = {row[0]: row for row in one.rows["p"]}
    members: dict[tuple[int, str], list[int]] = defaultdict(list)
    for pid, block in one.blocks.items():
        members[block, "" if one.homes else rows[pid][4]].append(pid)
    found: dict[int, Pair] = {}
    for (block, _), here in sorted(members.items()):
        dead = [pid for pid in here if rows[pid][5]]
        living = [pid for pid in here if not rows[pid][5]]
        if dead and living:
            apart = [(d, a) for d in dead for a in living if rows[d][4] != rows[a][4]]
            found.setdefault(block, (apart or [(dead[0], living[-1])])[0])
    of = sorted(found.values(), key=lambda pair: rows[pair[0]][4] == rows[pair[1]][4])
    # The blocks at the ends hold several ages: there is most to be cut.
    return [of[0], of[-1], *of[1:-1]][:count]


def known_of(one: worlds.World, pid: int) -> tuple[Any, ...]:
    return next(row[:5] for row in one.rows["p"] if row[0] == pid)


def trackers(known: tuple[Any, ...]) -> list[str]:
    """What somebody asks who knows sex, age, birth and prefecture of one person."""
    _, sex, age, birth, pref = known
    me = f"sex = {sex} AND age = {age} AND birth_ym = DATE '{birth}'"
    return [
        f"SELECT count(*) n, sum(status) d FROM p WHERE {me}",
        f"SELECT count(*) n, sum(status) d FROM p WHERE NOT ({me})",
        f"SELECT count(*) n, sum(status) d FROM p WHERE {me} OR sex = {3 - sex}",
        f"SELECT count(*) FILTER ({me} AND status = 1) d, count(*) n FROM p",
        f"SELECT count(*) FILTER (NOT ({me}) AND status = 1) d FROM p WHERE pref = '{pref}'",
        f"SELECT sum(CASE WHEN {me} THEN status * 1000 ELSE status END) s, count(*) n FROM p",
        f"SELECT CASE WHEN {me} THEN status ELSE 2 END k, count(*) n FROM p GROUP BY 1",
        f"SELECT status, count(*) n FROM p WHERE NOT (age = {age} AND pref = '{pref}') GROUP BY ALL",
        f"SELECT pref, count(*) n, sum(status) d FROM p WHERE NOT (sex = {sex} AND age = {age}) GROUP BY ALL",
        f"SELECT age, status, count(*) n FROM p WHERE sex = {sex} GROUP BY ALL ORDER BY ALL",
        f"SELECT age, sum(status) d, count(*) n FROM p WHERE age BETWEEN {age - 1} AND {age + 1} GROUP BY CUBE (age)",
        f"SELECT count(*) n FROM p JOIN dx USING (pid) WHERE age < {age} AND icd = 'E11'",
        f"SELECT count(DISTINCT p.pid) n FROM p JOIN rx ON rx.pid = p.pid AND p.age <> {age} WHERE drug = 'B'",
        f"SELECT count(DISTINCT pid) n FROM rx WHERE pid IN (SELECT pid FROM p WHERE {me})",
        f"SELECT count(DISTINCT rx.pid) n FROM rx WHERE EXISTS (SELECT 1 FROM p WHERE p.pid = rx.pid AND NOT ({me}))",
        f"SELECT count(*) n, sum(p.status) s FROM p ANTI JOIN (SELECT pid FROM p WHERE {me}) q USING (pid)",
        f"WITH q AS (SELECT DISTINCT pid FROM p WHERE {me}) SELECT drug, count(DISTINCT rx.pid) n"
        " FROM rx LEFT JOIN q USING (pid) WHERE q.pid IS NULL GROUP BY ALL",
        f"WITH q AS (SELECT pid, min(age) a FROM claim GROUP BY pid) SELECT a >= {age - 4} k, sum(status) s, count(*) n"
        " FROM q JOIN p USING (pid) GROUP BY ALL",
        f"WITH q AS (SELECT pid, max(age) a, count(*) k FROM claim GROUP BY pid HAVING max(age) <> {age})"
        " SELECT k, count(*) n, sum(status) d FROM q JOIN p USING (pid) GROUP BY ALL",
        f"WITH q AS (SELECT pid, age FROM p WHERE sex = {sex} UNION ALL SELECT pid, age + 1 FROM p WHERE sex <> {sex})"
        f" SELECT count(*) n, sum(status) d FROM q JOIN p USING (pid) WHERE q.age <> {age}",
        f"SELECT date_diff('year', birth_ym, day) a, count(*) n FROM p JOIN dx USING (pid) WHERE sex = {sex} GROUP BY ALL",
        f"SELECT date_diff('month', birth_ym, DATE '{birth}') = 0 k, count(*) n, sum(status) d FROM p GROUP BY ALL",
        f"SELECT sum(ln(CASE WHEN {me} THEN status ELSE 1 END)) x, count(*) n FROM p",
        f"SELECT sum(1 / CASE WHEN {me} AND status = 0 THEN 0 ELSE 1 END) x FROM p",
        f"SELECT sum(CAST(CASE WHEN {me} AND status = 1 THEN 'x' ELSE '1' END AS INT)) x FROM p",
        f"SELECT ln(count(*) FILTER (status = 1 AND age = {age}) - 5) x, count(*) n FROM p",
        f"SELECT v.k, count(*) n, sum(status) d FROM p JOIN (VALUES (0, {age}, 'a'), ({age}, 200, 'b')) v(lo, hi, k)"
        " ON p.age >= v.lo AND p.age < v.hi GROUP BY ALL",
        f"SELECT count(*) n, sum(status) d FROM p WHERE substr(CAST(birth_ym AS VARCHAR), 1, 7) < '{birth[:7]}'",
        f"SELECT count(*) n, avg(bmi) m FROM p WHERE age * 100 + sex <> {age * 100 + sex}",
        f"SELECT count(*) n, sum(status) d FROM p WHERE hour(CAST(birth_ym AS TIMESTAMP)) = 0 AND age // 2 = {age // 2}",
        f"SELECT row_number, count(*) n, sum(status) d FROM (SELECT pid, status, row_number() OVER (PARTITION BY pid"
        f" ORDER BY age = {age}) AS row_number FROM p WHERE age <> {age}) GROUP BY ALL",
        f"SELECT sum(q) s, count(*) n FROM (SELECT pid, sum(points) FILTER (age <> {age}) q FROM claim GROUP BY pid)",
        f"SELECT pref, age // 5 * 5 a, count(*) n, sum(status) d FROM p WHERE sex = {sex} GROUP BY ROLLUP (pref, age // 5 * 5)",
        # Where somebody lives, as one more thing that is known of them: general, individual and double trackers.
        f"SELECT count(*) n, sum(status) d FROM p WHERE {me} AND pref = '{pref}'",
        f"SELECT count(*) n, sum(status) d FROM p WHERE pref = '{pref}' AND NOT ({me})",
        f"SELECT count(*) n, sum(status) d FROM p WHERE pref = '{pref}'",
        f"SELECT count(*) n, sum(status) d FROM p WHERE pref <> '{pref}' OR ({me})",
        f"SELECT count(*) n, sum(status) d FROM p WHERE sex = {sex} AND pref IN ('{pref}', '13') AND age <= {age}",
        f"SELECT count(*) n, sum(status) d FROM p WHERE sex = {sex} AND pref IN ('{pref}', '13') AND age < {age}",
        f"SELECT sex, age // 5 * 5 a, pref, count(*) n, sum(status) d FROM p WHERE age < {age} GROUP BY ALL",
        f"SELECT sex, age // 5 * 5 a, pref, count(*) n, sum(status) d FROM p WHERE age <= {age} GROUP BY ALL",
        f"SELECT age, pref, count(*) n, sum(status) d FROM p WHERE sex = {sex} GROUP BY CUBE (age, pref)",
        f"SELECT pref || CAST(age AS VARCHAR) = '{pref}{age}' k, count(*) n, sum(status) d FROM p GROUP BY ALL",
        f"SELECT pref, count(*) FILTER ({me} AND status = 1) d, count(*) n FROM p GROUP BY ALL",
        "SELECT p.pref, sum(p.status) o, sum(x.rate) e, sum(p.status) / nullif(sum(x.rate), 0) smr FROM p JOIN (VALUES"
        f" (1, 0, {age}, 0.1), (1, {age}, 200, 0.3), (2, 0, {age}, 0.05), (2, {age}, 200, 0.2)) x(sex, lo, hi, rate)"
        " ON p.sex = x.sex AND p.age >= x.lo AND p.age < x.hi GROUP BY ALL",
        # Who moved, and what one table says that another does not.
        "SELECT count(DISTINCT p.pid) n, sum(p.status) d FROM p JOIN claim c ON c.pid = p.pid AND c.pref <> p.pref",
        f"SELECT c.pref, p.sex, count(DISTINCT p.pid) n, sum(p.status) d FROM p JOIN claim c USING (pid) WHERE p.pref = '{pref}'"
        " GROUP BY ALL",
        "WITH h AS (SELECT pid, arg_max(pref, ym) pref, count(DISTINCT pref) k FROM claim GROUP BY pid)"
        " SELECT h.pref, h.k > 1 m, p.sex, count(*) n, sum(status) d FROM h JOIN p USING (pid) GROUP BY ALL",
        f"WITH h AS (SELECT pid, pref, lag(pref) OVER (PARTITION BY pid ORDER BY ym) b, points FROM claim) SELECT sum(points) s,"
        f" count(*) n FROM h WHERE b <> pref AND b = '{pref}'",
        "SELECT pref, year(ym) y, sex, sum(points) s, count(DISTINCT pid) n FROM claim WHERE ym < DATE '2021-01-01' GROUP BY ALL",
        # Where somebody was treated is not known of them: it trades along.
        "SELECT hosp, count(DISTINCT pid) n, sum(points) s FROM claim GROUP BY ALL",
        "SELECT hosp, sex, count(DISTINCT pid) n FROM claim GROUP BY ALL",
        f"SELECT pref, hosp, count(DISTINCT pid) n, sum(points) s FROM claim WHERE age < {age} GROUP BY ALL",
        f"SELECT count(DISTINCT pid) n, sum(points) s FROM claim WHERE hosp <> pref AND pref = '{pref}'",
        "SELECT pref IS NULL k, count(*) n, sum(points) s FROM claim GROUP BY ALL",
    ]


def found_once(known: tuple[Any, ...]) -> list[str]:
    """Statements that once told two persons of a block apart, or would have by the order in which rows lie."""
    _, _, age, _, pref = known
    return [
        # What is known, through an output that was not looked at.
        f"SELECT count(*) n, sum(status) d FROM p WHERE (SELECT max(q.age) FROM p q WHERE q.pid = p.pid) = {age}",
        f"SELECT sum(status) d FROM p WHERE {age} IN (SELECT q.age FROM p q WHERE q.pid = p.pid)",
        "WITH u AS (SELECT pid, CAST(status AS DOUBLE) x FROM p UNION ALL SELECT pid, CAST(age AS DOUBLE) x FROM p)"
        f" SELECT count(DISTINCT u.pid) n, sum(p.status) d FROM u JOIN p USING (pid) WHERE u.x = {age}",
        "WITH u AS (SELECT DISTINCT ON (pid) pid, points FROM claim ORDER BY pid, age DESC) SELECT sum(points) s FROM u",
        f"WITH u AS (SELECT pid, points, lag(age) OVER (PARTITION BY pid ORDER BY ym) a FROM claim) SELECT sum(points) s,"
        f" count(*) n FROM u WHERE a = {age - 2}",
        "WITH u AS (SELECT p.pid, p.status, v.k || p.pref AS w FROM p JOIN (VALUES (0, 40, 'a'), (40, 200, 'b')) v(lo, hi, k)"
        f" ON p.age >= v.lo AND p.age < v.hi) SELECT count(*) n, sum(status) d FROM u WHERE w <> 'b{pref}'",
        f"WITH u AS (SELECT pid, max(sex) FILTER (age < {age}) a, max(status) s FROM p GROUP BY pid)"
        " SELECT count(*) n, sum(s) d FROM u WHERE a IS NULL",
        f"WITH u AS (SELECT pid, arg_max(sex, nullif(age, {age})) a, max(status) s FROM p GROUP BY pid)"
        " SELECT count(*) n, sum(s) d FROM u WHERE a IS NULL",
        f"SELECT count(*) n, sum(status) d FROM p JOIN (VALUES (p.age, 1)) v(x, y) ON v.y = 1 WHERE v.x < {age}",
        "WITH u AS (SELECT pid, sum(points) OVER (PARTITION BY pid ORDER BY ym ROWS BETWEEN age PRECEDING AND CURRENT ROW) s"
        " FROM claim) SELECT sum(s) t FROM u",
        "WITH u AS (SELECT pid, sex AS x FROM p UNION ALL SELECT pid, age AS y FROM p) SELECT count(*) n, sum(status) d"
        f" FROM u JOIN p USING (pid) WHERE u.x < {age}",
        "WITH u AS (SELECT c.pid, c.sex, p.status FROM p LEFT JOIN claim c ON c.pid = p.pid AND c.age > 60)"
        " SELECT count(*) n, sum(status) d FROM u WHERE sex IS NULL",
        # Which row comes first among equals.
        "WITH u AS (SELECT pid, last(drug ORDER BY day) d FROM rx GROUP BY pid) SELECT d, count(*) n FROM u GROUP BY ALL",
        "WITH u AS (SELECT pid, first(drug) d FROM rx GROUP BY pid) SELECT d, count(*) n FROM u GROUP BY ALL",
        "WITH u AS (SELECT pid, any_value(icd) d FROM dx GROUP BY pid) SELECT d, count(*) n FROM u GROUP BY ALL",
        "WITH u AS (SELECT pid, mode(drug) d, arg_min(drug, day) e FROM rx GROUP BY pid) SELECT d, e, count(*) n FROM u GROUP BY ALL",
        "WITH u AS (SELECT pid, drug, row_number() OVER (PARTITION BY pid ORDER BY day) k FROM rx) SELECT k, drug, count(*) n"
        " FROM u GROUP BY ALL",
        "WITH u AS (SELECT pid, drug, lag(drug) OVER w AS b FROM rx WINDOW w AS (PARTITION BY pid ORDER BY day)) SELECT b, drug,"
        " count(*) n FROM u GROUP BY ALL",
        "WITH u AS (SELECT pid, string_agg(icd, ',') d, list(icd ORDER BY day)[1] e FROM dx GROUP BY pid) SELECT count(DISTINCT d)"
        " n, count(*) FILTER (e = 'E11') f FROM u",
        "SELECT r.drug, d.icd, count(*) n FROM rx r ASOF JOIN dx d ON d.pid = r.pid AND r.day >= d.day GROUP BY ALL",
        # Sums that depend on the order in which they are added.
        "SELECT sum(CASE WHEN status = 1 THEN 1e16 WHEN smoker THEN -1e16 ELSE bmi END) s, avg(bmi) m, stddev(bmi) v FROM p",
        # Keys beyond all numbers and all calendars, of those who are known and of those who are not.
        f"SELECT CASE WHEN age = {age} THEN 'nan'::DOUBLE WHEN status = 1 THEN 'inf' ELSE sex END k, count(*) n FROM p"
        " GROUP BY ALL ORDER BY ALL",
        f"SELECT CASE WHEN age < {age} THEN 'nan'::DOUBLE ELSE sex END k, count(*) n, sum(status) d FROM p GROUP BY ALL ORDER BY k DESC",
        f"SELECT birth_ym + CASE WHEN age = {age} THEN 10000000 ELSE 0 END < '9999-01-01' k, count(*) n, sum(status) d FROM p"
        " GROUP BY ALL",
        f"SELECT CASE WHEN age < {age} THEN 'infinity'::DATE WHEN status = 1 THEN '-infinity' ELSE '2020-01-01' END k,"
        " count(*) n FROM p GROUP BY ALL ORDER BY ALL",
        # Missing values and margins in one column.
        "SELECT smoker AND bmi > 20 AS k, count(*) n FROM p GROUP BY ROLLUP (smoker AND bmi > 20)",
    ]


HONEST = (
    "SELECT sex, age // 5 * 5 a, count(*) n, sum(status) d, avg(bmi) m FROM p GROUP BY ALL ORDER BY ALL",
    "SELECT sex, smoker, count(*) n, 1000.0 * sum(status) / count(*) r FROM p GROUP BY ROLLUP (sex, smoker)",
    "SELECT pref, count(*) n, sum(status) d FROM p GROUP BY ALL",
    "WITH f AS (SELECT pid, min(day) t FROM rx WHERE drug = 'A' GROUP BY pid) SELECT sex, count(*) n,"
    " count(*) FILTER (EXISTS (SELECT 1 FROM dx WHERE dx.pid = f.pid AND icd = 'I21' AND dx.day > f.t)) e"
    " FROM f JOIN p USING (pid) GROUP BY ALL",
)


def _condition(chance: random.Random) -> str:
    number = chance.randint(18, 99)
    return chance.choice(
        [
            f"p.age {chance.choice(['<', '>=', '=', '<>'])} {number}",
            f"p.age // 5 * 5 {chance.choice(['<', '>=', '='])} {number // 5 * 5}",
            f"p.sex = {chance.randint(1, 2)}",
            f"p.birth_ym >= DATE '{2024 - number}-0{chance.randint(1, 9)}-01'",
            f"p.pref {chance.choice(['=', '<>'])} '{chance.choice(worlds.PREFS)}'",
            "p.status = 1",
            f"p.bmi > {chance.randint(18, 30)}",
            f"p.age + p.bmi > {number + 20}",
            f"(p.age = {number} OR p.status = 1)",
            f"EXISTS (SELECT 1 FROM dx WHERE dx.pid = p.pid AND dx.icd = 'E11' AND p.age > {number})",
            f"p.pid IN (SELECT pid FROM claim WHERE age >= {number} AND points > 3000)",
        ]
    )


def _key(chance: random.Random) -> str:
    width = chance.choice([1, 3, 5, 10])
    return chance.choice(
        [f"p.age // {width} * {width}", "p.sex", "p.pref", "p.smoker", f"p.age >= {chance.randint(20, 90)}",
         "CASE WHEN p.age < 65 THEN p.status ELSE 2 END", "year(p.birth_ym)", "p.sex * 100 + p.age // 10"]
    )  # fmt: skip


def made_up(chance: random.Random) -> str:
    keys = [f"{_key(chance)} AS k{n}" for n in range(chance.randint(0, 2))]
    measures = chance.sample(
        ["count(*) n", "sum(p.status) d", "avg(p.bmi) m", f"count(*) FILTER ({_condition(chance)}) f",
         "sum(p.status) / count(*) r", f"sum(CASE WHEN {_condition(chance)} THEN 1 ELSE 0 END) c"],
        chance.randint(1, 3),
    )  # fmt: skip
    where = " AND ".join(_condition(chance) for _ in range(chance.randint(0, 2)))
    return (
        f"SELECT {', '.join([*keys, *measures])} FROM p"
        + (f" WHERE {where}" if where else "")
        + (" GROUP BY ALL ORDER BY ALL" if keys else "")
    )


@pytest.mark.timeout(600)
def test_nothing_that_is_told_depends_on_which_of_two_persons_of_a_block_it_is(
    true: worlds.World, policy: Any
) -> None:
    """Trackers that know the person, honest questions, and statements made up at random, in two pairs of worlds."""
    chance = random.Random(77)
    with worlds.opened(true) as here:
        for one, other in pairs(true, 2):
            asked = [*trackers(known_of(true, one)), *HONEST, *(made_up(chance) for _ in range(8))]
            answered = 0
            with worlds.opened(true.exchanged(one, other)) as there:
                for text in asked:
                    first = worlds.told(text, here, policy, true.homes)
                    assert first == worlds.told(text, there, policy, true.homes), text
                    answered += isinstance(first, list)
            # A tier that refuses everything would pass, too.
            assert answered > 0.6 * len(asked)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("homes", [False, True], ids=["areas apart", "one partition"])
def test_nothing_that_is_told_depends_on_who_within_blocks_is_who_or_on_where_rows_lie(
    homes: bool, policy: Any
) -> None:
    """Everybody trades within a block (and area, where those are apart) at once, every table lies in another order, much is missing: statements that
    once told the difference, and chains of CTEs, windows, set operations and subqueries made up at random."""
    chance = random.Random(4)
    true = worlds.harder(homes=homes)
    maker = Maker(chance)
    known = next(row[:5] for row in true.rows["p"] if row[2] is not None and row[4] is not None)
    asked = [*found_once(known), *trackers(known), *(maker.statement() for _ in range(60))]
    answered = 0
    with worlds.opened(true) as here, worlds.opened(true.mixed(chance)) as there:
        for text in asked:
            first, second = (
                worlds.told_or_failed(text, here, policy, homes),
                worlds.told_or_failed(text, there, policy, homes),
            )
            assert first == second, text
            answered += isinstance(first, list)
    assert answered > 0.4 * len(asked)


def test_the_game_can_be_lost(true: worlds.World) -> None:
    """The two worlds do differ: asked without blocks, the first tracker tells them apart."""
    one, other = pairs(true, 1)[0]
    _, sex, age, birth, _ = known_of(true, one)
    text = f"SELECT sum(status) FROM reg.p WHERE sex = {sex} AND age = {age} AND birth_ym = DATE '{birth}'"
    with worlds.opened(true) as here, worlds.opened(true.exchanged(one, other)) as there:
        assert here.execute(text).fetchall() != there.execute(text).fetchall()


@pytest.mark.parametrize("text", HONEST)
def test_an_honest_question_is_answered_as_it_would_be_without_protection(
    text: str, true: worlds.World, policy: Any
) -> None:
    """Every shown number is the bare engine's, and most are shown."""
    with worlds.opened(true) as con:
        told = worlds.told(text, con, policy, true.homes)
        con.execute("USE reg")
        bare = con.sql(text).to_arrow_table().to_pylist()
    assert isinstance(told, list)
    names = list(bare[0])
    measures = [name for name in names if f"{name}_status" in told[0] and name not in {"sex", "smoker"}]
    keys = [name for name in names if name not in measures]
    true_rows = {tuple(row[key] for key in keys): row for row in bare}
    shown = 0
    for row in told:
        for name in measures:
            if row[f"{name}_status"] == "shown":
                expected = true_rows[tuple(row[key] for key in keys)][name]
                assert float(row[name]) == pytest.approx(float(expected)), (text, row)
                shown += 1
    seen = sum(row[f"{name}_status"] != "hidden" for row in told for name in measures)
    # Where blocks are cut by area first, those of 2,500 persons run through bands of age: near, and called so.
    assert (seen if true.homes else shown) >= 0.4 * len(told) * len(measures)
