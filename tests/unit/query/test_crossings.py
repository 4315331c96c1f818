"""A table may not be cut by municipality and by the kind of insurer at once, however the statement says it."""

from typing import Any

import pytest

from enclave.core import permit as permits
from enclave.core.refusal import Refused
from enclave.query import schema as schemas
from enclave.query.facts import know
from enclave.query.flow import guard
from enclave.query.parse import parse
from enclave.query.stages import Authorised, Form, Guarded, Obligations


def code(system: str) -> dict[str, str]:
    role = "area" if system in {"pref", "sma", "muni"} else "identifying"
    return {"type": "VARCHAR", "system": system, "role": role}


RCPT: dict[str, Any] = {"pid": "UINTEGER", "ym": "DATE", "pref_code": code("pref"), "sma_code": code("sma"),
                        "muni_code": code("muni"), "insurer_kind": code("insurer_kind"), "points": "INTEGER"}  # fmt: skip
MUNI: dict[str, Any] = {
    "code": code("muni"),
    "muni_name": {"type": "VARCHAR", "role": "area"},
    "sma_code": code("sma"),
}
SCHEMA = schemas.read(
    {
        "tables": {
            "ndb.rcpt": {"columns": RCPT, "person": True},
            "core.muni": {"columns": MUNI, "reference": True},
        }
    }
)
PERMIT = permits.parse(
    {
        "schema": "enclave.permit/1", "permit_id": "p-1", "revision": 1, "project": "x", "provision": "v-1", "handlers": ["mori"],
        "purpose": "", "tier": "record", "rule_sets": ["r"], "databases": {"ndb": {"rcpt": {"columns": list(RCPT)}}},
        "valid_from": "2026-01-01T00:00:00Z", "valid_to": "2027-01-01T00:00:00Z",
    }
)  # fmt: skip
RULES = {
    "id": "r", "valid_from": "2024-09-01", "source": "the test's own", "scope": {"databases": ["*"]},
    "min_persons": {"n": 10, "zero": "shown"}, "area": {"finest": "muni", "forbidden_with": ["insurer_kind"]},
}  # fmt: skip


def guarded(sql: str, form: Form = Form.TABLE, **changed: Any) -> Guarded:
    known = know(parse(sql, (), form), PERMIT, SCHEMA)
    return guard(Authorised(known, Obligations({"r": {**RULES, **changed}})))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT muni_code, insurer_kind, count(*) AS n FROM ndb.rcpt GROUP BY ALL",
        "SELECT muni_code, count(*) AS n FROM ndb.rcpt WHERE insurer_kind = '06' GROUP BY muni_code",
        "SELECT insurer_kind, count(*) AS n FROM ndb.rcpt WHERE muni_code = '13101' GROUP BY insurer_kind",
        "SELECT muni_code, count(*) FILTER (WHERE insurer_kind = '06') AS n FROM ndb.rcpt GROUP BY muni_code",
        "SELECT muni_code, sum(CASE WHEN insurer_kind = '06' THEN 1 ELSE 0 END) AS n FROM ndb.rcpt GROUP BY muni_code",
        "SELECT muni_code, sum((insurer_kind = '06')::INT) AS n FROM ndb.rcpt GROUP BY muni_code",
        "SELECT upper(muni_code) AS m, insurer_kind IN ('06', '07') AS k, count(*) AS n FROM ndb.rcpt GROUP BY ALL",
        "SELECT insurer_kind, count(*) AS n FROM ndb.rcpt WHERE pid IN (SELECT r.pid FROM ndb.rcpt AS r WHERE r.muni_code = '13101') GROUP BY ALL",
        "WITH r AS (SELECT pid, muni_code AS place, insurer_kind AS payer FROM ndb.rcpt) SELECT place, payer, count(*) AS n FROM r GROUP BY ALL",
        "SELECT m.muni_name, r.insurer_kind, count(*) AS n FROM ndb.rcpt AS r JOIN core.muni AS m ON m.code = r.muni_code GROUP BY ALL",
        "SELECT r.insurer_kind, count(*) AS n FROM ndb.rcpt AS r JOIN core.muni AS m ON m.sma_code = r.sma_code AND m.code = '13101' GROUP BY ALL",
    ],
)  # fmt: skip
def test_a_municipality_is_not_crossed_with_the_kind_of_insurer(sql: str) -> None:
    """As keys, in a condition, in what a measure counts, through WITH, by the municipality's name."""
    with pytest.raises(Refused) as refused:
        guarded(sql)
    assert refused.value.code == "disclosure.crossing"
    assert refused.value.facts == {"item": "insurer_kind", "rule_set": "r"}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT sma_code, insurer_kind, count(*) AS n FROM ndb.rcpt GROUP BY ALL",
        "SELECT muni_code, count(*) AS n FROM ndb.rcpt GROUP BY muni_code",
        "SELECT insurer_kind, count(*) AS n FROM ndb.rcpt GROUP BY insurer_kind",
        "SELECT insurer_kind, count(DISTINCT muni_code) AS n FROM ndb.rcpt GROUP BY insurer_kind",
        "SELECT m.sma_code, r.insurer_kind, count(*) AS n FROM ndb.rcpt AS r JOIN core.muni AS m ON m.code = r.muni_code GROUP BY ALL",
    ],
)  # fmt: skip
def test_what_is_coarser_or_alone_is_answered(sql: str) -> None:
    """A medical area with the kind of insurer; a municipality by itself; one that only joins to its medical area."""
    assert guarded(sql).cells is not None


def test_the_finest_area_is_the_rule_s() -> None:
    """Where a set allows medical areas at the finest, a municipality is too fine."""
    area = {"finest": "sma"}
    assert guarded("SELECT sma_code, count(*) AS n FROM ndb.rcpt GROUP BY ALL", area=area).cells is not None
    with pytest.raises(Refused) as refused:
        guarded("SELECT muni_code, count(*) AS n FROM ndb.rcpt GROUP BY ALL", area=area)
    assert refused.value.code == "disclosure.area_too_fine"


def test_rows_inside_the_workspace_are_not_concerned() -> None:
    """The rule is about what is shown."""
    sql = "SELECT muni_code, insurer_kind FROM ndb.rcpt"
    assert guarded(sql, Form.ROWS).cells is None
