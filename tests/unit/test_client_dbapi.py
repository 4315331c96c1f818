"""The client as a Python database of PEP 249, against a gateway that speaks its contract."""

import datetime
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "enclave" / "client")]

from enclave_client import Refused, dbapi  # noqa: E402
from speaking_gateway import SpeakingGateway  # noqa: E402


@pytest.fixture
def gateway() -> Iterator[SpeakingGateway]:
    with SpeakingGateway() as running:
        yield running


@pytest.fixture
def connection(gateway: SpeakingGateway) -> dbapi.Connection:
    return dbapi.connect(gateway.folder)


def test_the_module_says_what_the_standard_asks() -> None:
    """PEP 249: level, threads, style of parameters, the hierarchy of errors, also on the connection."""
    assert (dbapi.apilevel, dbapi.threadsafety, dbapi.paramstyle) == ("2.0", 1, "named")
    assert issubclass(dbapi.Warning, Exception)
    for name in ("DataError", "OperationalError", "IntegrityError", "InternalError", "ProgrammingError", "NotSupportedError"):  # fmt: skip
        kind = getattr(dbapi, name)
        assert issubclass(kind, dbapi.DatabaseError)
        assert issubclass(kind, dbapi.Error)
        assert getattr(dbapi.Connection, name) is kind
    assert not issubclass(dbapi.InterfaceError, dbapi.DatabaseError)


def test_connecting_prints_nothing(gateway: SpeakingGateway, capsys: pytest.CaptureFixture[str]) -> None:
    """A tool's output is the tool's."""
    dbapi.connect(gateway.folder)
    assert capsys.readouterr() == ("", "")


def test_rows_are_fetched_as_the_standard_has_it(connection: dbapi.Connection) -> None:
    """One, some, the rest, none; by iteration too."""
    cursor = connection.cursor()
    cursor.execute("SELECT pid, age FROM patients WHERE pid < $end ORDER BY pid", {"end": 6})
    assert cursor.rowcount == 6
    assert cursor.fetchone() == (0, 30)
    assert cursor.fetchmany(2) == [(1, 31), (2, 32)]
    assert cursor.rownumber == 3
    assert len(cursor.fetchmany()) == cursor.arraysize == 1
    assert cursor.fetchall() == [(4, 34), (5, 35)]
    assert (cursor.fetchone(), cursor.fetchall(), cursor.fetchmany(5)) == (None, [], [])
    assert [row[0] for row in cursor.execute("SELECT 1 AS one")] == [1]


def test_columns_are_described_by_name_and_kind(connection: dbapi.Connection) -> None:
    """Seven places each; the types compare with the standard's."""
    cursor = connection.cursor()
    assert cursor.description is None
    cursor.execute(
        "SELECT 1 AS n, 'x' AS s, DATE '2020-01-01' AS d, 'a'::blob AS b, sum(age) AS t FROM patients"
    )
    assert cursor.description is not None
    assert [len(column) for column in cursor.description] == [7] * 5
    assert [column[0] for column in cursor.description] == ["n", "s", "d", "b", "t"]
    kinds = [dbapi.NUMBER, dbapi.STRING, dbapi.DATETIME, dbapi.BINARY, dbapi.NUMBER]
    assert [column[1] for column in cursor.description] == kinds


def test_values_are_of_python(connection: dbapi.Connection) -> None:
    """Dates are dates, whole sums are whole, Japanese text is intact, a missing value is None."""
    statement = "SELECT DATE '2020-02-29', sum(age), '日本語', NULL::integer, true FROM patients"
    row = connection.cursor().execute(statement).fetchone()
    assert row == (datetime.date(2020, 2, 29), sum(30 + n % 60 for n in range(2000)), "日本語", None, True)


@pytest.mark.parametrize(("sign", "parameters"), [("?", [50]), ("$1", (50,)), ("$least", {"least": 50})])
def test_parameters_go_in_order_or_by_name(
    connection: dbapi.Connection, sign: str, parameters: object
) -> None:
    """Whichever the tool speaks."""
    cursor = connection.cursor().execute(f"SELECT min(age) FROM patients WHERE age > {sign}", parameters)  # type: ignore[arg-type]
    assert cursor.fetchall() == [(51,)]


def test_pandas_reads_without_sqlalchemy_and_without_a_warning(connection: dbapi.Connection) -> None:
    """`pandas.read_sql` takes the connection as it is."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", category=DeprecationWarning)
        frame = pd.read_sql(
            "SELECT pid, age FROM patients WHERE age > ? ORDER BY pid LIMIT 3", connection, params=(50,)
        )
    assert frame.to_dict("list") == {"pid": [21, 22, 23], "age": [51, 52, 53]}
    parts = pd.read_sql("SELECT pid FROM patients", connection, chunksize=900)
    assert [len(part) for part in parts] == [900, 900, 200]


def test_a_refusal_comes_through_pandas_as_it_is(connection: dbapi.Connection) -> None:
    """Code and hint are not buried in an error of another library."""
    with pytest.raises(dbapi.DatabaseError) as no:
        pd.read_sql("SELECT case_pid FROM nafld.patients", connection)
    assert (no.value.code, no.value.hint[:16]) == ("permit.column", "The permit shows")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("query.syntax", dbapi.ProgrammingError),
        ("query.column_not_permitted", dbapi.ProgrammingError),
        ("query.budget_rows", dbapi.OperationalError),
        ("query.time_limit", dbapi.OperationalError),
        ("query.value", dbapi.DataError),
        ("permit.expired", dbapi.OperationalError),
        ("session.ended", dbapi.OperationalError),
        ("gateway.busy", dbapi.OperationalError),
        ("client.unreachable", dbapi.OperationalError),
        ("internal", dbapi.InternalError),
    ],
)
def test_a_code_tells_whose_affair_it_is(code: str, kind: type[dbapi.DatabaseError]) -> None:
    """The statement's, the session's and the machine's are different errors, all of them refusals."""
    error = dbapi._as_error(Refused(code, "title", {"n": 1}, "hint", "ja"))
    assert type(error) is kind
    assert isinstance(error, Refused)
    assert (error.code, error.facts, error.hint, error.language) == (code, {"n": 1}, "hint", "ja")


def test_a_refused_statement_leaves_no_older_answer_behind(connection: dbapi.Connection) -> None:
    """Rows of the question before would be taken for this one's."""
    cursor = connection.cursor().execute("SELECT 1 AS one")
    with pytest.raises(dbapi.DatabaseError):
        cursor.execute("SELECT case_pid FROM nafld.patients")
    assert cursor.description is None
    with pytest.raises(dbapi.InterfaceError) as no:
        cursor.fetchall()
    assert no.value.code == "client.not_asked"


def test_what_is_closed_stays_closed(connection: dbapi.Connection) -> None:
    """Cursor and connection; commit and rollback have nothing to do and say nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 AS one")
    with pytest.raises(dbapi.InterfaceError):
        cursor.fetchone()
    connection.commit()
    connection.rollback()
    connection.close()
    with pytest.raises(dbapi.InterfaceError) as no:
        connection.cursor()
    assert no.value.code == "client.closed"


def test_many_statements_at_once_are_not_supported(connection: dbapi.Connection) -> None:
    """One question, one record in the log."""
    with pytest.raises(dbapi.NotSupportedError):
        connection.cursor().executemany("SELECT ?", [[1], [2]])
