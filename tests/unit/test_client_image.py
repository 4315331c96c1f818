"""The clients as a researcher has them: real kernels of the built image, Python and R, before a gateway that speaks.

The gateway listens on the bridge that the container hangs on; the container is started like a workspace (read-only,
no capabilities). Cells run in kernels that the image's own Jupyter starts from its kernel specifications.
"""

import base64
import ipaddress
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE)]

from speaking_gateway import SpeakingGateway  # noqa: E402

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

PYTHON = "/opt/analysis/bin/python"

DRIVER = """
import json, sys, threading, time
from jupyter_client.manager import start_new_kernel
asked = json.load(sys.stdin)
began = time.monotonic()
manager, kernel = start_new_kernel(kernel_name=asked["kernel"], startup_timeout=60)
told = {"ready": time.monotonic() - began, "cells": []}
for cell in asked["cells"]:
    if "complete" in cell:
        found = kernel.complete(cell["complete"], len(cell["complete"]), reply=True, timeout=30)["content"]
        told["cells"].append(found["matches"])
        continue
    said = []
    if "interrupt" in cell:
        threading.Timer(cell["interrupt"], manager.interrupt_kernel).start()
    kernel.execute_interactive(cell["code"], timeout=60, output_hook=lambda m: said.append(dict(m["content"], type=m["msg_type"])))
    told["cells"].append([one for one in said if one["type"] in {"stream", "display_data", "execute_result", "error"}])
kernel.stop_channels()
manager.shutdown_kernel(now=True)
print(json.dumps(told))
"""

Cell = dict[str, Any]


def docker(*words: str, **options: Any) -> str:
    return subprocess.run(
        ["docker", *words], check=True, text=True, stdout=subprocess.PIPE, **options
    ).stdout.strip()


@dataclass
class Workspace:
    """A running container of the image and the gateway that its session names."""

    name: str
    gateway: SpeakingGateway

    def cells(self, kernel: str, *cells: str | Cell) -> list[Any]:
        """What each cell showed, run one after another in one fresh kernel."""
        asked = {"kernel": kernel, "cells": [c if isinstance(c, dict) else {"code": c} for c in cells]}
        words = ("exec", "--interactive", self.name, PYTHON, "-I", "-c", DRIVER)
        shown: list[Any] = json.loads(docker(*words, input=json.dumps(asked)).splitlines()[-1])["cells"]
        return shown


def text_of(messages: list[dict[str, Any]]) -> str:
    """Everything that a person reads of a cell."""
    return "".join(
        str(m.get("text") or m.get("data", {}).get("text/plain") or "\n".join(m.get("traceback", [])))
        for m in messages
    )


def error_of(messages: list[dict[str, Any]]) -> dict[str, Any]:
    return next(m for m in messages if m["type"] == "error")


@pytest.fixture(scope="module")
def image() -> str:
    """Built if its inputs changed; minutes the first time."""
    built = subprocess.run([ROOT / "images" / "build"], check=True, text=True, stdout=subprocess.PIPE)
    return built.stdout.strip()


@pytest.fixture(scope="module")
def workspace(image: str) -> Iterator[Workspace]:
    subnet = json.loads(docker("network", "inspect", "bridge"))[0]["IPAM"]["Config"][0]["Subnet"]
    bridge = str(next(ipaddress.ip_network(subnet).hosts()))
    name = f"enclave-clients-test-{uuid.uuid4().hex[:8]}"
    with SpeakingGateway(bridge, "ja") as gateway:
        gateway.folder.chmod(0o755)
        docker(
            "run", "--detach", "--name", name, "--read-only", "--cap-drop", "ALL",
            "--security-opt", "no-new-privileges", "--tmpfs", "/tmp", "--tmpfs", "/home/researcher:uid=1000",
            "--env", "JUPYTER_RUNTIME_DIR=/tmp/jupyter", "--volume", f"{gateway.folder}:/run/enclave:ro",
            "--entrypoint", "/usr/bin/tini", image, "--", "/bin/sleep", "86400",
        )  # fmt: skip
        try:
            yield Workspace(name, gateway)
        finally:
            docker("rm", "--force", name)


# -- Python ---------------------------------------------------------------------------------------
CONNECT = "from enclave_client import connect, dbapi; e = connect()"


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
        ("python3", CONNECT, "e.sql('SELECT 1 AS one /* slow */')", "print(6 * 7)"),
        ("ir", R_CONNECT, "dbGetQuery(con, 'SELECT 1 AS one /* slow */')", "cat(6 * 7)"),
    ):
        workspace.gateway.cancelled.clear()
        before = len(workspace.gateway.queries)
        shown = workspace.cells(kernel, opening, {"code": ask, "interrupt": 1.7}, after)
        states = [query["state"] for query in list(workspace.gateway.queries.values())[before:]]
        assert states == ["cancelled"], (kernel, shown)
        assert "問合せを取り消しました" in text_of(shown[1])
        assert "実行中" in json.dumps(shown[1], ensure_ascii=False)
        assert "42" in text_of(shown[2])
    workspace.gateway.cancelled.clear()


# -- R --------------------------------------------------------------------------------------------
R_CONNECT = "library(DBI); library(enclave); con <- dbConnect(Enclave())"


def test_r_answers_typed_and_in_japanese(workspace: Workspace) -> None:
    """Dates, times, truth values, whole numbers and text are R's own types; what is missing is NA."""
    shown = workspace.cells(
        "ir",
        R_CONNECT,
        """x <- dbGetQuery(con, "SELECT 7::integer AS i, 2.5::double AS f, 7.25::decimal(9,2) AS m, true AS b,
    '日本語 ｶﾅ' AS s, DATE '2020-02-29' AS d, TIMESTAMP '2020-02-29 01:02:03' AS t, NULL::integer AS nothing,
    sum(age) AS total FROM patients")
cat(vapply(x, function(column) class(column)[[1]], ""), "\\n")
cat(x$s, nchar(x$s), Encoding(x$s), format(x$d), format(x$t), x$m, x$total, is.na(x$nothing), "\\n")""",
        "x",
    )
    assert "接続しました: tanaka" in text_of(shown[0])
    kinds, values = text_of(shown[1]).strip().splitlines()
    assert kinds.split() == "integer numeric numeric logical character Date POSIXct integer numeric".split()  # noqa: SIM905
    total = sum(30 + n % 60 for n in range(2000))
    assert values.strip() == f"日本語 ｶﾅ 6 UTF-8 2020-02-29 2020-02-29 01:02:03 7.25 {total} TRUE"
    assert "日本語" in shown[2][0]["data"]["text/html"]


def test_r_loses_no_digit_of_a_whole_number(workspace: Workspace) -> None:
    """A double holds 53 bits: a column with more is integer64 or text, and one with less is an ordinary number."""
    big = "9007199254740993"
    shown = workspace.cells(
        "ir",
        R_CONNECT,
        f"""x <- dbGetQuery(con, "SELECT {big}::bigint AS a, 5::bigint AS b, 18446744073709551615::ubigint AS c,
    {big}::ubigint AS d, {big}::hugeint AS e, NULL::bigint AS f, (-{big})::hugeint AS g")
cat(vapply(x, function(column) paste0(class(column)[[1]], "=", as.character(column)), ""))""",
        """con <- dbConnect(Enclave(), bigint = "character")
cat(class(dbGetQuery(con, "SELECT 5::bigint AS b")$b))""",
    )
    assert text_of(shown[1]).split() == [
        f"integer64={big}",
        "numeric=5",
        "character=18446744073709551615",
        f"integer64={big}",
        f"integer64={big}",
        "numeric=NA",
        f"integer64=-{big}",
    ]
    assert "character" in text_of(shown[2])


def test_r_speaks_dbi(workspace: Workspace) -> None:
    """Tables and fields of the permit, parameters by name, in order and in lists, results in parts."""
    shown = workspace.cells(
        "ir",
        R_CONNECT,
        """cat(dbListTables(con), dbListFields(con, "patients"), dbExistsTable(con, "nowhere"), "\\n")
cat(enclave_tables(con)$title, "\\n")
n <- function(sql, params) dbGetQuery(con, sql, params = params)$n
cat(n("SELECT count(*) AS n FROM patients WHERE age > $least", list(least = 50)),
    n("SELECT count(*) AS n FROM patients WHERE age > ? AND male = ?", list(50L, TRUE)),
    n("SELECT count(*) AS n FROM patients WHERE list_contains($some, pid)", list(some = c(1, 2, 100000))),
    n("SELECT count(*) AS n FROM patients WHERE DATE '2020-02-29' = $day::date", list(day = as.Date("2020-02-29"))), "\\n")
r <- dbSendQuery(con, "SELECT pid FROM patients WHERE pid < $end ORDER BY pid"); dbBind(r, list(end = 5))
cat(dbFetch(r, 2)$pid, dbHasCompleted(r), dbFetch(r)$pid, dbHasCompleted(r), dbGetRowCount(r), "\\n"); dbClearResult(r) -> gone
cat(tryCatch(dbGetQuery(con, "SELECT age FROM patients WHERE age > $least"), enclave_refused = function(no) no$code), "\\n")
cat(nrow(dbGetQuery(con, "SELECT pid, age FROM patients WHERE false")), ncol(dbGetQuery(con, "SELECT pid, age FROM patients WHERE false")), "\\n")""",
    )
    lines = [line.split() for line in text_of(shown[1]).strip().splitlines()]
    over_50 = [n for n in range(2000) if 30 + n % 60 > 50]
    assert lines == [
        ["nafld.patients", "age", "status", "FALSE"],
        ["年齢", "死亡"],
        [str(len(over_50)), str(len([n for n in over_50 if n % 2])), "2", "2000"],
        ["0", "1", "FALSE", "2", "3", "4", "TRUE", "5"],
        ["query.syntax"],
        ["0", "2"],
    ]


def test_r_shows_what_codes_mean(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside their column, and as the levels of a factor."""
    told = workspace.gateway.session()
    sex = {"0": {"ja": "女", "en": "female"}, "1": {"ja": "男", "en": "male"}}
    told["tables"][0]["columns"].append({"name": "male", "type": "int", "values": sex})
    monkeypatch.setattr(workspace.gateway, "session", lambda: told)
    shown = workspace.cells(
        "ir",
        R_CONNECT,
        """cat(subset(enclave_tables(con), column == "male")$codes, "\n")
x <- dbGetQuery(con, "SELECT male FROM patients WHERE pid < 3 ORDER BY pid")
sex <- enclave_labels(con, x$male, "nafld.patients.male")
cat(class(sex), as.character(sex), levels(sex), tryCatch(enclave_codes(con, "patients.age"), enclave_refused = function(no) no$code))""",
    )
    assert text_of(shown[1]).splitlines() == [
        "0: 女 · 1: 男 ",
        "factor 女 男 女 女 男 client.codes",
    ]


def test_r_shows_a_refusal_as_a_message_and_hands_it_to_a_program(workspace: Workspace) -> None:
    """A condition with code, facts and hint; in the notebook a message without the calls that led to it."""
    ask = 'dbGetQuery(con, "SELECT case_pid FROM nafld.patients")'
    shown = workspace.cells(
        "ir",
        R_CONNECT,
        ask,
        f"cat(tryCatch({ask}, enclave_refused = function(no) paste(no$code, no$facts$column, no$hint)))",
        "stop('an error of my own')",
    )
    refused = error_of(shown[1])
    assert refused["ename"] == "permit.column"
    said = "\n".join(refused["traceback"])
    assert said.startswith("承認されませんでした: permit.column\n")
    assert "→ The permit shows" in said
    assert "Traceback" not in said
    assert "dbGetQuery" not in said
    assert text_of(shown[2]).startswith("permit.column case_pid The permit shows")
    assert "Traceback" in "\n".join(error_of(shown[3])["traceback"])


def test_r_does_not_calculate_with_a_hidden_cell(workspace: Workspace) -> None:
    """`enclave_table`: hidden shows as hidden, and a sum over it is refused; the shown cells are ordinary numbers."""
    statement = (
        "SELECT male, age // 20 * 20 AS band, count(*) AS n FROM patients WHERE futime < 90 "
        "GROUP BY CUBE (male, band) ORDER BY ALL"
    )
    failing = " ".join(
        f"cat(tryCatch({{ {act}; 'calculated' }}, enclave_refused = function(no) no$code), '')"
        for act in ("sum(t$n)", "t$n + 1", "t$n > 5", "mean(t$n)", "as.numeric(t$n)", "log(t$n)", "max(t$n)")
    ).replace(") cat", "); cat")
    shown = workspace.cells(
        "ir",
        R_CONNECT,
        f't <- enclave_table(con, "{statement}")\nt',
        failing,
        'd <- shown(details(t)); cat(sum(d$n), class(d), statuses(t)[["hidden"]], any(is.na(t$n)), enclave_receipt(t)$form)',
    )
    view = shown[1][0]["data"]
    assert view["text/html"].count("秘匿 hidden") == view["text/plain"].count("秘匿 hidden") == 2
    assert text_of(shown[2]).split() == ["client.hidden"] * 7
    assert text_of(shown[3]).split() == ["53", "data.frame", "2", "FALSE", "table"]


def test_r_fits_a_survival_model_and_draws_it_with_japanese_words(workspace: Workspace) -> None:
    """The packages of the trade are there, and a plot needs no screen and misses no letter."""
    shown = workspace.cells(
        "ir",
        R_CONNECT,
        """library(survival); library(ggplot2)
x <- dbGetQuery(con, "SELECT age, male, futime, status FROM patients")
fit <- coxph(Surv(futime, status) ~ age + male, data = x); cat(class(fit), length(coef(fit)))""",
        'withCallingHandlers(print(ggplot(x, aes(age)) + geom_histogram(bins = 9) + ggtitle("年齢の分布 Age")), '
        "warning = function(w) stop(w))",
    )
    assert text_of(shown[1]).endswith("coxph 2")
    picture = next(m for m in shown[2] if m["type"] == "display_data")["data"]["image/png"]
    assert base64.b64decode(picture).startswith(b"\x89PNG")


def test_r_believes_only_the_sites_authority(workspace: Workspace) -> None:
    """A gateway of another authority gets no token; outside a workspace there is one clear sentence."""
    code = """d <- tempfile(); dir.create(d); file.copy("/run/enclave/session.json", d) -> copied
try_it <- function(folder) tryCatch(dbConnect(Enclave(), folder = folder), enclave_refused = function(no) no$code)
cat(try_it(d), "")
writeLines(readLines("/run/enclave/ca.pem")[1], file.path(d, "ca.pem")); cat(try_it(d), "")
writeLines(sub("https", "http", readLines(file.path(d, "session.json"), warn = FALSE)), file.path(d, "session.json")); cat(try_it(d))"""
    asked = len(workspace.gateway.languages)
    shown = workspace.cells("ir", "library(DBI); library(enclave)", code)
    assert text_of(shown[1]).split() == [
        "client.not_a_workspace",
        "client.unreachable",
        "client.unreachable",
    ]
    assert len(workspace.gateway.languages) == asked
