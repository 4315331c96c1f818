"""What people do in the running site's portal and airlock, and what they are told: used by the tests of its controls."""

import re
from collections.abc import Mapping
from typing import Any

import httpx

from enclave.demo.visitor import Visitor, forms
from tests.integration.running_site import (
    PROJECT,
    Desk,
    Ground,
    is_a_sentence,
)


def page_code(answer: httpx.Response, language: str) -> str:
    """The code on a page of the portal, whose sentence is in that language; `allowed` where there is none."""
    found = re.search(r'data-code="([^"]+)"', answer.text)
    if found is None:
        assert answer.status_code < 300
        return "allowed"
    titles = re.findall(r'<h1>(.*?)</h1>|<p class="no-title">(.*?)</p>', answer.text)
    assert any(
        is_a_sentence({"title": title, "hint": "", "code": found.group(1)}, language)
        for pair in titles
        for title in pair
        if title
    ), titles
    return found.group(1)


def portal_code(visitor: Visitor, method: str, path: str, **named: Any) -> str:
    """The code with which the portal refuses, seen in both languages; `allowed` where it does not."""
    headers: Mapping[str, str] = named.pop("headers", {})
    codes = set()
    for language in ("ja", "en"):
        answer = visitor.http.request(method, path, headers={"Accept-Language": language, **headers}, **named)
        codes.add(page_code(answer, language))
    assert len(codes) == 1, codes
    return codes.pop()


def table_of_sexes(desk: Desk) -> dict[str, Any]:
    """A table that may leave: persons by sex."""
    answered = desk.rows(
        "SELECT male, count(*) AS n FROM nafld.patients GROUP BY male ORDER BY male"
    ).to_pydict()
    lines = [f"{male},{n}" for male, n in zip(answered["male"], answered["n"], strict=True)]
    csv = "\n".join(["male,n", *lines, ""])
    return {"kind": "table", "name": "sexes.csv", "csv": csv, "dimensions": ["male"], "counts": ["n"]}


def queue_an_export(desk: Desk) -> str:
    answer = desk.submit([table_of_sexes(desk)])
    assert (answer.status_code, answer.json()["state"]) == (201, "queued"), answer.text
    return str(answer.json()["id"])


def cast(ground: Ground, checker: str, export: str, vote: str) -> httpx.Response:
    visitor = ground.person(checker)
    page = visitor.get(f"/checks/{export}")
    form = next(f for f in forms(page) if "cast-vote" in f.actions)
    data = {**form.fields, "vote": vote, "comment": "Looked at."}
    return visitor.http.post(form.action, data=data, headers={"Origin": ground.site.origin})


def state_of(ground: Ground, export: str) -> str:
    return str(ground.look("SELECT state FROM exports WHERE id = ?", export)[0][0])


def clear_queue(ground: Ground) -> None:
    """Whatever these tests left waiting is turned down, as a checker would."""
    for (export,) in ground.look("SELECT id FROM exports WHERE state = 'queued' AND project = ?", PROJECT):
        for checker in ("takahashi", "ito"):
            if state_of(ground, export) == "queued" and not ground.look(
                "SELECT 1 FROM votes WHERE export = ? AND checker = ?", export, checker
            ):
                cast(ground, checker, export, "reject")
        assert state_of(ground, export) != "queued"


def counted(ground: Ground) -> dict[str, int]:
    """Rows of everything that a story changes."""
    tables = (
        "queries",
        "exports",
        "export_files",
        "votes",
        "applications",
        "permits",
        "workspace_sessions",
        "outbox",
    )
    return {name: int(ground.look(f"SELECT count(*) FROM {name}")[0][0]) for name in tables}
