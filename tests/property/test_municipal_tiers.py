"""In small municipalities `table()` asks for more persons, or shows nothing: recounted naively, record by record."""

import contextlib
import random
from collections.abc import Iterator

import pyarrow as pa
import pytest

from enclave.adapters.engine import Engine
from enclave.core.refusal import Refused
from enclave.disclosure.answers.table import TOTAL, Hidden, ProtectedRow, ProtectedTable, Reason, Shown
from enclave.gateway import cells
from enclave.query.stages import Form, Guarded
from tests.unit.query.municipal_world import (
    POPULATION,
    TIERS,
    Record,
    answer,
    guarded,
    opened,
    rule,
    settled_by_blocks,
)

JOINED = "FROM care.claim AS c JOIN core.muni AS m ON m.muni_code = c.muni_code"
VILLAGES, TOWN, BIG = ("01001", "01002"), "01003", ("01004", "01005")


def people(counts: dict[str | None, int]) -> list[Record]:
    """So many persons of each municipality, one record each, the sexes by turns."""
    found: list[Record] = []
    for code, number in counts.items():
        for _ in range(number):
            found.append((len(found) + 1, 1 + len(found) % 2, "ab"[len(found) % 3 == 0], code))
    return found


def drawn(seed: int) -> list[Record]:
    draw = random.Random(seed)
    found: list[Record] = []
    for code in (*POPULATION, None):
        for _ in range(draw.choice((0, 3, 9, 12, 19, 25, 45, 90))):
            pid = len(found) + 1
            for _ in range(draw.choice((1, 1, 2))):
                found.append((pid, draw.choice((1, 1, 2)), draw.choice("aaab"), code))
    return found


def least(code: object) -> int | None:
    """The criterion, written down again: fewer than 2,000 inhabitants nothing, fewer than 25,000 twenty, else ten."""
    if code is None or code is TOTAL:
        return 10
    number = POPULATION.get(str(code), 0)
    return None if number < 2000 else 20 if number < 25000 else 10


def statuses(table: ProtectedTable, key: str = "muni_code") -> dict[object, str]:
    place = table.dimensions.index(key)
    return {
        row.keys[place]: "hidden" if all(isinstance(one, Hidden) for one in row.cells) else "shown"
        for row in table.rows
    }


@pytest.mark.parametrize("persons", [0, 12, 25])
@pytest.mark.parametrize("code", ["01001", "01003", "01005"])
def test_each_municipality_is_judged_by_its_own_inhabitants(code: str, persons: int) -> None:
    """Of 0, 12 and 25 persons a village of 1,500 shows none, a town of 20,000 the 25 and a city of 300,000 the 12 as well."""
    counts: dict[str | None, int] = dict.fromkeys(BIG, 60) | {TOWN: 60} | {code: persons}
    with opened(people(counts)) as engine:
        table = answer(engine, guarded("SELECT muni_code, count(*) AS n FROM care.claim GROUP BY muni_code"))
    primary = {row.keys[0] for row in table.rows for one in row.cells if one == Hidden(Reason.PRIMARY)}
    floor = least(code)
    unsafe = persons > 0 and (floor is None or persons < floor)
    assert primary == ({code} if unsafe else set())


QUESTIONS = (
    ("SELECT muni_code, count(*) AS n FROM care.claim GROUP BY muni_code", ("muni_code",)),
    ("SELECT muni_code, count(DISTINCT pid) AS n FROM care.claim GROUP BY ROLLUP (muni_code)", ("muni_code",)),
    ("SELECT muni_code, sex, count(*) AS n FROM care.claim GROUP BY ROLLUP (muni_code, sex)", ("muni_code", "sex")),
    ("SELECT sex, muni_code, count(*) AS n FROM care.claim GROUP BY CUBE (sex, muni_code)", ("sex", "muni_code")),
    ("SELECT kind, muni_code, count(*) AS n, count(*) FILTER (WHERE sex = 1) AS men FROM care.claim GROUP BY ALL", ("kind", "muni_code")),
)  # fmt: skip
PLACE = {"sex": 1, "kind": 2, "muni_code": 3}


@pytest.mark.parametrize("seed", range(6))
def test_no_shown_number_speaks_of_fewer_than_its_municipality_asks_for(seed: int) -> None:
    """Whatever the data: cells, and margins over other keys, have none or enough persons; of villages nothing is shown."""
    records = drawn(seed)
    answered = 0
    with opened(records) as engine:
        for sql, keys in QUESTIONS:
            with contextlib.suppress(Refused):
                table = answer(engine, guarded(sql))
                answered += 1
                for row in table.rows:
                    told = dict(zip(keys, row.keys, strict=True))
                    _enough(row, told, records)
    assert answered > len(QUESTIONS) // 2


def _enough(row: ProtectedRow, told: dict[str, object], records: list[Record]) -> None:
    group = {
        one[0]
        for one in records
        if all(value is TOTAL or one[PLACE[key]] == value for key, value in told.items())
    }
    floor = least(told["muni_code"])
    shown = [one.value for one in row.cells if isinstance(one, Shown)]
    if floor is None:
        assert not shown
    else:
        assert not any(shown) or len(group) >= floor


def test_a_hidden_village_is_not_the_difference_of_a_total_and_the_rest() -> None:
    """The total over all municipalities is shown, so a second municipality hides with the village, though it is large enough."""
    counts: dict[str | None, int] = {"01001": 40, "01004": 50, "01005": 80}
    with opened(people(counts)) as engine:
        table = answer(
            engine, guarded("SELECT muni_code, count(*) AS n FROM care.claim GROUP BY ROLLUP (muni_code)")
        )
    found = statuses(table)
    assert found[TOTAL] == "shown"
    assert found["01001"] == "hidden"
    assert sorted(found.values()).count("hidden") == 2


def test_a_total_of_a_town_that_was_not_asked_for_is_judged_as_where_it_is() -> None:
    """Of a town with 19 persons nothing is shown by sex either, though 10 of them are women: the two would make up the 19."""
    counts: dict[str | None, int] = {TOWN: 19, "01005": 80, "01004": 90}
    with opened(people(counts)) as engine:
        whole = answer(engine, guarded("SELECT muni_code, count(*) AS n FROM care.claim GROUP BY muni_code"))
        parts = answer(
            engine, guarded("SELECT muni_code, sex, count(*) AS n FROM care.claim GROUP BY muni_code, sex")
        )
    assert statuses(whole)[TOWN] == "hidden"
    assert all(isinstance(row.cells[0], Hidden) for row in parts.rows if row.keys[0] == TOWN)


# -- other ways to say it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attack", "twin"),
    [
        ("SELECT count(*) AS n FROM care.claim WHERE muni_code = '01003'", "SELECT count(*) AS n FROM care.claim WHERE muni_code = '01004'"),
        ("SELECT count(*) AS n FROM care.claim WHERE '01003' = muni_code", "SELECT count(*) AS n FROM care.claim WHERE '01005' = muni_code"),
        ("SELECT count(*) AS n FROM care.claim WHERE muni_code IN ('01003')", "SELECT count(*) AS n FROM care.claim WHERE muni_code IN ('01005', '01004')"),
        ("SELECT count(*) AS n FROM care.claim WHERE muni_code IN ('01001', '01005')", "SELECT count(*) AS n FROM care.claim WHERE muni_code IN ('01004', '01005')"),
        (f"SELECT count(*) AS n {JOINED} WHERE m.muni_name = 'Chitose'", f"SELECT count(*) AS n {JOINED} WHERE m.sma_code = '0102'"),
        (f"SELECT count(*) AS n {JOINED} AND m.muni_code = '01001'", f"SELECT count(*) AS n {JOINED} AND m.sma_code = '0101'"),
        ("SELECT count(*) AS n FROM care.claim WHERE pid IN (SELECT r.pid FROM care.claim AS r WHERE r.muni_code = '01003')", "SELECT count(*) AS n FROM care.claim WHERE pid IN (SELECT r.pid FROM care.claim AS r WHERE r.muni_code = '01004')"),
        ("WITH c AS (SELECT pid, muni_code AS place FROM care.claim) SELECT count(*) AS n FROM c WHERE place = '01003'", "WITH c AS (SELECT pid, muni_code AS place FROM care.claim) SELECT count(*) AS n FROM c WHERE place = '01004'"),
        ("SELECT count(*) FILTER (WHERE muni_code = '01003') AS n FROM care.claim", "SELECT count(*) FILTER (WHERE muni_code = '01004') AS n FROM care.claim"),
        (f"SELECT m.muni_name, count(*) AS n {JOINED} WHERE m.muni_code < '01004' AND m.sma_code = '0101' GROUP BY ALL", f"SELECT m.sma_code, count(*) AS n {JOINED} GROUP BY ALL"),
        (f"SELECT m.population, count(*) AS n {JOINED} WHERE m.sma_code = '0101' GROUP BY ALL", f"SELECT m.population, count(*) AS n {JOINED} WHERE m.sma_code = '0102' GROUP BY ALL"),
        ("SELECT muni_code, count(*) AS n FROM care.claim WHERE muni_code IN ('01001', '01003') GROUP BY ALL", "SELECT muni_code, count(*) AS n FROM care.claim WHERE muni_code IN ('01004', '01005', '01001') AND muni_code IS NOT NULL GROUP BY ALL"),
    ],
)  # fmt: skip
def test_a_small_municipality_is_small_however_it_is_named(attack: str, twin: str, fifteen: Engine) -> None:
    """As a condition, a list, a name, its number of inhabitants, in a query within; its honest twin, of a larger place, is answered."""
    try:
        assert numbers(fifteen, guarded(attack)) == []
    except Refused as refused:
        told = refused.code
        assert told == "query.municipality_unclear"
    assert numbers(fifteen, guarded(twin))


def numbers(engine: Engine, asked: Guarded) -> list[object]:
    """What is shown, but for zeros."""
    return [
        one.value
        for row in answer(engine, asked).rows
        for one in row.cells
        if isinstance(one, Shown) and one.value
    ]


@pytest.fixture(scope="module")
def fifteen() -> Iterator[Engine]:
    """Fifteen persons in the town and in each larger place, forty in each village."""
    counts: dict[str | None, int] = {"01001": 40, "01002": 40, TOWN: 15, "01004": 15, "01005": 15}
    with opened(people(counts)) as engine:
        yield engine


@pytest.fixture(scope="module")
def few() -> Iterator[Engine]:
    with opened(people(dict.fromkeys(POPULATION, 3))) as engine:
        yield engine


@pytest.fixture(scope="module")
def many() -> Iterator[Engine]:
    with opened(people(dict.fromkeys(POPULATION, 60))) as engine:
        yield engine


UNCLEAR = (
    "SELECT left(muni_code, 3) AS m, count(*) AS n FROM care.claim GROUP BY ALL",
    "SELECT muni_code = '01004' AS here, count(*) AS n FROM care.claim GROUP BY ALL",
    "SELECT CASE WHEN muni_code = '01004' THEN 'here' ELSE 'elsewhere' END AS m, count(*) AS n FROM care.claim GROUP BY ALL",
    "SELECT sum(CASE WHEN muni_code = '01004' THEN 1 ELSE 0 END) AS n FROM care.claim",
    "SELECT count(*) AS n FROM care.claim WHERE muni_code <> '01004'",
    "SELECT count(*) AS n FROM care.claim WHERE muni_code NOT IN ('01004', '01005')",
    "SELECT count(*) AS n FROM care.claim WHERE muni_code LIKE '01004%'",
    "SELECT count(*) AS n FROM care.claim WHERE muni_code BETWEEN '01004' AND '01004'",
    "SELECT count(*) AS n FROM care.claim WHERE upper(muni_code) = '01004'",
    f"SELECT count(*) AS n {JOINED} WHERE m.population = 25000",
    "SELECT sum((muni_code = '01004')::INT) AS n FROM care.claim",
    "SELECT count(nullif(muni_code, '01004')) AS n FROM care.claim",
    "SELECT sum(len(replace(muni_code, '01004', ''))) AS n FROM care.claim",
    f"SELECT m.sma_code, avg(m.population) AS n {JOINED} GROUP BY ALL",
    "WITH h AS (SELECT pid, (muni_code = '01004')::INT AS here FROM care.claim) SELECT sum(here) AS n FROM h",
    "SELECT count(*) AS n FROM care.claim AS c JOIN (VALUES ('01004')) AS v(code) ON v.code = c.muni_code",
    "SELECT count(*) AS n FROM care.claim WHERE list_contains(['01004'], muni_code)",
    "SELECT count(*) AS n FROM care.claim WHERE (muni_code, sex) IN (('01004', 1))",
    "SELECT count(*) AS n FROM care.claim WHERE muni_code IN (SELECT '01004')",
    "SELECT count(*) AS n FROM care.claim WHERE NOT pid IN (SELECT r.pid FROM care.claim AS r WHERE r.muni_code = '01004')",
    "SELECT pid IN (SELECT r.pid FROM care.claim AS r WHERE r.muni_code = '01004') AS here, count(*) AS n FROM care.claim GROUP BY ALL",
    "SELECT count(*) AS n FROM care.claim AS c LEFT JOIN (SELECT r.pid FROM care.claim AS r WHERE r.muni_code = '01004') AS h ON h.pid = c.pid WHERE h.pid IS NULL",
    "WITH h AS (SELECT pid FROM care.claim WHERE muni_code = '01004') SELECT count(*) AS n FROM care.claim AS c LEFT JOIN h ON h.pid = c.pid WHERE h.pid IS NULL",
    "WITH h AS (SELECT pid FROM care.claim WHERE muni_code = '01004') SELECT count(*) AS n FROM care.claim WHERE pid NOT IN (SELECT h.pid FROM h)",
    "SELECT count(*) AS n FROM care.claim AS c JOIN (SELECT max(m.muni_code) AS code FROM core.muni AS m) AS one ON one.code = c.muni_code",
    "SELECT count(*) AS n FROM care.claim AS c WHERE c.muni_code = (SELECT max(m.muni_code) FROM core.muni AS m)",
    "SELECT count(*) AS n FROM care.claim AS c LEFT JOIN core.muni AS m ON m.muni_code = c.muni_code AND m.muni_code = '01004' WHERE m.sma_code IS NULL",
)  # fmt: skip


@pytest.mark.parametrize("sql", UNCLEAR)
def test_where_nobody_can_tell_the_municipality_the_strictest_tier_holds(
    sql: str, few: Engine, many: Engine
) -> None:
    """Where that tier shows nothing the question is refused and says how to ask; where it shows twenty, twenty are asked for."""
    with pytest.raises(Refused) as refused:
        guarded(sql)
    assert refused.value.code == "query.municipality_unclear"
    asked = guarded(sql, rule({"below": 25000, "n": 20}))
    assert numbers(few, asked) == []
    assert numbers(many, asked)


TOLD = (
    "SELECT muni_code, count(*) AS n FROM care.claim WHERE muni_code LIKE '01%' GROUP BY muni_code",
    "SELECT muni_code, left(muni_code, 2) AS pref, count(*) AS n FROM care.claim GROUP BY ALL",
    "SELECT muni_code, count(*) AS n FROM care.claim WHERE muni_code <> '01004' GROUP BY muni_code",
    "SELECT muni_code, count(*) AS n FROM care.claim WHERE muni_code LIKE '01%' GROUP BY ROLLUP (muni_code)",
    f"SELECT m.muni_name, count(*) AS n {JOINED} WHERE m.muni_name <> 'Ebetsu' GROUP BY ALL",
)


@pytest.mark.parametrize("sql", TOLD)
def test_what_is_computed_from_a_key_says_no_more_than_the_key(sql: str, many: Engine) -> None:
    """Each row is judged by its own municipality; a total over those that match a pattern may be of a village, and hides."""
    found = answer(many, guarded(sql))
    shown = {row.keys[0] for row in found.rows if any(isinstance(one, Shown) for one in row.cells)}
    assert shown
    assert shown <= {*BIG, TOWN, "Chitose", "Date", "Ebetsu"}


WIDER = (
    "SELECT count(*) AS n FROM care.claim",
    "SELECT sex, count(*) AS n FROM care.claim WHERE muni_code IS NOT NULL GROUP BY sex",
    "SELECT sex, count(muni_code) AS n, count(DISTINCT muni_code) AS codes FROM care.claim GROUP BY sex",
    f"SELECT m.sma_code, count(*) AS n {JOINED} GROUP BY ALL",
    f"SELECT m.pref_code, count(*) AS n {JOINED} WHERE m.sma_code = '0101' GROUP BY ALL",
    "SELECT count(*) AS n FROM care.claim WHERE muni_code IN (SELECT m.muni_code FROM core.muni AS m WHERE m.sma_code = '0101')",
    "SELECT count(DISTINCT a.pid) AS n FROM care.claim AS a JOIN care.claim AS b ON a.pid = b.pid AND a.muni_code = b.muni_code",
)  # fmt: skip


@pytest.mark.parametrize("sql", WIDER)
def test_a_wider_area_has_no_tier(sql: str, many: Engine) -> None:
    """Medical areas and prefectures, by a join or a list that comes from the public table; and whether a code is there at all."""
    asked = guarded(sql)
    assert asked.cells is not None
    assert asked.cells.municipal is None
    assert numbers(many, asked)


def test_without_a_table_of_inhabitants_the_question_is_refused() -> None:
    """It says what to do; a question that no municipality cuts is answered all the same."""
    for sql in (
        "SELECT muni_code, count(*) AS n FROM care.claim GROUP BY muni_code",
        "SELECT count(*) AS n FROM care.claim WHERE muni_code = '01004'",
    ):
        with pytest.raises(Refused) as refused:
            guarded(sql, with_areas=False)
        assert refused.value.code == "query.municipality_unknown"
        assert guarded(sql, rule(), with_areas=False).cells is not None
    assert (
        guarded("SELECT sex, count(*) AS n FROM care.claim GROUP BY sex", with_areas=False).cells is not None
    )


def test_a_code_that_the_public_table_does_not_know_is_of_the_smallest_tier() -> None:
    """A municipality that was merged away may have been a village; a missing code is about no municipality."""
    counts: dict[str | None, int] = {"01999": 80, None: 15, "01004": 30, "01005": 40}
    with opened(people(counts)) as engine:
        asked = guarded("SELECT muni_code, count(*) AS n FROM care.claim GROUP BY muni_code")
        found = answer(engine, asked)
        outside = guarded(
            "SELECT m.muni_code, count(*) AS n FROM care.claim AS c LEFT JOIN core.muni AS m"
            " ON m.muni_code = c.muni_code GROUP BY ALL"
        )
        unmatched = answer(engine, outside)
    primary = {row.keys[0] for row in found.rows if row.cells[0] == Hidden(Reason.PRIMARY)}
    assert primary == {"01999"}
    assert {row.keys[0] for row in unmatched.rows if row.cells[0] == Hidden(Reason.PRIMARY)} == {None}


def test_a_code_that_was_coarsened_to_its_prefecture_is_no_municipality() -> None:
    """Custody leaves two digits of it, which the public table of municipalities does not know."""
    sql = "SELECT muni_code, count(*) AS n FROM care.claim GROUP BY muni_code"
    asked = guarded(sql, coarsen={"muni_code": 2})
    assert asked.cells is not None
    assert asked.cells.municipal is None


def test_of_several_rule_sets_the_strictest_tier_holds() -> None:
    """One set asks for twenty below 25,000, another for thirty below 400,000."""
    sql = "SELECT muni_code, count(*) AS n FROM care.claim GROUP BY muni_code"
    asked = guarded(sql, rule(*TIERS), rule({"below": 400_000, "n": 30}, name="s"))
    with opened(people({TOWN: 29, "01004": 29, "01005": 30})) as engine:
        table = answer(engine, asked)
    primary = {row.keys[0] for row in table.rows if row.cells[0] == Hidden(Reason.PRIMARY)}
    assert primary == {TOWN, "01004"}


def test_a_question_by_municipality_is_not_judged_by_bounds() -> None:
    """Bounds know one number of persons for all cells: such a question is counted exactly, and not without inhabitants."""
    sql = "SELECT muni_code, count(*) AS n FROM care.claim GROUP BY muni_code"
    asked = guarded(sql)
    assert asked.counting is None
    assert guarded(sql, rule()).counting is not None
    with opened(people({"01004": 30})) as engine:
        run = engine.run(asked)
        answered = pa.Table.from_batches(list(run.batches()), schema=run.schema)
        run.close()
    with pytest.raises(TypeError):
        cells.protect(answered, asked)


BLOCKS = (
    "SELECT muni_code, count(*) AS n FROM care.claim GROUP BY muni_code",
    "SELECT muni_code, count(DISTINCT pid) AS n FROM care.claim GROUP BY ROLLUP (muni_code)",
    "SELECT count(*) AS n FROM care.claim WHERE muni_code = '01003'",
    "SELECT count(*) AS n FROM care.claim WHERE muni_code IN ('01001', '01005')",
    f"SELECT m.muni_name, count(*) AS n {JOINED} GROUP BY ALL",
)


@pytest.mark.parametrize("sql", BLOCKS)
def test_the_aggregate_tier_judges_municipalities_alike(sql: str, fifteen: Engine) -> None:
    """Whole blocks of fifteen persons are enough for a larger place, not for the town, and villages show nothing."""
    asked = settled_by_blocks(sql, fifteen)
    found = answer(fifteen, asked)
    shown = {
        row.keys[0] if row.keys else None
        for row in found.rows
        if any(not isinstance(one, Hidden) for one in row.cells)
    }
    assert not shown & {None, *VILLAGES, TOWN, "Aoyama", "Biei", "Chitose"}
    assert bool(shown) == ("GROUP BY" in sql)


def test_records_inside_the_workspace_are_not_concerned() -> None:
    """The tiers are of what is shown as a table."""
    asked = guarded("SELECT muni_code, sex FROM care.claim", form=Form.ROWS)
    assert asked.cells is None
