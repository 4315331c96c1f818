"""What leaves through the gateway and what it is compared with afterwards: statements, persons and records of the real cohort."""

from collections import Counter
from typing import Any

from tests.unit.gateway.ground import Ground
from tests.unit.gateway.test_gateway_exports import asked, item, submit, vote

LABS = "SELECT p.male, count(*) AS n FROM labs l JOIN patients p ON l.pid = p.pid {where} GROUP BY p.male"


def released(ground: Ground, answer: Any) -> None:
    """Both checkers let it leave."""
    export = str(answer.json()["id"])
    assert answer.json()["state"] == "queued", codes(answer)
    for checker in ("takahashi", "ito"):
        vote(ground, export, checker)


def codes(answer: Any) -> dict[str, str]:
    return {
        one["code"]: one["verdict"]
        for file in answer.json()["files"]
        for one in file["findings"]
        if one["code"].startswith("disclosure.history")
    }


def table(ground: Ground, token: str, sql: str, *dimensions: str) -> dict[str, Any]:
    text, receipt = asked(ground, token, sql)
    return item(text, receipt, dimensions=list(dimensions), counts=["n"])


def test_the_same_table_again_passes_and_says_how_deep_it_was_examined(ground: Ground, token: str) -> None:
    """Nothing is told by repeating what is public; an output with a history has its bound printed."""
    sexes = table(ground, token, "SELECT male, count(*) AS n FROM patients GROUP BY male", "male")
    first = submit(ground, token, sexes)
    assert codes(first) == {}
    released(ground, first)
    assert codes(submit(ground, token, sexes)) == {"disclosure.history_examined": "pass"}


def test_a_table_without_a_receipt_is_remembered(ground: Ground, token: str) -> None:
    """Its persons are known to nobody; once it left, later outputs of these persons are left to a human."""
    unknown = item("male,n\n0,9500\n1,8000\n")
    released(ground, submit(ground, token, unknown))
    sexes = table(ground, token, "SELECT male, count(*) AS n FROM patients GROUP BY male", "male")
    assert codes(submit(ground, token, sexes)) == {"disclosure.history_bound": "human"}


def test_one_person_and_one_record_between_two_releases_are_found(ground: Ground, token: str) -> None:
    """A statement that leaves one person out collides; one that leaves out a record of somebody who has others is shown
    to a human, since the same persons then have another number."""
    released(ground, submit(ground, token, table(ground, token, LABS.format(where=""), "male")))
    rows = ground.query(token, "SELECT pid, days, test FROM labs").table().to_pylist()
    records = Counter(row["pid"] for row in rows)
    places = Counter((row["days"], row["test"]) for row in rows)
    single = [row for row in rows if places[row["days"], row["test"]] == 1]
    for code, row in (
        ("disclosure.history_pair", next(row for row in single if records[row["pid"]] == 1)),
        ("disclosure.history_records", next(row for row in single if records[row["pid"]] > 1)),
    ):
        but = f"WHERE NOT (l.days = {row['days']} AND l.test = '{row['test']}')"
        found = codes(submit(ground, token, table(ground, token, LABS.format(where=but), "male")))
        assert found == {code: "fail" if code == "disclosure.history_pair" else "human"}
