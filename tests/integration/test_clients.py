"""The clients where they are used: in a person's workspace of the running site, over the gateway, by Python and by R.

Cells run in a fresh kernel of the workspace over the routes that JupyterLab uses. R's cells run in the R kernel that
the workspace's own Jupyter starts.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from enclave.demo.steps import open_workspace
from enclave.demo.visitor import Visitor
from tests.integration.acting import clear_queue, state_of
from tests.integration.running_site import COLUMNS, PROJECT, Ground

pytestmark = [pytest.mark.site, pytest.mark.docker, pytest.mark.timeout(600)]

PERSON = "mori"
COUNT = "SELECT male, count(*) AS n FROM nafld.patients GROUP BY male ORDER BY male"
NOT_PERMITTED = "SELECT pid FROM nafld.patients"
LONG = (
    "SELECT count(*) AS n FROM nafld.patients a CROSS JOIN nafld.patients b CROSS JOIN nafld.patients c "
    "WHERE sin(a.age) + cos(b.age) = c.age"
)

CONNECT = "from enclave_client import connect, dbapi; e = connect()"
R_CONNECT = "library(DBI); library(enclave); con <- dbConnect(Enclave())"

IN_R = """
import json, sys, threading
from jupyter_client.manager import start_new_kernel
manager, kernel = start_new_kernel(kernel_name="ir", startup_timeout=180)
told = []
for code, stop in {cells!r}:
    said = []
    if stop:
        threading.Timer(stop, manager.interrupt_kernel).start()
    kernel.execute_interactive(code, timeout=180, output_hook=lambda m: said.append(dict(m["content"], type=m["msg_type"])))
    told.append([m for m in said if m["type"] in ("stream", "display_data", "error")])
kernel.stop_channels(); manager.shutdown_kernel(now=True)
print(json.dumps(told))
"""

INTERRUPTED = """
import _thread, threading
threading.Timer(5, _thread.interrupt_main).start()
try:
    e.sql({statement!r})
except KeyboardInterrupt as stopped:
    print(type(stopped).__name__, stopped.query)
"""


@dataclass
class Workspace:
    """An open workspace and the person who works in it."""

    visitor: Visitor
    base: str
    ground: Ground
    truth: dict[int, int]
    """Persons by sex, as the gateway counts them."""
    older: int
    """Persons above 60."""

    def python(self, *cells: str) -> list[str]:
        """What a person reads of each cell, run one after another in one kernel."""
        return [_text(messages) for messages in self.visitor.run_cells(self.base, [CONNECT, *cells])[1:]]

    def r(self, *cells: str | tuple[str, float]) -> list[str]:
        """The same for R; a cell with a number is interrupted after so many seconds."""
        asked = [(one, 0) if isinstance(one, str) else one for one in (R_CONNECT, *cells)]
        (said,) = self.visitor.run_cells(self.base, [IN_R.format(cells=asked)])
        answered = _text(said)
        assert answered.startswith("[["), answered
        return [_text(messages) for messages in json.loads(answered)[1:]]

    def states(self) -> list[str]:
        """The states of the person's queries, the last one first."""
        asked = "SELECT state FROM queries WHERE person = ? AND project = ? ORDER BY rowid DESC"
        return [state for (state,) in self.ground.look(asked, PERSON, PROJECT)]


def _text(messages: list[dict[str, Any]]) -> str:
    return "".join(
        str(m.get("text") or m.get("data", {}).get("text/plain") or "\n".join(m.get("traceback") or ()))
        for m in messages
    ).strip()


@pytest.fixture(scope="module")
def workspace(ground: Ground) -> Iterator[Workspace]:
    visitor = ground.person(PERSON)
    # Asked before the workspace opens: a person has one session at a time.
    desk = ground.sit_down(PERSON)
    answer = desk.rows(COUNT).to_pydict()
    truth = dict(zip(answer["male"], answer["n"], strict=True))
    older = desk.rows("SELECT age FROM nafld.patients WHERE age > 60").num_rows
    yield Workspace(visitor, open_workspace(visitor, PERSON, PROJECT), ground, truth, older)
    ground.stop(PERSON, PROJECT)


def test_python_s_forms_of_an_answer_agree_with_the_gateway(workspace: Workspace) -> None:
    """pandas, polars, Arrow, a cell of SQL and PEP 249 give the same counts."""
    truth = workspace.truth
    said = workspace.python(
        f"a, b, c = e.sql({COUNT!r}), e.polars({COUNT!r}), e.arrow({COUNT!r})\n"
        "print(dict(zip(a.male, a.n)) == dict(b.iter_rows()) == dict(zip(*c.to_pydict().values())), a.n.tolist())",
        f"%%sql kept <<\n{COUNT}",
        "print(kept.n.tolist())",
        f"import pandas as pd\nprint(pd.read_sql({COUNT!r}, dbapi.connect()).n.tolist())",
        f"print(sum(row[1] for row in dbapi.connect().cursor().execute({COUNT!r})))",
    )
    counts = str(list(truth.values()))
    assert said == [f"True {counts}", "", counts, counts, str(sum(truth.values()))]


def test_a_notebook_s_variables_are_parameters_of_its_sql(workspace: Workspace) -> None:
    """`$least` is the variable; a text with a quote in it stays a text."""
    said = workspace.python(
        'least, text = 60, "x\' OR 1=1 --"',
        "df = %sql SELECT min(age) AS n FROM nafld.patients WHERE age > $least\nprint(df.n[0] > 60)",
        "df = %sql SELECT count(*) AS n FROM nafld.patients WHERE $text = 'x'\nprint(df.n[0])",
    )
    assert said[1:] == ["True", "0"]


def test_the_permit_s_names_are_listed_with_titles(workspace: Workspace) -> None:
    """What the permit shows, and nothing else, in both languages' clients."""
    shown = workspace.python("print(sorted(e.names()['nafld.patients']), e.tables().title.ne('').all())")
    assert shown == [f"{sorted(COLUMNS)} True"]
    shown = workspace.r(
        'cat(sort(dbListFields(con, "nafld.patients")), all(nzchar(enclave_tables(con)$title)))'
    )
    assert shown == [" ".join([*sorted(COLUMNS), "TRUE"])]


@pytest.mark.parametrize(
    "cell", [f"e.sql({NOT_PERMITTED!r})", f"%%sql\n{NOT_PERMITTED}", f"dbapi.connect().cursor().execute({NOT_PERMITTED!r})"]
)  # fmt: skip
def test_python_is_refused_in_words(workspace: Workspace, cell: str) -> None:
    """Code and hint, no traceback."""
    (said,) = workspace.python(cell)
    assert "query.column_not_permitted" in said
    assert "→" in said
    assert "Traceback" not in said


def test_r_is_refused_in_words_and_with_a_condition(workspace: Workspace) -> None:
    """Code and hint, no list of calls; a program takes the code from the condition."""
    ask = f'dbGetQuery(con, "{NOT_PERMITTED}")'
    shown, caught = workspace.r(ask, f"cat(tryCatch({ask}, enclave_refused = function(no) no$code))")
    assert "query.column_not_permitted" in shown
    assert "→" in shown
    assert "Traceback" not in shown
    assert caught == "query.column_not_permitted"


def test_r_agrees_with_the_gateway(workspace: Workspace) -> None:
    """Rows, protected cells and a model over the same data as Python's; Japanese text comes through whole."""
    truth = workspace.truth
    said = workspace.r(
        f'x <- dbGetQuery(con, "{COUNT}"); cat(x$n)',
        f't <- enclave_table(con, "{COUNT}"); cat(class(t$n), enclave_receipt(t)$form, sum(statuses(t)))',
        "cat(dbGetQuery(con, \"SELECT '日本語' AS s FROM nafld.patients LIMIT 1\")$s)",
        'x <- dbGetQuery(con, "SELECT age, male, status FROM nafld.patients WHERE age > $least", list(least = 60))\n'
        "cat(nrow(x), min(x$age) > 60, length(coef(glm(status ~ age + male, binomial, x))))",
    )
    rows = workspace.older
    assert said == [
        " ".join(map(str, truth.values())),
        f"enclave_cells table {len(truth)}",
        "日本語",
        f"{rows} TRUE 3",
    ]


def test_an_interrupt_stops_the_query_at_the_gateway(workspace: Workspace) -> None:
    """Of Python and of R: the records say cancelled, and the next question is answered at once."""
    said = workspace.python(INTERRUPTED.format(statement=LONG), f"print(len(e.sql({COUNT!r})))")
    assert "Cancelled" in said[0]
    assert said[1] == "2"
    assert workspace.states()[:2] == ["done", "cancelled"]
    stopped, after = workspace.r((f'dbGetQuery(con, "{LONG}")', 5), f'cat(nrow(dbGetQuery(con, "{COUNT}")))')
    assert "query.cancelled" in stopped
    assert after == "2"
    assert workspace.states()[:2] == ["done", "cancelled"]


def test_r_submits_for_checking(workspace: Workspace) -> None:
    """The machine finds the table to be its receipt's answer, and it waits for checkers; an unplanned output is refused."""
    said = workspace.r(
        f't <- enclave_table(con, "{COUNT}")\n'
        'sent <- enclave_submit(con, t, output = "t1", purpose = "as planned"); cat("", sent$id)',
        "cat(sent$state, vapply(sent$files[[1]]$findings, function(one) one$code, ''))",
        "x <- enclave_exports(con); cat(x$output[x$id == sent$id], nzchar(x$state[x$id == sent$id]))",
        'cat(tryCatch(enclave_submit(con, t, output = "t9", purpose = "x"), enclave_refused = function(no) no$code))',
        "cat(names(enclave_session(con)$left))",
    )
    try:
        assert said[1].startswith("queued export.matches_receipt")
        assert said[2:4] == ["t1 TRUE", "export.output_unknown"]
        assert state_of(workspace.ground, said[0].split()[-1]) == "queued"
        assert said[4].split() == ["queries_day", "rows_day", "bytes_day"]
    finally:
        clear_queue(workspace.ground)


def test_r_finds_its_pages_and_its_names(workspace: Workspace) -> None:
    """Help in the workspace, and the permit's columns where a statement is written."""
    said = workspace.r(
        'cat(length(help("enclave_table")), length(help("dbGetQuery", package = "enclave")))',
        "place <- 'dbGetQuery(con, \"SELECT ag'; cat(unlist(enclave:::completions_at(place, nchar(place))$matches))",
    )
    assert said == ["1 1", "age"]
