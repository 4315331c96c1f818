"""A complete application, as the tests fill it in."""

from typing import Any

COLUMNS = [
    "nafld.patients.pid",
    "nafld.patients.age",
    "nafld.patients.male",
    "nafld.patients.bmi",
    "nafld.patients.status",
    "nafld.labs.pid",
    "nafld.labs.days",
    "nafld.labs.test",
    "nafld.labs.value",
]

FILLED: dict[str, Any] = {
    "title": "FIB-4 and survival in fatty liver disease",
    "project": "nafld-fib",
    "purpose": "To learn whether the FIB-4 index at entry predicts survival.",
    "public_interest": "Screening could begin earlier.",
    "other_data": "Published tables do not follow persons.",
    "columns": COLUMNS,
    "members": "tanaka",
    "use_from": "2026-11-01",
    "use_to": "2027-10-31",
    "output_id": ["t1", "f1"],
    "output_kind": ["table", "figure"],
    "output_title": ["Survival by sex and age", "Survival curve"],
    "output_dimensions": ["male, age", ""],
}


def approved(browse: Any, **changed: Any) -> str:
    """A project with a permit: applied for by tanaka, approved by sato and suzuki. Its application's id."""
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    tanaka.press("submit-application", **{**FILLED, **changed})
    application = str(tanaka.answer.request.url).rsplit("/", 1)[-1]
    for member in ("sato", "suzuki"):
        reviewer = browse(member)
        reviewer.get(f"/reviews/{application}")
        reviewer.press("give-opinion", opinion="approve", comment="Agreed.")
    return application
