"""The R client as a researcher has it: in a kernel of the built image, before a gateway that speaks."""

import base64
import csv
import io
import json
import re
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "enclave" / "client")]

from enclave_client.completion import offers  # noqa: E402
from image_kernels import CONNECT, R_CONNECT, Workspace, built_image, error_of, like_a_workspace, text_of  # noqa: E402, F401  fixtures among them
from test_client_statement import OFFERED, TABLES  # noqa: E402

from enclave.export.receipt import WRITERS  # noqa: E402
from enclave.gateway.pictures import redrawn  # noqa: E402

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


def test_no_name_of_the_package_is_given_twice() -> None:
    """The later file would silently take the earlier one's place."""
    sources = sorted((Path(__file__).parents[2] / "enclave" / "client" / "r" / "R").glob("*.R"))
    named = [name for one in sources for name in re.findall(r"^([\w.]+) <- ", one.read_text("utf-8"), re.M)]
    assert len(named) > 100
    assert sorted(named) == sorted(set(named))


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


def test_r_offers_what_python_offers_in_a_statement(workspace: Workspace) -> None:
    """The same names in the same order for every place of a table of statements."""
    more = (
        "SELECT | FROM ndb.sy",
        "SELECT * FROM 日本 x, nd|",
        "SELECT \n a| FROM nafld.patients AS 患者",
        "sel|",
    )
    places = [statement.split("|") for statement in (*(one for one, _ in OFFERED), *more)]
    told = "\n".join(f'cat(offers({q(before)}, {q(after)}, tables)$text, "\\n")' for before, after in places)
    columns = ", ".join(f"{q(name)} = c({', '.join(map(q, names))})" for name, names in TABLES.items())
    shown = workspace.cells("ir", f"offers <- enclave:::offers\ntables <- list({columns})\n{told}")
    expected = [[offer.text for offer in offers(*place, TABLES)[1]] for place in places]
    assert [line.split() for line in text_of(shown[0]).splitlines()] == expected
    assert sum(map(len, expected)) > 50


def q(text: str) -> str:
    """As R reads it."""
    return json.dumps(text, ensure_ascii=False)


def test_names_of_the_permit_are_completed_in_r_too(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inside the text of a question and where a table is named; elsewhere R completes as ever; without a connection too."""
    told = workspace.gateway.session()
    told["tables"][0]["columns"].append({"name": "male", "type": "int", "values": {"0": {"ja": "女"}}})
    monkeypatch.setattr(workspace.gateway, "session", lambda: told)
    shown = workspace.cells(
        "ir",
        {"complete": 'library(DBI)\ndbGetQuery(con, "SELECT * FROM na'},
        R_CONNECT,
        {"complete": 'x <- "年齢"\nx <- dbGetQuery(con, "SELECT * FROM na'},
        {"complete": "enclave_table(con, 'SELECT p.st"},
        {"complete": 'dbGetQuery(con, r"(SELECT "age", st'},
        {"complete": 'dbListFields(con, "pat'},
        {"complete": 'enclave_codes(con, "'},
        {"complete": 'cat("SELECT st'},
        {"complete": 'dbGetQuery(con, "SELECT 1")  # "st'},
        {"complete": "enclave_ta"},
        "dbDisconnect(con) -> closed",
        {"complete": 'dbGetQuery(con, "SELECT * FROM na'},
    )
    assert shown[2] == shown[5] == ["nafld.patients"]
    assert shown[3] == []  # nothing is called p
    assert shown[4] == ["status"]
    assert shown[6] == ["nafld.patients.male"]
    assert "status" not in shown[7] + shown[8]
    assert shown[9] == ["enclave_table", "enclave_tables"]
    assert "nafld.patients" not in shown[0] + shown[11]


def test_every_name_of_the_r_client_has_a_page_in_both_languages(workspace: Workspace) -> None:
    """`?` finds a page for whatever is exported; each has English and Japanese, and says what the code takes."""
    shown = workspace.cells(
        "ir",
        R_CONNECT,
        "?enclave_table",
        "?dbGetQuery",
        """names <- c(Filter(function(name) startsWith(name, "enclave"), getNamespaceExports("enclave")),
  "hidden", "shown", "details", "statuses", "Enclave", "enclave_refused")
pages <- tools::Rd_db("enclave")
aliases <- lapply(pages, function(page) vapply(Filter(function(part) attr(part, "Rd_tag") == "\\\\alias", page), as.character, ""))
cat("missing:", setdiff(names, unlist(aliases)), "\\n")
for (page in pages) {
  said <- paste(capture.output(tools::Rd2txt(page, options = list(underline_titles = FALSE))), collapse = " ")
  cat(grepl("[\\u3041-\\u30f6].*\\u3002", said), grepl("[a-z]{3} [a-z]{2}", said), "")
}
cat("\\n", length(tools::codoc("enclave")), length(unlist(tools::undoc("enclave")[c("code objects")])), "\\n")""",
        "?lm",
    )
    pages = [shown[1], shown[2], shown[4]]
    said = [json.dumps(page, ensure_ascii=False) for page in pages]
    assert "秘匿処理された集計表" in said[0]
    assert "The stop button of the notebook" in said[1]
    missing, languages, agreement = text_of(shown[3]).splitlines()
    assert missing.strip() == "missing:"
    assert set(languages.split()) == {"TRUE"}
    assert agreement.split() == ["0", "0"]
    assert "Linear Models" in said[2]


CUBE = (
    "SELECT male, age // 20 * 20 AS band, count(*) AS n, avg(bmi) AS mean FROM patients WHERE futime < 90 "
    "GROUP BY CUBE (male, band) ORDER BY ALL"
)


def test_r_submits_a_protected_table_as_python_does(workspace: Workspace) -> None:
    """The same file, dimensions, counts and receipt; findings at once, in the reader's language; and the list of all."""
    before = len(workspace.gateway.submitted)
    of_r = workspace.cells(
        "ir",
        R_CONNECT,
        f't <- enclave_table(con, "{CUBE}")',
        's <- enclave_submit(con, t, output = "t1", purpose = "学会の表 1")',
        "cat(s$passed, s$state, nrow(enclave_findings(s)), names(enclave_exports(con)))\nutils::tail(enclave_exports(con), 1)",
    )
    workspace.cells("python3", CONNECT, f'e.submit(e.table("{CUBE}"), output="t1", purpose="学会の表 1")')
    r, python = workspace.gateway.submitted[before:]
    assert (r["output"], r["purpose"]) == (python["output"], python["purpose"])
    (mine,), (theirs,) = r["items"], python["items"]
    assert {**mine, "csv": "", "receipt": ""} == {**theirs, "csv": "", "receipt": ""}
    assert mine["receipt"] in workspace.gateway.queries
    assert cells_of(mine["csv"]) == cells_of(theirs["csv"])
    assert "detail" in mine["csv"]
    assert "hidden" in mine["csv"]
    shown = of_r[2][0]["data"]
    assert "機械による確認: 確認待ち" in shown["text/plain"]
    assert "指摘はありません" in shown["text/html"]
    assert text_of(of_r[3][:1]) == "TRUE queued 1 id output state submitted files"
    assert "確認待ち" in text_of(of_r[3])


def test_r_and_python_send_a_description_alike(workspace: Workspace) -> None:
    """The same description, evidence, dimensions and counts; a file in YAML goes as it is, with its evidence beside it."""
    before = len(workspace.gateway.submitted)
    workspace.cells(
        "ir",
        R_CONNECT,
        """said <- list(dimensions = list(town = list(is = "muni", population = "people")), counts = "n",
  values = list(cost = list(statistic = "sum", largest = "m1")), institutions = "hospitals")
x <- data.frame(town = "town a", n = 40L, cost = 900L, hospitals = 4L, died = 12L)
s <- enclave_submit(con, enclave_item(x, description = said, evidence = data.frame(town = "town a", m1 = 30L)), output = "t1")""",
        """writeLines("age,n\n40-44,1200", "/tmp/ages.csv"); writeLines("age,m\n40-44,1", "/tmp/behind.csv")
writeLines("dimensions: {age: {is: age}} # 五歳\ncounts: [n]\nevidence: behind.csv", "/tmp/ages.yaml")
s <- enclave_submit(con, "/tmp/ages.csv", output = "t1")""",
    )
    workspace.cells(
        "python3",
        CONNECT,
        """import pandas as pd
said = {"dimensions": {"town": {"is": "muni", "population": "people"}}, "counts": ["n"],
        "values": {"cost": {"statistic": "sum", "largest": ["m1"]}}, "institutions": "hospitals"}
x = pd.DataFrame({"town": ["town a"], "n": [40], "cost": [900], "hospitals": [4], "died": [12]})
e.submit(e.item(x, description=said, evidence=pd.DataFrame({"town": ["town a"], "m1": [30]})), output="t1")""",
    )
    (mine,), (file,), (theirs,) = (one["items"] for one in workspace.gateway.submitted[before:])
    assert mine == theirs
    assert (mine["dimensions"], mine["counts"]) == (["town"], ["n", "died"])
    assert (file["name"], file["csv"], file["evidence"]) == (
        "ages.csv",
        "age,n\n40-44,1200\n",
        "age,m\n40-44,1\n",
    )
    assert file["description"].startswith("dimensions: {age: {is: age}} # 五歳\n")


def cells_of(text: str) -> list[list[object]]:
    """Numbers as such: one client writes 45.0, the other 45."""

    def value(cell: str) -> object:
        try:
            return float(cell)
        except ValueError:
            return cell

    return [[value(cell) for cell in row] for row in csv.reader(io.StringIO(text))]


def test_r_writes_every_value_as_the_gateway_reads_it(workspace: Workspace) -> None:
    """No digit lost, none added; days and truth values; quotes and lines within a text."""
    workspace.cells(
        "ir",
        R_CONNECT,
        """x <- data.frame(a = c("x,y", "a \\"b\\"", "二\\n行", NA), b = c(TRUE, FALSE, NA, TRUE), i = c(1L, NA, 3L, -4L),
  d = c(0.1, 1/3, 1e-5, 100000), e = c(5e15, NA, 45, 0), day = as.Date("2020-02-29") + 0:3,
  f = factor(c("女", "男", "女", "男")), at = as.POSIXct("2020-02-29 01:02:03", tz = "UTC") + c(0, 0.5, 1, 2))
x$big <- bit64::as.integer64(c("9007199254740993", NA, "-5", "0"))
s <- enclave_submit(con, enclave_item(x, name = "values"), output = "t1")""",
    )
    (item,) = workspace.gateway.submitted[-1]["items"]
    rows = list(csv.reader(io.StringIO(item["csv"])))
    assert rows[1:] == [
        ["x,y", "true", "1", "0.1", "5000000000000000", "2020-02-29", "女", "2020-02-29 01:02:03", "9007199254740993"],
        ['a "b"', "false", "", repr(1 / 3), "", "2020-03-01", "男", "2020-02-29 01:02:03.500000", ""],
        ["二\n行", "", "3", "1e-05", "45", "2020-03-02", "女", "2020-02-29 01:02:04", "-5"],
        ["", "true", "-4", "100000", "0", "2020-03-03", "男", "2020-02-29 01:02:05", "0"],
    ]  # fmt: skip
    assert item["dimensions"] == ["a", "b", "day", "f", "at"]
    assert item["counts"] == ["i", "e", "big"]
    assert item["receipt"] is None


def test_what_r_submits_is_word_for_word_the_answer_that_it_got(workspace: Workspace) -> None:
    """Each column is in one of the spellings that the gateway holds against its own answer."""
    statement = (
        "SELECT pid::bigint AS i, pid / 7.0 AS f, pid * 1e-6 AS small, (pid / 2.0)::double AS half, pid % 2 = 0 AS b, "
        "sum(pid) OVER (ORDER BY pid) AS h, (pid / 4.0)::decimal(9,2) AS m, DATE '2020-02-27' + pid::integer AS d, "
        "TIMESTAMP '2020-02-29 01:02:03' + INTERVAL 1 SECOND * pid AS at, chr(12354 + pid::integer) || ', ' || chr(34) AS s "
        "FROM patients WHERE pid < 40 ORDER BY pid"
    )
    workspace.cells(
        "ir", R_CONNECT, f's <- enclave_submit(con, dbGetQuery(con, "{statement}"), output = "t1")'
    )
    (item,) = workspace.gateway.submitted[-1]["items"]
    head, *rows = csv.reader(io.StringIO(item["csv"]))
    answer = workspace.gateway.answer(statement, "rows", {})
    assert head == answer.column_names
    for place, name in enumerate(head):
        values = answer[name].to_pylist()
        texts = [row[place] for row in rows]
        assert any([write(value) for value in values] == texts for write in WRITERS), (
            name,
            texts[0],
            values[0],
        )


def test_a_table_of_r_that_was_calculated_further_has_no_receipt(workspace: Workspace) -> None:
    """Rows and columns may be left out; a new column, or counts of rows, are examined by the rules instead."""
    shown = workspace.cells(
        "ir",
        R_CONNECT,
        f"""t <- enclave_table(con, "{CUBE}"); receipt <- function(x) if (is.null(enclave_item(x)$receipt)) "-" else "receipt"
more <- details(t); more$rate <- 1
x <- dbGetQuery(con, "SELECT male, age FROM patients")
counted <- enclave_item(table(sex = x$male, old = x$age > 60))
cat(receipt(t), receipt(shown(t)), receipt(details(t)), receipt(t[1:2, c("male", "n", "n_status")]), receipt(more), receipt(x), "\\n")
cat(counted$dimensions, counted$counts, is.null(counted$receipt), "\\n")
try_it <- function(act) cat(tryCatch(act, enclave_refused = function(no) paste(no$code, no$title, no$hint)), "\\n")
try_it(enclave_item(t, dimensions = "sexe")); try_it(enclave_item(1:3)); try_it(enclave_submit(con, t, "t9"))""",
    )
    first, second, *refused = text_of(shown[1]).splitlines()
    assert first.split() == ["receipt"] * 4 + ["-"] * 2
    assert second.split() == ["sex", "old", "n", "TRUE"]
    assert refused[0].startswith("client.column 列がありません: sexe。 表にある列: male, male_status")
    assert refused[1].startswith("client.item 提出できない項目です: integer。")
    assert refused[2].startswith("export.output_unknown")


def test_r_names_the_small_cell_that_was_turned_back(workspace: Workspace) -> None:
    """Verdict, code, the row's keys, what it means, what to do next: the words of the Python client."""
    table = 'data.frame(sex = c("f", "m"), n = c(3, 30))'
    shown = workspace.cells(
        "ir",
        R_CONNECT,
        f's <- enclave_submit(con, enclave_item({table}, name = "by-sex"), output = "t1")',
        "cat(s$passed, enclave_findings(s)[[4]])",
    )
    said = shown[1][0]["data"]
    for part in ("不合格", "by-sex.csv", "disclosure.min_persons", "行 1 (sex=f), column=n", "次は"):
        assert part in said["text/plain"]
        assert part in said["text/html"]
    assert text_of(shown[2]) == "FALSE 行 1 (sex=f), column=n"


def test_figures_of_r_carry_their_table_and_nothing_but_pixels(workspace: Workspace) -> None:
    """ggplot2, a function that draws, a recorded plot: pictures that the gateway redraws as they are."""
    before = len(workspace.gateway.submitted)
    shown = workspace.cells(
        "ir",
        R_CONNECT,
        f"""library(ggplot2); t <- enclave_table(con, "{CUBE}"); d <- shown(details(t))
drawings <- list(ggplot(d, aes(factor(male), n)) + geom_col() + ggtitle("性別 sex"), function() barplot(d$n, main = "性別"))
s <- enclave_submit(con, c(list(enclave_item(t, name = "deaths")), lapply(drawings, enclave_figure, data = t, name = "deaths", title = "図")), output = "t1")""",
        "plot(d$n); p <- recordPlot(); invisible(enclave_submit(con, enclave_figure(p, data = t), output = 't1'))",
        "cat(tryCatch(enclave_figure(3, data = t), enclave_refused = function(no) no$code))",
    )
    items, recorded = (one["items"] for one in workspace.gateway.submitted[before:])
    names = [item["name"] for item in items]
    assert names == ["deaths.csv", "deaths.png", "deaths.png"]
    assert [item["data"]["name"] for item in items[1:]] == ["deaths-data.csv"] * 2
    assert items[1]["data"]["csv"] == items[0]["csv"]
    for item in (*items[1:], *recorded):
        png = base64.b64decode(item["png"])
        assert redrawn(png)
        assert b"tEXt" not in png
    assert "人の確認が必要" in text_of(shown[1])
    assert text_of(shown[3]) == "client.item"


def test_r_shows_what_is_left_of_the_budgets(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session as lines of words, and as a list for a program; no limit is a dash."""
    told = workspace.gateway.session()
    told["left"] = {"queries_day": 1999, "rows_day": None}
    monkeypatch.setattr(workspace.gateway, "session", lambda: told)
    shown = workspace.cells(
        "ir", R_CONNECT, "enclave_session(con)", "cat(enclave_session(con)$left$queries_day)"
    )
    said = shown[1][0]["data"]
    for form in ("text/plain", "text/html"):
        assert "queries_day: 1,999 · rows_day: –" in said[form]
        assert "t1" in said[form]
        assert "年齢" not in said[form]
    assert text_of(shown[2]) == "1999"


@pytest.mark.parametrize("language", ["ja", "en"])
def test_r_shows_the_budget_in_the_words_of_python(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    """What is used and left of each limit, when it is renewed, how to get more; and the same greeting."""
    monkeypatch.setattr(workspace.gateway, "language", language)
    told = workspace.gateway.session()
    told["limits"] = {"queries_day": 2000, "rows_day": None, "bytes_day": 5_000_000_000}
    told["used"] = {"queries_day": 1, "rows_day": 12345, "bytes_day": 0}
    told["left"] = {"queries_day": 1999, "rows_day": None, "bytes_day": 5_000_000_000}
    monkeypatch.setattr(workspace.gateway, "session", lambda: told)
    r = workspace.cells("ir", R_CONNECT, "enclave_budget(con)", "cat(enclave_budget(con)$lines$left)")
    python = workspace.cells("python3", CONNECT, "e.budget()")
    assert text_of(r[0]).strip() == text_of(python[0]).strip()
    for form in ("text/plain", "text/html"):
        assert r[1][0]["data"][form] == python[1][0]["data"][form]
    assert "5,000,000,000" in text_of(r[1])
    assert text_of(r[2]) == "1999 NA 5e+09"


def test_r_shows_missing_hidden_total_and_perturbed_apart(workspace: Workspace) -> None:
    """A null that is shown is a dash, a hidden cell says so, a total is called one; what is left out is counted."""
    shown = workspace.cells(
        "ir",
        R_CONNECT,
        """f <- data.frame(g = c(NA, "a", NA), g_status = c("total", "detail", "detail"), n = c(50, NA, NA), n_status = c("perturbed", "shown", "hidden"))
t <- enclave:::protected_frame(f, "ja"); cat(is.na(t$n), hidden(t$n), statuses(t), "\\n")""",
        "t",
        "enclave:::protected_frame(data.frame(g = 1:50, n = 1:50, n_status = 'shown'), 'ja')",
    )
    assert text_of(shown[1]).split() == "FALSE TRUE FALSE FALSE FALSE TRUE 1 1 1".split()  # noqa: SIM905
    text, html = shown[2][0]["data"]["text/plain"], shown[2][0]["data"]["text/html"]
    assert [line.split()[-1] for line in text.splitlines()[1:4]] == ["50", "–", "hidden"]
    assert "計" in text.splitlines()[1]
    assert "表示 1 · 秘匿 1 · 攪乱 1" in text
    assert html.count("秘匿 hidden") == 1
    assert "ほか 10 行" in text_of(shown[3])
