"""Query → answer over HTTP: what is answered, what is refused, and what the log says of it."""

import pytest

from enclave.core.permit import Permit
from enclave.gateway import web
from tests.unit.gateway.ground import Ground

BY_SEX = (
    "SELECT male, count(*) AS n, count(DISTINCT pid) AS persons FROM patients GROUP BY male ORDER BY male"
)


@pytest.fixture(autouse=True)
def whole_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is refused while it runs is a refusal, not a stream that ends: also where a busy machine begins late."""
    monkeypatch.setattr(web, "FIRST_PIECE", 60.0)


def test_rows_come_as_an_arrow_stream_with_a_receipt(ground: Ground, token: str) -> None:
    """What bare counting of the source gives is what the stream holds, and the receipt says what was answered."""
    answer = ground.query(token, BY_SEX)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/vnd.apache.arrow.stream"
    assert answer.table().to_pydict() == {"male": [0, 1], "n": [9348, 8201], "persons": [9348, 8201]}
    state = ground.state(token, answer.headers["enclave-query"])
    assert state["state"] == "done"
    receipt = state["receipt"]
    assert receipt["permit"] == "p-2026-0007@1"
    assert receipt["extract"].startswith("v-81c2/")
    assert (receipt["form"], receipt["rows"], receipt["cells"]) == ("rows", 2, None)


def test_two_leaves_bracket_an_answer(ground: Ground, token: str) -> None:
    """`query.authorised` and `query.answered` stand in the log where the receipt says."""
    query = ground.query(token, BY_SEX).headers["enclave-query"]
    receipt = ground.state(token, query)["receipt"]
    leaves = ground.leaves()
    first, last = (leaves[place] for place in receipt["log"])
    assert (first["action"], last["action"]) == ("query.authorised", "query.answered")
    assert first["object"]["id"] == last["object"]["id"] == query
    assert last["counts"] == {"rows_at_most": 16}
    assert "patients" not in str(leaves)


def test_the_log_does_not_tell_whether_a_small_answer_has_rows(ground: Ground, token: str) -> None:
    """None, one and some rows, or hidden cells and none: the same leaf; a large answer is known to a power of two."""
    told = []
    for sql, form in (
        ("SELECT pid FROM patients WHERE age < 0", "rows"),
        ("SELECT pid FROM patients ORDER BY pid LIMIT 1", "rows"),
        (BY_SEX, "rows"),
        (BY_SEX, "table"),
        ("SELECT male, status, count(*) AS n FROM patients WHERE age > 96 GROUP BY male, status", "table"),
        ("SELECT pid FROM patients", "rows"),
    ):
        answer = ground.query(token, sql, form)
        assert answer.status == 200, answer.body
        leaf = ground.leaves(answer.headers["enclave-query"])[-1]
        told.append((leaf["action"], leaf["counts"]))
    cells = {f"{name}_at_most": 16 for name in ("rows", "shown", "hidden", "perturbed")}
    assert {action for action, _ in told} == {"query.answered"}
    assert [counts for _, counts in told] == [
        *[{"rows_at_most": 16}] * 3, cells, cells, {"rows_at_most": 32768}
    ]  # fmt: skip


def test_small_cells_are_hidden_in_table_form(ground: Ground, token: str) -> None:
    """Every shown count is 0 or at least ten persons, hidden ones are null with their status, margins do not tell."""
    sql = "SELECT age, male, status, count(*) AS n FROM patients GROUP BY age, male, status"
    answer = ground.query(token, sql, "table")
    assert answer.status == 200, answer.body
    table = answer.table().to_pydict()
    assert list(table) == ["age", "male", "status", "n", "n_status"]
    pairs = list(zip(table["n"], table["n_status"], strict=True))
    assert {status for _, status in pairs} == {"shown", "hidden"}
    assert all((n is None) == (status == "hidden") for n, status in pairs)
    assert min(n for n, status in pairs if status == "shown") >= 10
    cells = ground.state(token, answer.headers["enclave-query"])["receipt"]["cells"]
    assert cells["hidden"] == sum(status == "hidden" for _, status in pairs)


def test_means_and_rates_are_answered_beside_their_counts(ground: Ground, token: str) -> None:
    """A derived column has a status of its own and is shown where its row is safe."""
    sql = """SELECT male, count(*) AS n, avg(age) AS age, 100.0 * sum(status) / count(*) AS died
             FROM patients GROUP BY male ORDER BY male"""
    table = ground.query(token, sql, "table").table().to_pydict()
    assert table["n_status"] == table["age_status"] == table["died_status"] == ["shown", "shown"]
    assert [round(rate, 1) for rate in table["died"]] == [7.1, 8.6] or all(0 < r < 100 for r in table["died"])


def test_a_total_is_told_from_a_null_category(ground: Ground, token: str) -> None:
    """Under ROLLUP the key of a total is null with the status `total`."""
    sql = "SELECT male, count(*) AS n FROM patients GROUP BY ROLLUP (male) ORDER BY male"
    table = ground.query(token, sql, "table").table().to_pydict()
    rows = dict(zip(table["male_status"], table["n"], strict=True))
    assert rows["total"] == 17549
    assert table["male"][table["male_status"].index("total")] is None


def test_parameters_are_values_never_text(ground: Ground, token: str) -> None:
    """A parameter that holds SQL is compared as a text."""
    sql = "SELECT count(*) AS n FROM events WHERE event = $event"
    right = ground.query(token, sql, params={"event": "stroke"}).table().to_pydict()["n"][0]
    wrong = ground.query(token, sql, params={"event": "x' OR '1'='1"}).table().to_pydict()["n"][0]
    assert right > 0
    assert wrong == 0


def test_a_question_outside_the_permit_is_refused_with_code_and_hint(ground: Ground, token: str) -> None:
    """The no is a problem in the asker's language, is in the log, and nothing ran."""
    answer = ground.query(token, "SELECT weight FROM patients")
    assert answer.status == 403, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"].startswith("query.")
    assert answer.json()["hint"]
    japanese = ground.ask(
        "POST", "/v1/queries", token, {"sql": "SELECT weight FROM patients"}, {"Accept-Language": "ja"}
    ).json()
    assert japanese["code"] == answer.json()["code"]
    assert japanese["title"] != answer.json()["title"]
    refused = [leaf for leaf in ground.leaves() if leaf["action"] == "query.refused"]
    assert refused[-1]["codes"] == [answer.json()["code"]]


def test_what_does_not_parse_is_400(ground: Ground, token: str) -> None:
    answer = ground.query(token, "SELECT (1")
    assert (answer.status, answer.json()["code"]) == (400, "query.syntax")


def test_a_value_in_an_engine_error_never_leaves(ground: Ground, token: str) -> None:
    """An error text of the engine would print a person's value; the asker gets a code."""
    answer = ground.query(token, "SELECT CAST(event AS INTEGER) AS x FROM events")
    assert answer.status == 400, answer.body
    assert answer.json()["code"] == "query.value"
    assert b"nafld" not in answer.body.replace(b"nafld-fib", b"")


def test_an_expired_permit_is_refused_at_the_next_question(
    ground: Ground, token: str, permit: Permit
) -> None:
    assert ground.query(token, BY_SEX).status == 200
    ground.moment[0] = permit.valid_to
    # The session would have ended too, so one that is younger asks.
    younger = ground.session("tanaka", permit)
    answer = ground.query(younger, BY_SEX)
    assert (answer.status, answer.json()["code"]) == (403, "permit.expired")


def test_an_edited_permit_row_is_refused(ground: Ground, permit: Permit, token: str) -> None:
    """Whoever writes into the records cannot widen a permit: its signature no longer verifies."""
    import base64

    import sqlalchemy as sa

    from enclave.adapters import records_schema as t
    from tests.unit.gateway.ground import an_event

    with ground.records.change(an_event("test.edited", "permit", "p")) as tx:
        envelope = dict(tx.scalar(sa.select(t.permits.c.envelope)))
        payload = base64.b64decode(envelope["payload"]).replace(b'"bmi"', b'"weight"')
        envelope["payload"] = base64.b64encode(payload).decode()
        tx.execute(sa.update(t.permits).values(envelope=envelope))
    assert ground.query(token, BY_SEX).json()["code"] == "permit.signature"


def test_a_person_who_is_no_handler_is_refused(ground: Ground, permit: Permit) -> None:
    stranger = ground.session("sato", permit)
    assert ground.query(stranger, BY_SEX).json()["code"] == "permit.not_handler"


def test_daily_budgets_are_counted_and_end(ground: Ground) -> None:
    """The third question of a day is one too many where two are allowed, and refused ones count."""
    permit = a_limited_permit()
    ground.grant(permit)
    token = ground.session("tanaka", permit)
    assert ground.query(token, BY_SEX).status == 200
    left = ground.ask("GET", "/v1/session", token).json()["left"]
    assert left["queries_day"] == 1
    assert ground.query(token, "SELECT nothing FROM nowhere").status == 403
    answer = ground.query(token, BY_SEX)
    assert answer.status == 403, answer.body
    assert answer.json()["code"] == "query.budget_queries"


def test_a_session_shows_what_is_left_until_when_and_how_to_get_more(ground: Ground, token: str) -> None:
    """Limits, what is used and what is left agree, and the rest is a time and a sentence in the reader's language."""
    sent = ground.query(token, BY_SEX)
    assert sent.status == 200
    said = {
        language: ground.ask("GET", "/v1/session", token, headers={"Accept-Language": language}).json()
        for language in ("ja", "en")
    }
    told = said["en"]
    assert told["used"] == {"queries_day": 1, "rows_day": sent.table().num_rows, "bytes_day": len(sent.body)}
    for name, limit in told["limits"].items():
        assert told["left"][name] == (None if limit is None else limit - told["used"][name])
    assert told["renewed"] == "2026-12-02T00:00:00Z"
    assert "p-2026-0007@1" in said["ja"]["more"]
    for language, words in (("ja", ("申し出", "ポータル")), ("en", ("apply", "portal"))):
        assert all(word in said[language]["more"] for word in words)


@pytest.mark.parametrize(("limits", "code"), [
    ({"queries_day": 1}, "query.budget_queries"),
    ({"rows_day": 2}, "query.budget_rows"),
])  # fmt: skip
def test_a_budget_that_ends_says_when_it_is_renewed_and_how_to_apply_for_more(
    ground: Ground, limits: dict[str, int], code: str
) -> None:
    """In both languages; and at the time that it says, it is renewed."""
    from enclave.core.clock import parse_rfc3339
    from tests.unit.gateway.ground import a_research_permit

    permit = a_research_permit(limits=limits)
    ground.grant(permit)
    token = ground.session("tanaka", permit)
    while (answer := ground.query(token, BY_SEX)).status == 200:
        pass
    no = answer.json()
    assert no["code"] == code, no
    (limit,) = limits.values()
    assert no["facts"]["limit"] == limit
    assert no["facts"]["used"] >= limit
    assert "00:00 UTC" in no["hint"]
    assert "apply" in no["hint"]
    again = {"Accept-Language": "ja"}
    told = ground.ask("POST", "/v1/queries", token, {"sql": BY_SEX}, again).json()["hint"]
    assert "午前 9 時" in told
    assert "申し出" in told
    ground.moment[0] = parse_rfc3339(no["facts"]["renewed"])
    assert ground.query(ground.session("tanaka", permit), BY_SEX).status == 200


@pytest.mark.parametrize(("limits", "code"), [
    ({"rows_day": 1}, "query.limit_rows"),
    ({"bytes_day": 100}, "query.limit_bytes"),
])  # fmt: skip
def test_an_answer_larger_than_what_is_left_says_so_too(
    ground: Ground, limits: dict[str, int], code: str
) -> None:
    """Before anything of it has left; with the same words about renewal and more."""
    from tests.unit.gateway.ground import a_research_permit

    permit = a_research_permit(limits=limits)
    ground.grant(permit)
    answer = ground.query(ground.session("tanaka", permit), BY_SEX)
    assert answer.status == 403, answer.body
    no = answer.json()
    assert no["code"] == code
    assert "00:00 UTC" in no["hint"]
    assert "apply" in no["hint"]


def a_limited_permit() -> Permit:
    from tests.unit.gateway.ground import a_research_permit

    return a_research_permit(limits={"queries_day": 2})


def test_another_persons_query_is_unknown(ground: Ground, token: str, permit: Permit) -> None:
    query = ground.query(token, BY_SEX).headers["enclave-query"]
    other = ground.session("suda", permit)
    assert ground.ask("GET", f"/v1/queries/{query}", other).json()["code"] == "query.unknown"
    assert ground.ask("DELETE", f"/v1/queries/{query}", other).status == 404


def test_the_extract_is_opened_once_for_a_session(ground: Ground, token: str) -> None:
    """Custody hears of a session's first question; later ones use the engine that is open."""
    for _ in range(3):
        assert ground.query(token, BY_SEX).status == 200
    assert ground.custody.opened == 1


def test_the_session_tells_the_permit_in_words(ground: Ground, token: str) -> None:
    told = ground.ask("GET", "/v1/session", token).json()
    assert (told["person"], told["project"], told["permit"]) == ("tanaka", "nafld-fib", "p-2026-0007@1")
    patients = next(table for table in told["tables"] if table["name"] == "patients")
    age = next(column for column in patients["columns"] if column["name"] == "age")
    assert age["title"] == {"ja": "研究開始時の年齢", "en": "Age at entry"}
    assert (age["type"], age["role"], age["unit"]) == ("int", "identifying", "year")
    assert told["outputs"][0]["id"] == "t1"
