"""`enclave query`: the whole story in one command, over databases that only a descriptor describes."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from enclave.adapters import ledger_files
from tests.unit.rehearsal import ground
from tests.unit.rehearsal.ground import AT, Person, Terminal

BY_SEX = "SELECT sex, count(*) AS n, count(*) FILTER (died) AS dead FROM person GROUP BY sex ORDER BY sex"


def test_rows_are_the_source_rows_under_pseudonyms(terminal: Terminal, persons: list[Person]) -> None:
    """Types, texts in Japanese and dates come through Shift-JIS, gzip and the extract unchanged; numbers do not."""
    ran = terminal.query("SELECT pid, day, ward, cost FROM visit ORDER BY pid, day, ward, cost")
    rows = ran.rows()
    assert ran.json()["columns"] == [
        {"name": "pid", "type": "UINTEGER"},
        {"name": "day", "type": "DATE"},
        {"name": "ward", "type": "VARCHAR"},
        {"name": "cost", "type": "BIGINT"},
    ]
    assert Counter((r[1], r[2], r[3]) for r in rows) == Counter(v[:3] for p in persons for v in p.visits)
    assert Counter(Counter(r[0] for r in rows).values()) == Counter(
        len(p.visits) for p in persons if p.visits
    )
    assert not {r[0] for r in rows} & {p.number for p in persons}
    assert ran.json()["statuses"] == {}


def test_equal_numbers_are_one_person_across_linked_databases(
    terminal: Terminal, persons: list[Person]
) -> None:
    """Neither descriptor has identifiers, and the permit links the two: the join counts whom both name."""
    sql = "SELECT m.kind, p.sex, count(*) AS n FROM person p JOIN member m USING (pid) GROUP BY ALL ORDER BY ALL"
    expected = Counter((p.sport, p.sex) for p in persons if p.sport is not None)
    assert [tuple(r) for r in terminal.query(sql).rows()] == [
        (*key, n) for key, n in sorted(expected.items())
    ]


def test_a_table_hides_small_cells_and_says_so(terminal: Terminal, persons: list[Person]) -> None:
    """Statuses stand apart, one for each row; a hidden cell is null; what is shown is the plain count."""
    sql = "SELECT ward, sex, count(DISTINCT pid) AS n FROM visit JOIN person USING (pid) GROUP BY ALL ORDER BY ALL"
    ran = terminal.query(sql, "--form", "table")
    told = ran.json()
    assert [c["name"] for c in told["columns"]] == ["ward", "sex", "n"]
    oracle = Counter((ward, p.sex) for p in persons for ward in {v[1] for v in p.visits})
    assert len(told["rows"]) == len(told["statuses"]["n"]) == len(oracle)
    for (ward, sex, n), status in zip(told["rows"], told["statuses"]["n"], strict=True):
        assert n == (oracle[ward, sex] if status == "shown" else None)
        assert status == "shown" or n is None
    small = [key for key, n in oracle.items() if n < 10]
    assert small
    assert "hidden" in told["statuses"]["n"]
    assert told["receipt"]["cells"]["hidden"] >= len(small)


def test_the_receipt_names_the_leaves_that_bracket_the_answer(terminal: Terminal) -> None:
    """Permit, extract, policy, rule sets, and two places in a log that verifies with the key beside it."""
    ran = terminal.query(BY_SEX, "--form", "table")
    receipt = ran.json()["receipt"]
    assert receipt["permit"] == "p-2026-0007@1"
    assert receipt["extract"] == "v-81c2/1"
    assert receipt["time"] == AT
    assert receipt["rule_sets"] == ["ndb-2024-09"]
    log = terminal.data / ".enclave" / "ledger" / "log"
    ledger_files.verify_directory(log, ledger_files.read_verifier_key(log))
    authorised, answered = (
        ledger_files.prove(log, place, ledger_files.read_verifier_key(log))["leaf"]
        for place in receipt["log"]
    )
    assert (authorised["action"], answered["action"]) == ("query.authorised", "query.answered")
    assert authorised["object"]["id"] == answered["object"]["id"] == receipt["id"]


def test_the_aggregate_tier_has_its_blocks(terminal: Terminal, persons: list[Person]) -> None:
    """An extract of a rehearsal is formed as any other: a table over all blocks answers, a row does not."""
    ran = terminal.query(
        "SELECT died, count(*) AS n FROM person GROUP BY died", "--form", "table", "--tier", "aggregate"
    )
    counted = Counter(p.died for p in persons)
    assert {row[0]: row[1] for row in ran.rows()} == dict(counted)


def test_a_holders_own_words_for_sex_and_age_leave_nobody_without_blocks(
    tmp_path: Path, persons: list[Person]
) -> None:
    """No rule set knows these columns; the descriptor calls them identifying, which is what blocks are formed of."""
    home = tmp_path / "data" / "flchain"
    home.mkdir(parents=True)
    (home / "descriptor.yaml").write_text(
        "{database: flchain, title: {ja: 血清, en: Serum}, holder: x, source: x, tables: {t: {file: t.csv, person: id,"
        " columns: {yob: {type: int, unit: year, role: identifying, bands: 5}, gender: {type: code, role: identifying},"
        " death: {type: bool, role: outcome}}}}}"
    )
    lines = [f"{p.number},{2020 - p.age},{'-MF'[p.sex]},{int(p.died)}" for p in persons]
    (home / "t.csv").write_text("\n".join(["id,yob,gender,death", *lines]))
    terminal = Terminal(tmp_path, tmp_path / "data")
    shown = {"flchain": {"t": {"columns": ["yob", "gender", "death"]}}}
    terminal.use(ground.permit(databases=shown, linkage_groups=[["flchain"]], tier="aggregate"))
    ran = terminal.query(
        "SELECT gender, count(*) AS n FROM t GROUP BY gender ORDER BY gender", "--form", "table"
    )
    counted = Counter("-MF"[p.sex] for p in persons)
    assert [tuple(row) for row in ran.rows()] == sorted(counted.items())
    assert terminal.query("SELECT gender FROM t").code() == "query.tier_rows"


def test_parameters_by_name_and_in_order(terminal: Terminal, persons: list[Person]) -> None:
    """JSON where it is JSON, else a text; lists as lists."""
    inside = sum(v[1] == "外科" and v[2] > 450 for p in persons for v in p.visits)
    sql = "SELECT count(*) AS n FROM visit WHERE ward = $ward AND cost > $least"
    assert terminal.query(sql, "--param", "ward=外科", "--param", "least=450").rows() == [[inside]]
    sql = "SELECT count(*) AS n FROM visit WHERE ward = ? AND cost > ?"
    assert terminal.query(sql, "--param", "外科", "--param", "450").rows() == [[inside]]
    sql = "SELECT count(*) AS n FROM visit WHERE ward IN ($wards)"
    some = sum(v[1] in {"内科", "眼科"} for p in persons for v in p.visits)
    assert terminal.query(sql, "--param", 'wards=["内科", "眼科"]').rows() == [[some]]
    assert terminal.query(sql, "--param", "wards=x", "--param", "3").code() == "rehearsal.param"


def test_rows_period_and_coarsening_hold_in_the_extract(terminal: Terminal, persons: list[Person]) -> None:
    """They speak of source values, also of columns that the permit does not show."""
    databases = {
        "clinic": {
            "person": {"columns": ["age"], "rows": "age >= 20 AND NOT died", "coarsen": {"age": 10}},
            "visit": {
                "columns": ["cost"],
                "period": {"column": "day", "from": "2020-01-01", "to": "2021-01-01"},
            },
        }
    }
    terminal.use(ground.permit(databases=databases, linkage_groups=[]))
    try:
        ages = Counter(p.age // 10 * 10 for p in persons if p.age >= 20 and not p.died)
        rows = terminal.query("SELECT age, count(*) AS n FROM person GROUP BY age ORDER BY age").rows()
        assert [tuple(row) for row in rows] == sorted(ages.items())
        costs = sum(v[2] for p in persons for v in p.visits if v[0].startswith("2020-"))
        assert terminal.query("SELECT sum(cost) AS c FROM visit").rows() == [[costs]]
        assert terminal.query("SELECT day FROM visit").code() == "query.column_not_permitted"
    finally:
        terminal.use(ground.permit())


@pytest.mark.parametrize(
    ("at", "code"),
    [("2026-10-31T23:59:59Z", "permit.not_yet_valid"), ("2027-10-31T15:00:00Z", "permit.expired")],
)
def test_outside_the_permits_time_there_is_no_answer(terminal: Terminal, at: str, code: str) -> None:
    assert terminal.query(BY_SEX, at=at).code() == code


def test_the_clock_may_go_back(terminal: Terminal) -> None:
    """Rehearsing an earlier day after a later one is what `--at` is for."""
    assert terminal.query(BY_SEX, at="2027-06-01T00:00:00Z").status == 0
    assert terminal.query(BY_SEX, at="2026-11-02").status == 0


REFUSALS = [
    ("SELECT sex FROM person WHERE (", (), "query.syntax"),
    ("SELECT * FROM persn", (), "query.table_unknown"),
    ("SELECT agee FROM person", (), "query.column_not_permitted"),
    ("DELETE FROM person", (), "query.statement"),
    ("SELECT pid, count(*) AS n FROM person GROUP BY pid", ("--form", "table"), "query.key_identifies"),
    ("SELECT sex FROM person", ("--tier", "aggregate"), "query.tier_rows"),
    ("SELECT sex FROM person", ("--form", "cells"), "gateway.field"),
    ("SELECT 1 // (sex - sex) + ward::INTEGER FROM person JOIN visit USING (pid)", (), "query.value"),
]


@pytest.mark.parametrize(("sql", "more", "code"), REFUSALS)
def test_a_no_has_its_code_and_status_three(
    terminal: Terminal, sql: str, more: tuple[str, ...], code: str
) -> None:
    """The gateway's own codes, before execution and in the middle of it."""
    assert terminal.query(sql, *more).code() == code


def test_what_the_data_does_not_hold_is_named(terminal: Terminal) -> None:
    """A permit over a database, table or column that is not there gets a code that says which."""
    wrong = [
        ({"nowhere": {"t": {"columns": ["pid"]}}}, "rehearsal.database_missing", "nowhere"),
        ({"clinic": {"nothing": {"columns": ["pid"]}}}, "custody.table_unknown", "nothing"),
        ({"clinic": {"person": {"columns": ["height"]}}}, "custody.column_unknown", "height"),
    ]
    for databases, code, name in wrong:
        terminal.use(ground.permit(databases=databases, linkage_groups=[]))
        ran = terminal.query("SELECT 1 AS one")
        assert ran.code() == code
        assert name in ran.json()["facts"].values()
    terminal.use(ground.permit(rule_sets=["no-such-set"]))
    assert terminal.query("SELECT 1 AS one").code() == "custody.rule_set_unknown"
    terminal.permit.write_text("{")
    assert terminal.query("SELECT 1 AS one").code() == "rehearsal.permit_unreadable"
    terminal.use(ground.permit())


def test_a_table_on_a_terminal_shows_statuses_and_a_receipt(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the reader's language; a hidden cell is its status in brackets, and wide letters keep their columns."""
    sql = "SELECT ward, sex, count(DISTINCT pid) AS n FROM visit JOIN person USING (pid) GROUP BY ALL ORDER BY ALL"
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    said = terminal.query(sql, "--form", "table", json_too=False).out
    assert "[hidden]" in said
    assert "受領: " in said
    assert "秘匿" in said
    lines = [line for line in said.splitlines() if line.startswith(ground.WARDS)]
    assert len(lines) == 6
    assert len({len(line.encode("cp932")) for line in lines}) == 1
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    assert "receipt: " in terminal.query(BY_SEX, json_too=False).out
    refused = terminal.query("SELECT agee FROM person", json_too=False)
    assert (refused.status, refused.out) == (3, "")
    assert refused.err.startswith("query.column_not_permitted: ")


def test_a_text_of_the_data_does_not_act_on_the_terminal(terminal: Terminal) -> None:
    said = terminal.query("SELECT 'a\x1b[31mb' AS x", json_too=False)
    assert "\x1b" not in said.out


def test_budgets_count_over_commands(data: Path, tmp_path: Path) -> None:
    """The state folder is the history: the day's third question is one too many, the next day's first is not."""
    terminal = Terminal(tmp_path, data)
    terminal.use(ground.permit(limits={"queries_day": 2}))
    state = ("--state", str(tmp_path / "state"))
    assert [terminal.query(BY_SEX, *state).status for _ in range(2)] == [0, 0]
    assert terminal.query(BY_SEX, *state).code() == "query.budget_queries"
    assert terminal.query(BY_SEX, *state, at="2026-12-02T09:00:00Z").status == 0


def test_the_author_of_a_rule_set_sees_what_it_does(terminal: Terminal, tmp_path: Path) -> None:
    """Other thresholds, other cells, the same extract: nothing of the data is read again."""
    rules = tmp_path / "policies"
    shutil.copytree(ground.ROOT / "policies", rules)
    file = rules / "data" / "ndb-2024-09" / "data.yaml"
    file.write_text(file.read_text().replace("min_persons: {n: 10,", "min_persons: {n: 300,"))
    sql = "SELECT ward, count(DISTINCT pid) AS n FROM visit GROUP BY ward"
    before = terminal.query(sql, "--form", "table").json()
    after = terminal.query(sql, "--form", "table", "--policies", str(rules)).json()
    assert after["receipt"]["cells"]["hidden"] > before["receipt"]["cells"]["hidden"]
    assert after["receipt"]["policy"] != before["receipt"]["policy"]
    assert after["receipt"]["extract"] == before["receipt"]["extract"]


def test_every_kind_of_value_has_its_json(terminal: Terminal) -> None:
    """What JSON has no word for is a text: dates, intervals, numbers that are none."""
    sql = (
        "SELECT 1 AS whole, 1.5::DECIMAL(5, 2) AS exact, DATE '2020-01-02' AS day, INTERVAL 3 MONTH AS span,"
        " 'あ\\い' AS words, NULL AS nothing, true AS yes, [1, 2] AS several, 1e308 * 10 AS large"
    )
    ran = terminal.query(sql)
    assert ran.rows() == [[1, 1.5, "2020-01-02", "P3M0DT0S", "あ\\い", None, True, [1, 2], "inf"]]
    types = [column["type"] for column in ran.json()["columns"]]
    assert types[:5] == ["INTEGER", "DECIMAL(5,2)", "DATE", "INTERVAL", "VARCHAR"]


def test_a_statement_comes_from_a_file_or_the_command_line(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "問い.sql"
    file.write_text(BY_SEX, encoding="utf-8")
    words = ["query", "--permit", str(terminal.permit), "--data", str(terminal.data), "--at", AT, "--json"]
    assert ground.run(*words, str(file)).rows() == terminal.query(BY_SEX).rows()
    assert ground.run(*words).code() == "rehearsal.statement_missing"
    assert ground.run(*words, str(tmp_path / "none.sql")).code() == "rehearsal.statement_unreadable"
