"""From a question to what may run: names, facts, cells, and the decision in between."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from enclave.adapters.policy_server import PolicyServer
from enclave.core.permit import Tier
from enclave.core.refusal import Refused
from enclave.query.flow import Unsettled, describe_expected
from enclave.query.stages import Cells, Coding, Form, Measure, Part, TableUse, Used
from tests.unit.query import world
from tests.unit.query.world import Recorded, ask

BLOCKS = [
    {"databases": ["nafld", "claims"], "k": 10},
    {"databases": ["apart"], "k": 10},
    {"databases": ["secret"], "k": 10},
]
"""As an extract's manifest says that its persons lie in blocks."""


def refused(text: str, policy: Any, form: Form = Form.ROWS, **parts: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        ask(text, policy, form, **parts)
    return caught.value


def test_a_bare_table_name_is_accepted_where_it_is_unique(policy: PolicyServer) -> None:
    assert '"nafld"."events"' in ask("SELECT * FROM events", policy).sql


def test_facts_name_tables_and_columns_of_every_scope(policy: PolicyServer) -> None:
    spy = Recorded(policy)
    guarded = ask(
        "WITH events AS (SELECT pid, min(days) AS t0 FROM nafld.events GROUP BY pid)"
        " SELECT p.age FROM patients p JOIN events e USING (pid)"
        " WHERE EXISTS (SELECT 1 FROM labs l WHERE l.pid = p.pid AND l.value > p.bmi)",
        spy,
    )
    assert guarded.facts.tables == (
        TableUse("nafld", "events", ("days", "pid")),
        TableUse("nafld", "labs", ("pid", "value")),
        TableUse("nafld", "patients", ("age", "bmi", "pid")),
    )
    assert spy.question["facts"]["databases"] == ["nafld"]
    assert spy.asked == 1


def test_the_nearest_permitted_name_is_offered(policy: PolicyServer) -> None:
    table, column = refused("SELECT * FROM patient", policy), refused("SELECT agee FROM patients", policy)
    assert (table.code, table.facts["nearest"]) == ("query.table_unknown", "nafld.patients")
    assert (column.code, column.facts["nearest"]) == ("query.column_not_permitted", "age")
    assert "weight" not in str(column.facts["permitted"])


def test_a_column_of_two_tables_needs_its_table(policy: PolicyServer) -> None:
    text = "SELECT days FROM events e JOIN labs l ON e.pid = l.pid"
    assert refused(text, policy).code == "query.column_ambiguous"


def test_the_engine_is_told_what_it_may_read(policy: PolicyServer) -> None:
    assert describe_expected(ask("SELECT count(*) FROM events", policy)) == {
        "nafld.events": ["pid", "days", "event"]
    }


def test_cells_say_how_an_answer_is_read(policy: PolicyServer) -> None:
    text = "SELECT male, count(*) AS n, sum(status) AS d, 1.0 * d / n AS share FROM patients GROUP BY ROLLUP (male)"
    cells = ask(text, policy, Form.TABLE).cells
    assert isinstance(cells, Cells)
    assert [(d.name, d.grouping, d.source) for d in cells.dimensions] == [
        ("male", "_enclave_g1", ("nafld", "patients", "male"))
    ]
    assert cells.measures == (
        Measure("n", ("a1",), derived=False),
        Measure("d", ("a2",), derived=False),
        Measure("share", ("a2", "a1"), derived=True),
    )
    assert cells.parts == (
        Part("a1", "records", "n", "_enclave_persons"),
        Part(
            "a2",
            "sum",
            "d",
            "_enclave_a2_persons",
            "_enclave_a2_rest",
            Coding(*(f"_enclave_a2_{name}" for name in ("different", "records", "low", "high", "total"))),
            of="nafld.patients.status",
        ),
    )


def test_the_spelling_of_output_names_is_kept(policy: PolicyServer) -> None:
    assert ask("SELECT age AS Age, COUNT(*) FROM patients GROUP BY Age", policy).names == ("Age", "count(*)")
    names = ask(
        "SELECT age // 5 AS Age5, count(*) AS N FROM patients GROUP BY ALL ORDER BY age5", policy, Form.TABLE
    )
    assert names.names == ("Age5", "N")


@pytest.mark.parametrize(
    ("changes", "parts", "code"),
    [
        ({"valid_from": "2026-12-02T00:00:00Z"}, {}, "permit.not_yet_valid"),
        ({"valid_to": "2026-12-01T09:00:00Z"}, {}, "permit.expired"),
        ({"handlers": ["suzuki"]}, {}, "permit.not_handler"),
        ({"revision": 2}, {}, "session.permit_changed"),
        ({"project": "other"}, {}, "session.permit_changed"),
        ({"permit_id": "p-2026-0008"}, {}, "query.extract_differs"),
        ({"rule_sets": ["no-such-set"]}, {}, "query.rule_set_missing"),
        ({"tier": "aggregate"}, {}, "query.aggregate_unprepared"),
        ({"limits": {"queries_day": 0}}, {}, "query.budget_queries"),
        ({}, {"session": world.session(used=Used(rows=50_000_000))}, "query.budget_rows"),
        ({}, {"session": world.session(used=Used(bytes=5_000_000_000))}, "query.budget_bytes"),
        ({}, {"session": world.session("mallory")}, "permit.not_handler"),
    ],
)
def test_the_policy_says_no(
    changes: Mapping[str, Any], parts: Mapping[str, Any], code: str, policy: PolicyServer
) -> None:
    caught = refused("SELECT age FROM patients", policy, permit=world.permit(**changes), **parts)
    assert code in caught.codes
    assert caught.code == caught.codes[0]


def test_a_call_may_narrow_its_tier_and_not_widen_it(policy: PolicyServer) -> None:
    text = "SELECT male, count(*) AS n FROM patients GROUP BY male"
    prepared = world.schema(block_sets=BLOCKS)
    narrowed = ask(text, policy, Form.TABLE, tier=Tier.AGGREGATE, schema=prepared)
    assert isinstance(narrowed, Unsettled)
    assert narrowed.authorised.obligations.tier == "aggregate"
    with pytest.raises(Refused) as narrow:
        ask(text, policy, tier=Tier.AGGREGATE)
    assert narrow.value.code == "query.tier_rows"
    aggregate = world.permit(tier="aggregate")
    with pytest.raises(Refused) as wide:
        ask(text, policy, tier=Tier.RECORD, permit=aggregate, schema=world.schema(block_sets=BLOCKS))
    assert "query.tier_wider" in wide.value.codes
    assert isinstance(ask(text, policy, Form.TABLE, permit=aggregate, schema=prepared), Unsettled)


def test_a_yes_carries_the_rule_sets_and_what_is_left(policy: PolicyServer) -> None:
    used = world.session(used=Used(queries=3, rows=49_999_990, bytes=7))
    obligations = ask("SELECT age FROM patients", policy, session=used).obligations
    assert obligations.max_rows == 10
    assert obligations.max_bytes == 5_000_000_000 - 7
    assert obligations.rule_sets["ndb-2024-09"]["min_persons"]["n"] == 10


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"allow": "true", "deny": [], "obligations": {"rule_sets": {"x": {}}}},
        {"allow": 1, "deny": [], "obligations": {"rule_sets": {"x": {}}}},
        {"allow": True, "obligations": {"rule_sets": {"x": {}}}},
        {"allow": True, "deny": ["query.function"], "obligations": {"rule_sets": {"x": {}}}},
        {"allow": True, "deny": [], "obligations": None},
        {"allow": True, "deny": [], "obligations": {"rule_sets": {}}},
        {"allow": False, "deny": [], "obligations": {}},
    ],
)
def test_anything_but_an_explicit_yes_is_a_no(answer: Mapping[str, Any]) -> None:
    class Answers:
        def decide(self, path: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
            return answer

    assert refused("SELECT age FROM patients", Answers()).code in {"policy.undefined", "query.function"}


class Patient:
    """A policy server that is heard later; what was done meanwhile stands in `done`."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self._answer = answer
        self.done: list[str] = []

    def decide(self, path: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
        return self.begin(path, question)()

    def begin(self, path: str, question: Mapping[str, Any]) -> Callable[[], Mapping[str, Any]]:
        self.done.append("asked")

        def decided() -> Mapping[str, Any]:
            self.done.append("heard")
            return self._answer

        return decided


YES: Mapping[str, Any] = {"allow": True, "deny": [], "obligations": {"rule_sets": {"x": {}}, "max_rows": 7}}
NO: Mapping[str, Any] = {"allow": False, "deny": ["query.budget_rows"], "obligations": {}}
MALFORMED = {"nafld": {"patients": {"columns": ["age"], "rows": "age IN (SELECT 1)"}}}
"""A permit whose condition cannot be written into any statement: rewriting refuses it."""


def test_rows_are_prepared_alike_by_a_policy_that_is_heard_later() -> None:
    """Once asked, once heard, and bound by what was heard."""
    patient = Patient(YES)
    found = ask("SELECT age FROM patients ORDER BY ALL", patient)
    assert patient.done == ["asked", "heard"]
    assert found.max_rows == 7
    assert found == ask("SELECT age FROM patients ORDER BY ALL", Hasty(YES))


class Hasty:
    """A policy server that can only be waited for."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self._answer = answer

    def decide(self, path: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._answer


@pytest.mark.parametrize("form", [Form.ROWS, Form.TABLE])
def test_the_policys_no_comes_before_that_of_the_rewriting(form: Form) -> None:
    """Whatever was found while it was asked; with its yes that is said."""
    permit, text = world.permit(databases=MALFORMED), "SELECT age, count(*) AS n FROM patients GROUP BY age"
    assert refused(text, Patient(NO), form, permit=permit).code == "query.budget_rows"
    assert refused(text, Patient(YES), form, permit=permit).code == "permit.malformed"


def test_nothing_that_was_rewritten_meanwhile_outlives_a_no() -> None:
    with pytest.raises(Refused) as caught:
        ask("SELECT age FROM patients", Patient(NO))
    assert caught.value.codes == ("query.budget_rows",)


def test_no_value_of_a_parameter_is_in_the_policys_question(policy: PolicyServer) -> None:
    spy = Recorded(policy)
    ask("SELECT age FROM patients WHERE pid = ?", spy, params=(987654321,))
    assert "987654321" not in str(spy.question)


# -- public tables that explain codes --------------------------------------------------------------


def explained(**tables: Any) -> Any:
    """The world's extract with `core.pref` beside it, which no permit names."""
    pref = {"columns": {"code": "VARCHAR", "name": "VARCHAR"}, "person": False, "reference": True}
    return world.schema(tables={**world.TABLES, "core.pref": pref, **tables})


def test_a_public_list_joins_though_no_permit_names_it(policy: PolicyServer) -> None:
    """In rows and in a table, where persons are counted as before."""
    joined = "FROM claims.visits v JOIN core.pref p ON v.icd10 = p.code"
    rows = ask(f"SELECT p.name, v.points {joined}", policy, schema=explained())
    assert describe_expected(rows)["core.pref"] == ["code", "name"]
    cells = ask(
        f"SELECT p.name, count(*) AS n {joined} GROUP BY p.name", policy, Form.TABLE, schema=explained()
    )
    assert 'COUNT(DISTINCT "v"."pid")' in cells.sql
    alone = ask("SELECT name FROM pref", policy, schema=explained())
    assert alone.obligations.rule_sets


def test_what_is_not_public_stays_behind_the_permit(policy: PolicyServer) -> None:
    """The mark alone opens the table that carries it, and no other of the extract."""
    assert (
        refused("SELECT note FROM nafld.notes", policy, schema=explained()).code
        == "query.table_not_permitted"
    )
    hidden = "SELECT p.weight FROM patients p JOIN core.pref c ON c.code = p.weight"
    assert refused(hidden, policy, schema=explained()).code == "query.column_not_permitted"


def test_the_name_of_a_permitted_table_means_it_whatever_lists_there_are(policy: PolicyServer) -> None:
    """`events` is the permit's, though a list of that name came along; a list still has its full name."""
    events = {"columns": {"code": "VARCHAR"}, "person": False, "reference": True}
    schema = explained(**{"core.events": events})
    assert '"nafld"."events"' in ask("SELECT days FROM events", policy, schema=schema).sql
    assert '"core"."events"' in ask("SELECT code FROM core.events", policy, schema=schema).sql


def test_an_extract_whose_public_table_is_about_persons_is_not_read() -> None:
    """A mark that is wrong would open a table to everybody."""
    with pytest.raises(ValueError, match="about persons"):
        explained(**{"core.people": {"columns": {"pid": "UINTEGER"}, "person": True, "reference": True}})


def test_rows_that_begin_with_the_person_are_looked_up_as_by_a_join(policy: PolicyServer) -> None:
    """`(pid, days) IN (SELECT pid, min(days) …)`, the usual way to a person's first record, is one person's in each row."""
    first = "(SELECT pid, min(days) FROM events GROUP BY pid)"
    asked = f"SELECT count(DISTINCT pid) n FROM events WHERE (pid, days) IN {first}"
    assert " IN (" in ask(asked, policy, Form.TABLE).sql
    case = f"SELECT count(*) n, sum(CASE WHEN (pid, days) IN {first} AND days > 0 THEN 1 ELSE 0 END) f FROM events"
    assert ask(case, policy, Form.TABLE).cells is not None


def test_rows_in_which_somebody_has_a_null_do_not_speak_of_everybody(policy: PolicyServer) -> None:
    """A null among the rows makes NOT IN unknown for all: where that would show, the person is not known."""
    for text in (
        "SELECT count(*) n FROM events WHERE (pid, days) NOT IN (SELECT pid, min(days) FROM events GROUP BY pid)",
        "SELECT count(*) n FROM events WHERE ((pid, days) IN (SELECT pid, days FROM events)) IS NULL",
        "SELECT (pid, days) IN (SELECT pid, days FROM events) k, count(*) n FROM events GROUP BY ALL",
        "SELECT count(*) n FROM patients p WHERE p.pid NOT IN (SELECT e.pid FROM labs l LEFT JOIN events e ON e.pid = l.pid)",
        "SELECT count(*) n FROM events WHERE (days, pid) IN (SELECT pid, days FROM events)",
    ):
        no = refused(text, policy, Form.TABLE)
        assert no.code in {"query.person_unknown", "query.identifier_condition"}, text
