"""The Python client as a researcher has it: in a kernel of the built image, before a gateway that speaks."""

import json
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE)]

from image_kernels import CONNECT, R_CONNECT, Workspace, built_image, error_of, like_a_workspace, text_of  # noqa: E402, F401  fixtures among them

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

# -- Python ---------------------------------------------------------------------------------------


def test_python_answers_in_pandas_polars_and_arrow(workspace: Workspace) -> None:
    """Three forms of the same rows, Japanese text and dates intact, sums whole."""
    statement = "SELECT '日本語' AS s, DATE '2020-02-29' AS d, sum(age) AS t FROM patients"
    shown = workspace.cells(
        "python3",
        CONNECT,
        f"""a, b, c = e.sql({statement!r}), e.polars({statement!r}), e.arrow({statement!r})
print(type(a).__module__, type(b).__module__, type(c).__module__)
print(a.iloc[0].tolist(), b.row(0), c.to_pylist())
print(b.schema)""",
    )
    assert "接続しました: tanaka" in text_of(shown[0])
    said = text_of(shown[1])
    assert said.splitlines()[0].split() == ["pandas", "polars.dataframe.frame", "pyarrow.lib"]
    assert said.count("日本語") == said.count("datetime.date(2020, 2, 29)") == 3
    assert "'t': Int64" in said


def test_a_cell_of_sql_answers_and_takes_the_notebooks_variables(workspace: Workspace) -> None:
    """`%%sql` shows or keeps an answer; `$name` is a variable, and no text of it is ever expanded."""
    shown = workspace.cells(
        "python3",
        CONNECT,
        'least = 88\nname = "x\' OR 1=1 --"',
        "%%sql\nSELECT min(age) AS youngest FROM patients\nWHERE age > $least",
        "%%sql kept << --polars\nSELECT count(*) AS n FROM patients WHERE $name = 'x'",
        "print(type(kept).__module__, kept.row(0))",
        "df = %sql SELECT age FROM patients WHERE age > $least LIMIT 2\nprint(df.age.tolist())",
        "%%sql --table\nSELECT status, count(*) AS n FROM patients WHERE pid < 30 GROUP BY status ORDER BY ALL",
        "%%sql\nSELECT $nowhere",
    )
    assert "89" in text_of(shown[2])
    assert shown[3] == []
    assert text_of(shown[4]).strip() == "polars.dataframe.frame (0,)"
    assert text_of(shown[5]).strip() == "[89, 89]"
    assert "秘匿 hidden" in text_of(shown[6])
    assert error_of(shown[7])["traceback"][0].count("client.variable") == 1


@pytest.mark.parametrize(
    "cell",
    [
        "e.sql('SELECT case_pid FROM patients')",
        "%%sql\nSELECT case_pid FROM patients",
        "import pandas as pd\npd.read_sql('SELECT case_pid FROM patients', dbapi.connect())",
    ],
)
def test_python_shows_a_refusal_as_a_message_and_no_traceback(workspace: Workspace, cell: str) -> None:
    """Code and hint under a heading in the reader's language, whichever way it was asked."""
    shown = text_of(workspace.cells("python3", CONNECT, cell)[1])
    assert "承認されませんでした: permit.column" in shown
    assert "→ The permit shows" in shown
    assert "Traceback" not in shown
    assert ".py" not in shown


def test_names_of_the_permit_are_completed_and_methods_of_the_session_too(workspace: Workspace) -> None:
    """In a cell of SQL, in a text of a call, and after `e.`."""
    shown = workspace.cells(
        "python3",
        CONNECT,
        {"complete": "%%sql\nSELECT * FROM na"},
        {"complete": "e.sql('SELECT st"},
        {"complete": "e.ta"},
        {"complete": "import jso"},
    )
    assert shown[1] == ["nafld.patients"]
    assert shown[2] == ["status"]
    assert shown[3] == ["table", "tables"]
    assert "json" in shown[4]


def test_an_interrupt_in_a_notebook_cancels_at_the_gateway(workspace: Workspace) -> None:
    """The stop button of Python and of R: progress was shown, the gateway is told, the kernel goes on."""
    for kernel, opening, ask, after in (
        ("python3", CONNECT, "e.sql('SELECT 1 AS one /* lasting */')", "print(6 * 7)"),
        ("ir", R_CONNECT, "dbGetQuery(con, 'SELECT 1 AS one /* lasting */')", "cat(6 * 7)"),
    ):
        workspace.gateway.cancelled.clear()
        before = len(workspace.gateway.queries)
        shown = workspace.cells(kernel, opening, {"code": ask, "interrupt": 5}, after)
        states = [query["state"] for query in list(workspace.gateway.queries.values())[before:]]
        assert states == ["cancelled"], (kernel, shown)
        assert "問合せを取り消しました" in text_of(shown[1])
        assert "実行中" in json.dumps(shown[1], ensure_ascii=False)
        assert "42" in text_of(shown[2])
    workspace.gateway.cancelled.clear()
