"""The notebook's client against a gateway that really speaks its contract, over TLS."""

import _thread
import datetime as dt
import decimal
import html
import io
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

HERE = Path(__file__).resolve().parent
# The client is a project of its own: it is on the path of a notebook, not of the services.
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "enclave" / "client")]

from enclave_client import HIDDEN, Cancelled, Enclave, ProtectedTable, Refused, connect  # noqa: E402
from speaking_gateway import SpeakingGateway, authority  # noqa: E402

CUBE = "SELECT male, age // 20 * 20 AS band, count(*) AS n FROM patients WHERE futime < 90 GROUP BY CUBE (male, band) ORDER BY ALL"


@pytest.fixture
def gateway() -> Iterator[SpeakingGateway]:
    with SpeakingGateway() as running:
        yield running


@pytest.fixture
def e(gateway: SpeakingGateway) -> Enclave:
    return connect(gateway.folder)


# -- the session ----------------------------------------------------------------------------------
def test_connecting_says_who_where_and_until_when(
    gateway: SpeakingGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first line a researcher sees names person, project, permit and end."""
    connect(gateway.folder)
    said = capsys.readouterr().out
    assert all(part in said for part in ("tanaka", "nafld-fib", "p-2026-0007@1", "1 Nov 2027, 00:00 JST"))


def test_the_language_of_the_session_is_spoken_from_then_on() -> None:
    """Titles, labels and what is asked of the gateway follow the session's language."""
    with SpeakingGateway(language="ja") as gateway:
        e = connect(gateway.folder)
        assert list(e.tables()["title"]) == ["年齢", "死亡"]
        e.sql("SELECT 1 AS one")
        assert gateway.languages[-1] == "ja"


def test_tables_lists_every_column_of_the_permit(e: Enclave) -> None:
    """One line per column, with title, type, role, unit and codes; all of them show."""
    lines = e.tables()
    assert list(lines.columns) == ["table", "column", "title", "type", "role", "unit", "codes"]
    assert lines.iloc[0].tolist() == ["nafld.patients", "age", "age", "int", "identifying", "year", ""]
    assert all(part in lines._repr_html_() for part in ("nafld.patients", "patients (2)", "died", "outcome"))


@pytest.mark.parametrize(
    ("language", "parts"),
    [
        (
            "en",
            (
                "queries",
                "used today",
                "no limit",
                "Renewed at 22 Nov 2026, 09:00 JST.",
                "Apply <in the portal>.",
            ),
        ),
        ("ja", ("問い合わせ（回）", "使った量", "上限なし", "2026年11月22日 09:00 に戻ります。")),
    ],
)
def test_the_budget_says_what_is_left_until_when_and_how_to_get_more(
    language: str, parts: tuple[str, ...]
) -> None:
    """As a table in a notebook and as text elsewhere, asked anew each time; the numbers are there as numbers, too."""
    with SpeakingGateway(language=language) as gateway:
        e = connect(gateway.folder)
        told = gateway.session()
        gateway.session = lambda: told  # type: ignore[method-assign]
        told["left"]["queries_day"] = 1500
        budget = e.budget()
    assert budget.lines["queries_day"] == {"limit": 2000, "used": 1, "left": 1500}
    assert budget.lines["rows_day"] == {"limit": None, "used": None, "left": None}
    for part in (*parts, "2,000", "1,500"):
        assert part in repr(budget)
        assert html.escape(part) in budget._repr_html_()


def test_codes_are_shown_with_their_titles_and_turn_into_labels(gateway: SpeakingGateway) -> None:
    """What a code means stands beside its column, in the session's language; whole numbers stay whole."""
    told = gateway.session()
    sex = {"0": {"ja": "女", "en": "female"}, "1": {"ja": "男", "en": "male"}}
    told["tables"][0]["columns"].append({"name": "male", "type": "int", "values": sex})
    gateway.session = lambda: told  # type: ignore[method-assign]
    e = connect(gateway.folder)
    assert e.tables().set_index("column").loc["male", "codes"] == "0: female · 1: male"
    assert e.codes("nafld.patients.male") == e.codes("patients.male") == {0: "female", 1: "male"}
    with pytest.raises(Refused) as no:
        e.codes("patients.age")
    assert no.value.code == "client.codes"


def test_a_public_list_of_codes_says_what_it_is(gateway: SpeakingGateway) -> None:
    """A table that no permit names, and that explains the codes of one, is told apart."""
    told = gateway.session()
    told["tables"].append(
        {"name": "ndb.icd10", "database": "ndb", "reference": True, "title": {"ja": "病名", "en": "diseases"},
         "columns": [{"name": "icd10"}]}
    )  # fmt: skip
    gateway.session = lambda: told  # type: ignore[method-assign]
    assert "diseases [list of codes]" in connect(gateway.folder).tables()._repr_html_()


def test_outside_a_workspace_there_is_one_clear_sentence(tmp_path: Path) -> None:
    """A missing session is a refusal with a hint, not a stack of errors."""
    with pytest.raises(Refused) as no:
        connect(tmp_path)
    assert no.value.code == "client.not_a_workspace"
    assert "session.json" in no.value.title


def test_a_gateway_of_another_authority_is_not_believed(gateway: SpeakingGateway, tmp_path: Path) -> None:
    """The token is not sent to a server whose certificate the site's authority did not sign."""
    authority(tmp_path, "127.0.0.1")
    (tmp_path / "session.json").write_text((gateway.folder / "session.json").read_text())
    with pytest.raises(Refused) as no:
        connect(tmp_path)
    assert no.value.code == "client.unreachable"
    assert gateway.languages == []


def test_plain_http_is_never_spoken(gateway: SpeakingGateway) -> None:
    """A session that names an address without TLS is refused before a byte is sent."""
    session = json.loads((gateway.folder / "session.json").read_text())
    session["gateway"] = session["gateway"].replace("https", "http")
    (gateway.folder / "session.json").write_text(json.dumps(session))
    with pytest.raises(Refused) as no:
        connect(gateway.folder)
    assert no.value.code == "client.unreachable"


def test_a_token_that_is_not_known_is_refused_in_the_gateways_words(gateway: SpeakingGateway) -> None:
    """problem+json becomes the exception, code and title untouched."""
    session = json.loads((gateway.folder / "session.json").read_text()) | {"token": "another"}
    (gateway.folder / "session.json").write_text(json.dumps(session))
    with pytest.raises(Refused) as no:
        connect(gateway.folder)
    assert (no.value.code, no.value.title) == ("session.unknown", "This session is not known.")


def test_the_token_shows_in_no_representation(e: Enclave) -> None:
    """Outputs of a notebook are kept and may be submitted."""
    assert "a-session-token" not in repr(e) + repr(e._gateway) + repr(e.session())


# -- questions ------------------------------------------------------------------------------------
def test_rows_come_with_the_receipt_of_the_gateway(e: Enclave) -> None:
    """`attrs` holds the receipt, with the query's id and its places in the log."""
    rows = e.sql("SELECT pid, age FROM patients WHERE age > $least ORDER BY pid LIMIT 3", least=50)
    assert rows["age"].tolist() == [51, 52, 53]
    assert rows.attrs["receipt"] == {"id": "q-1", "rows": 3, "form": "rows", "log": [1, 2]}


def test_whole_numbers_stay_whole_where_some_are_missing(e: Enclave) -> None:
    """A missing value does not turn a code into 3.0."""
    stages = e.sql("SELECT stage FROM patients WHERE pid < 6 ORDER BY pid")["stage"]
    assert str(stages.dtype) == "Int64"
    assert stages.isna().tolist() == [True, False, False, False, False, True]


def test_a_sum_of_whole_numbers_is_a_whole_number(e: Enclave) -> None:
    """The engine's 128-bit sums come as decimals; a notebook gets integers."""
    total = e.sql("SELECT sum(age) AS total FROM patients")["total"]
    assert total.dtype == "int64"
    assert total[0] == sum(30 + n % 60 for n in range(2000))


def test_a_refusal_is_a_short_box_without_a_traceback(e: Enclave) -> None:
    """Code, title, facts and hint, and nothing of the program's insides."""
    with pytest.raises(Refused) as no:
        e.sql("SELECT case_pid FROM nafld.patients")
    box = "\n".join(no.value._render_traceback_())
    assert no.value.code == "permit.column"
    assert all(
        part in box for part in ("permit.column", "not permitted", "column: case_pid", "→ The permit shows")
    )
    assert "Traceback" not in box
    assert ".py" not in box


def test_a_refusal_reads_as_the_same_box_without_a_notebook(e: Enclave) -> None:
    """A script's last lines and `print(no)` say code, title, facts and hint."""
    with pytest.raises(Refused) as no:
        e.sql("SELECT case_pid FROM nafld.patients")
    assert str(no.value).split("\n") == [
        "Refused: permit.column",
        "This column is not permitted.",
        "table: nafld.patients",
        "column: case_pid",
        "→ The permit shows: pid, age, male, bmi, futime, status.",
    ]


def test_an_arrow_table_keeps_the_engines_types_and_its_receipt(e: Enclave) -> None:
    """No copy into pandas: dates and whole numbers are what the engine sent."""
    table = e.arrow("SELECT pid, DATE '2020-02-29' AS day FROM patients WHERE pid < $end ORDER BY pid", end=2)
    assert [str(kind) for kind in table.schema.types] == ["uint32", "date32[day]"]
    assert table["pid"].to_pylist() == [0, 1]
    assert json.loads(table.schema.metadata[b"receipt"])["id"] == "q-1"


def test_where_polars_is_absent_the_answer_says_what_to_use(
    e: Enclave, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an optional package of the client."""
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(Refused) as no:
        e.polars("SELECT 1 AS one")
    assert (no.value.code, "e.arrow()" in no.value.hint) == ("client.polars", True)


def test_a_sum_beyond_64_bits_is_no_wrong_whole_number(e: Enclave) -> None:
    """A cast that wrapped round would look like a number."""
    total = e.sql("SELECT sum(9223372036854775807::bigint) AS total FROM range(4)")["total"]
    assert total[0] == pytest.approx(4 * float(2**63))


@pytest.mark.parametrize(
    ("value", "condition"),
    [
        (dt.date(2020, 2, 29), "DATE '2020-02-29' = $x::date"),
        (pd.Timestamp(2020, 2, 29, 1, 2, 3), "TIMESTAMP '2020-02-29 01:02:03' = $x::timestamp"),
        (np.datetime64("2020-02-29"), "DATE '2020-02-29' = $x::date"),
        (np.int64(7), "$x = 7"),
        (np.float64(0.5), "$x = 0.5"),
        (np.bool_(True), "$x"),
        (decimal.Decimal("2.5"), "$x = 2.5"),
        ("日本語", "$x = '日本語'"),
        (None, "$x IS NULL"),
        (float("nan"), "$x IS NULL"),
        (pd.NaT, "$x IS NULL"),
        (pd.NA, "$x IS NULL"),
        ([1, 2, 3], "list_sum($x) = 6"),
        (np.array([1, 2, 3]), "list_sum($x) = 6"),
        (pd.Series([1, 2, 3]), "list_sum($x) = 6"),
    ],
)
def test_values_of_a_notebook_are_parameters(e: Enclave, value: object, condition: str) -> None:
    """Dates, numpy's numbers, missing values and lists reach the statement as values, never as its text."""
    assert e.sql(f"SELECT ({condition})::boolean AS same", x=value)["same"].tolist() == [True]


@pytest.mark.parametrize("value", [object(), {"a": 1}, float("inf"), b"bytes"])
def test_a_value_that_has_no_form_is_named_before_anything_is_sent(e: Enclave, value: object) -> None:
    """The parameter and its kind, not its value."""
    with pytest.raises(Refused) as no:
        e.sql("SELECT $x", x=value)
    assert (no.value.code, no.value.facts["parameter"]) == ("client.parameter", "x")


def test_a_cut_answer_is_thrown_away_with_its_reason(e: Enclave) -> None:
    """Half a stream is no result; the state of the query says why it ended."""
    with pytest.raises(Refused) as no:
        e.sql("SELECT * FROM patients /* cut */")
    assert (no.value.code, no.value.facts) == ("query.time", {"seconds": 30})


def test_an_answer_with_fewer_rows_than_its_receipt_is_not_taken(
    gateway: SpeakingGateway, e: Enclave
) -> None:
    """A stream that ends early but tidily is caught by the receipt's count."""
    honest = gateway.answer
    gateway.answer = lambda sql, form, params: honest(sql, form, params).slice(0)  # type: ignore[method-assign]
    e.sql("SELECT 1 AS one")
    settled: dict[str, object] = {"state": "done", "receipt": {"rows": 2}}
    gateway.queries = _Always(settled)  # type: ignore[assignment]
    with pytest.raises(Refused) as no:
        e.sql("SELECT 1 AS one")
    assert no.value.code == "client.incomplete"


class _Always(dict[str, object]):
    """Answers every query's state alike."""

    def __init__(self, state: dict[str, object]) -> None:
        super().__init__()
        self._state = state

    def __getitem__(self, _: str) -> object:
        return self._state


def test_an_interrupt_cancels_the_query_at_the_gateway(gateway: SpeakingGateway, e: Enclave) -> None:
    """Stopping a cell stops the work, not only the waiting."""

    def press() -> None:
        if gateway.followed.wait(120):
            _thread.interrupt_main()

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(Cancelled) as stopped:
        e.sql("SELECT 1 AS one /* lasting */")
    assert gateway.queries[stopped.value.query]["state"] == "cancelled"
    assert "cancelled" in stopped.value._render_traceback_()[0]


def test_a_slow_query_is_waited_for(e: Enclave) -> None:
    """Progress is asked for meanwhile, and the whole answer comes."""
    assert e.sql("SELECT 7 AS seven /* slow */")["seven"].tolist() == [7]


def test_whoever_waits_for_others_is_told_so(e: Enclave, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query in the line is not shown as one that runs."""
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", screen)
    e.sql("SELECT 7 AS seven /* in line */")
    first, then = (screen.getvalue().find(text) for text in ("waiting for its turn", "running"))
    assert 0 <= first < then


# -- protected cells ------------------------------------------------------------------------------
def test_a_hidden_cell_says_so_and_is_neither_zero_nor_missing(e: Enclave) -> None:
    """On the screen, as text and as a value."""
    table = e.table(CUBE)
    assert isinstance(table, ProtectedTable)
    hidden = table[table["n_status"] == "hidden"]
    assert len(hidden) > 0
    assert all(value is HIDDEN for value in hidden["n"])
    assert not hidden["n"].isna().any()
    assert table._repr_html_().count("秘匿 hidden") == len(hidden) == repr(table).count("秘匿 hidden")


@pytest.mark.parametrize(
    "calculate",
    [lambda t: t["n"].sum(), lambda t: t["n"] + 1, lambda t: t["n"] > 5, lambda t: t["n"].astype(float)],
)
def test_a_hidden_cell_refuses_to_be_calculated_with(e: Enclave, calculate: object) -> None:
    """A sum over a hidden cell would be a wrong number that looks right."""
    with pytest.raises(TypeError, match="hidden cell has no value"):
        calculate(e.table(CUBE))  # type: ignore[operator]


def test_a_value_beside_a_hidden_status_is_not_kept(gateway: SpeakingGateway, e: Enclave) -> None:
    """Should a gateway ever send one, the notebook still does not hold it."""
    honest = gateway.answer

    def careless(sql: str, form: str, params: dict[str, object]) -> object:
        table = honest(sql, form, params)
        place = table.column_names.index("n")
        return table.set_column(place, "n", [[4] * table.num_rows])

    gateway.answer = careless  # type: ignore[method-assign,assignment]
    table = e.table(CUBE)
    assert all(value is HIDDEN for value in table.loc[table["n_status"] == "hidden", "n"])


def test_a_total_is_told_from_a_missing_category(e: Enclave) -> None:
    """The margin's null reads "all", a null of the data does not."""
    shown = repr(e.table("SELECT stage, count(*) AS n FROM patients GROUP BY stage ORDER BY ALL"))
    assert "–" in shown
    assert "all" not in shown
    assert "all" in repr(e.table(CUBE))


def test_details_and_shown_give_numbers_to_draw(e: Enclave) -> None:
    """Without totals and without hidden cells what remains is a plain frame of numbers."""
    plain = e.table(CUBE).details().shown()
    assert type(plain) is pd.DataFrame
    assert list(plain.columns) == ["male", "band", "n"]
    assert plain["n"].sum() == 53
    assert not plain.isna().any().any()


# -- taking out -----------------------------------------------------------------------------------
def test_a_protected_table_is_submitted_with_its_receipt_and_empty_hidden_cells(
    gateway: SpeakingGateway, e: Enclave
) -> None:
    """CSV in UTF-8 with LF; statuses kept; dimensions, counts and receipt declared."""
    table = e.table(CUBE)
    e.submit(table, output="t1", purpose="test")
    sent = gateway.submitted[0]["items"][0]
    assert (sent["kind"], sent["name"], sent["receipt"]) == ("table", "table-1.csv", "q-1")
    assert (sent["dimensions"], sent["counts"]) == (["male", "band"], ["n"])
    lines = sent["csv"].split("\n")
    assert lines[0] == "male,male_status,band,band_status,n,n_status"
    assert "0,detail,20,detail,,hidden" in lines
    assert "\r" not in sent["csv"]


def test_every_whole_number_column_that_is_no_dimension_is_declared_a_count(e: Enclave) -> None:
    """What might be a count is examined as one; a key must be named as such."""
    frame = pd.DataFrame({"sex": ["f", "m"], "age": [20, 40], "n": [3, 30], "share": [0.5, 0.5]})
    assert (e.item(frame).dimensions, e.item(frame).counts) == (("sex",), ("age", "n"))
    named = e.item(frame, dimensions=["sex", "age"])
    assert (named.dimensions, named.counts) == (("sex", "age"), ("n",))
    indexed = e.item(frame.set_index(["sex", "age"]))
    assert (indexed.dimensions, indexed.counts) == (("sex", "age"), ("n",))


def test_counts_that_hold_missing_values_are_still_counts(e: Enclave) -> None:
    """A count column that pandas made float or object by a gap does not escape the examination."""
    frame = pd.DataFrame(
        {"sex": ["f", "m"], "n": pd.array([3, None], dtype="Int64"), "o": pd.Series([4, None], dtype=object)}
    )
    assert e.item(frame).counts == ("n", "o")


def test_what_was_counted_from_rows_has_no_receipt(e: Enclave) -> None:
    """A receipt says that the numbers are the gateway's own; a frame that was calculated further has none."""
    rows = e.sql("SELECT male, age FROM patients")
    assert e.item(rows.groupby("male", as_index=False).size()).receipt is None
    assert e.item(rows).receipt is None
    table = e.table(CUBE)
    assert e.item(table.shown()).receipt == "q-2"
    assert e.item(table.details().assign(more=1)).receipt is None


def test_a_small_cell_is_turned_back_with_the_cell_named(
    gateway: SpeakingGateway, e: Enclave, capsys: pytest.CaptureFixture[str]
) -> None:
    """The findings appear at once: verdict, code, the row's keys, what it means, what to do next."""
    frame = pd.DataFrame({"sex": ["f", "m"], "n": [3, 30]})
    submission = e.submit(e.item(frame, name="by-sex"), output="t1", purpose="test")
    said = capsys.readouterr().out
    assert not submission.passed
    assert all(
        part in said
        for part in ("[fail]", "by-sex.csv", "disclosure.min_persons", "row 1 (sex=f), column=n", "Next:")
    )
    assert submission.findings().iloc[0]["where"] == "row 1 (sex=f), column=n"
    assert "row 1 (sex=f)" in submission.as_html()


def test_a_figure_carries_its_table_and_nothing_but_pixels(gateway: SpeakingGateway, e: Enclave) -> None:
    """PNG without text chunks; the data has a name of its own beside the table's."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    table = e.table(CUBE)
    figure, axes = plt.subplots()
    axes.plot([1, 2])
    item = e.figure(figure, data=table, name="deaths")
    plt.close(figure)
    assert item.png is not None
    assert b"tEXt" not in item.png
    assert b"Software" not in item.png
    e.submit([e.item(table, name="deaths"), item], output="t1", purpose="test")
    first, second = gateway.submitted[0]["items"]
    assert [first["name"], second["name"], second["data"]["name"]] == [
        "deaths.csv",
        "deaths.png",
        "deaths-data.csv",
    ]
    assert second["data"]["csv"] == first["csv"]


def test_an_output_that_was_not_planned_is_refused_as_a_whole(gateway: SpeakingGateway, e: Enclave) -> None:
    """Nothing is taken in."""
    with pytest.raises(Refused) as no:
        e.submit(pd.DataFrame({"sex": ["f"], "n": [30]}), output="t9", purpose="test")
    assert no.value.code == "export.output_unknown"
    assert gateway.submitted == []


def test_columns_that_are_not_there_are_named_before_anything_is_sent(
    gateway: SpeakingGateway, e: Enclave
) -> None:
    """A misspelt dimension is said at once, with what the table has."""
    with pytest.raises(Refused) as no:
        e.item(pd.DataFrame({"sex": ["f"], "n": [30]}), dimensions=["sexe"])
    assert (no.value.code, no.value.facts["columns"]) == ("client.column", "sexe")
    assert "sex, n" in no.value.hint


SAID = {
    "dimensions": {"town": {"is": "muni", "population": "people"}},
    "counts": ["n"],
    "values": {"cost": {"statistic": "sum", "largest": ["m1"]}},
    "institutions": "hospitals",
}


def test_a_description_goes_with_its_table_and_says_the_roles(gateway: SpeakingGateway, e: Enclave) -> None:
    """What it mentions needs no guess; a column of whole numbers that it does not mention is still declared a count."""
    frame = pd.DataFrame({"town": [13101], "n": [40], "cost": [900], "hospitals": [4], "died": [12]})
    evidence = pd.DataFrame({"town": [13101], "m1": [30], "people": [60000]})
    e.submit(e.item(frame, description=SAID, evidence=evidence), output="t1", purpose="test")
    sent = gateway.submitted[0]["items"][0]
    assert (sent["dimensions"], sent["counts"]) == (["town"], ["n", "died"])
    assert sent["description"] == SAID
    assert sent["evidence"] == "town,m1,people\n13101,30,60000\n"


def test_a_file_leaves_as_it_is_with_the_description_that_lies_beside_it(
    gateway: SpeakingGateway, e: Enclave, tmp_path: Path
) -> None:
    """The text of both, unchanged; the evidence that the description names is found beside it."""
    text = 'age,n\n40-44,"1200"\n45-49,950.0\n'
    (tmp_path / "ages.csv").write_text(text)
    said = "# in bands of five\ndimensions: {age: {is: age, width: 5}}\ncounts: [n]\nevidence: behind.csv\n"
    (tmp_path / "ages.yaml").write_text(said)
    (tmp_path / "behind.csv").write_text("age,m\n40-44,1\n")
    e.submit(str(tmp_path / "ages.csv"), output="t1", purpose="test")
    sent = gateway.submitted[0]["items"][0]
    assert (sent["name"], sent["csv"], sent["description"]) == ("ages.csv", text, said)
    assert sent["evidence"] == "age,m\n40-44,1\n"
    assert (sent["dimensions"], sent["counts"]) == (["age"], ["n"])


def test_a_description_that_cannot_be_read_is_sent_as_it_is(
    gateway: SpeakingGateway, e: Enclave, tmp_path: Path
) -> None:
    """What is wrong with it, and where, is the gateway's to say; a file that is not there is said at once."""
    (tmp_path / "t.csv").write_text("sex,n\nf,30\n")
    (tmp_path / "t.json").write_text("{")
    e.submit(tmp_path / "t.csv", output="t1", purpose="test")
    assert gateway.submitted[0]["items"][0]["description"] == "{"
    with pytest.raises(Refused) as no:
        e.item(tmp_path / "nowhere.csv")
    assert (no.value.code, no.value.facts["file"]) == ("client.file", "nowhere.csv")


def test_exports_lists_what_was_submitted(e: Enclave) -> None:
    """One line per submission with its state in words."""
    e.submit(pd.DataFrame({"sex": ["f"], "n": [30]}), output="t1", purpose="test")
    assert e.exports().iloc[0].tolist() == [
        "x-1",
        "t1",
        "waiting for checkers",
        "2026-11-21T00:00:00Z",
        "table-1.csv",
    ]


def test_the_client_imports_nothing_of_the_enclave() -> None:
    """It is a wheel of its own: what a notebook can import must not bring the services' code."""
    source = "\n".join(
        path.read_text() for path in (HERE.parent.parent / "enclave/client/enclave_client").glob("*.py")
    )
    assert "import enclave\n" not in source
    assert "from enclave." not in source
    assert "import enclave." not in source
