"""Every example with one fact changed, asked of the policy server: anything but a complete question is a no.

The examples stand in `policies/examples`; what may change in one without its yes becoming a no stands, with why, in
`policies/changes/unasked.yaml`. `policies/changes/changes_test.rego` asks the same of the policies with fewer types.
"""

import copy
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from enclave.adapters.policy_server import PolicyServer, start_private

POLICIES = Path(__file__).resolve().parents[2] / "policies"
EXAMPLES: dict[str, Any] = {
    file.stem: json.loads(file.read_text())[file.stem] for file in (POLICIES / "examples").glob("*.json")
}
UNASKED: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (POLICIES / "changes" / "unasked.yaml").read_text()
)["unasked"]
NO_TIMES: list[str] = yaml.safe_load((POLICIES / "changes" / "no_times.yaml").read_text())["no_times"]

ABSENT = "absent"
NOTHING: tuple[Any, ...] = (None, "", " ", [], [None], {})
SOMETHING: tuple[Any, ...] = (True, 0, 1.5, "x", {"x": "x"})
"""What is put in the place of a value: something empty, and values of every other type that JSON has."""

Place = tuple[str | int, ...]


@pytest.fixture(scope="module")
def server() -> Iterator[PolicyServer]:
    with (
        tempfile.TemporaryDirectory(prefix="enclave-policy-") as folder,
        start_private(POLICIES, Path(folder) / "p.sock") as running,
    ):
        yield running


def story(name: str) -> str:
    return name.split("_", maxsplit=1)[0]


def decided(server: PolicyServer, name: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
    return server.decide(f"enclave/{story(name)}/decision", question)


def places(value: Any, above: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every place of a question, keys and places in lists, with what stands there."""
    within = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in within:
        yield (*above, key), one
        yield from places(one, (*above, key))


def kind(value: Any) -> type:
    return float if type(value) is int else type(value)


def others_than(value: Any) -> list[Any]:
    """Something else in its place; not another text or number, which may be as good an answer."""
    return [other for other in NOTHING if other != value] + [
        other for other in SOMETHING if kind(other) is not kind(value)
    ]


def with_change(question: Mapping[str, Any], place: Place, other: Any) -> dict[str, Any]:
    changed: Any = copy.deepcopy(question)
    within = changed
    for key in place[:-1]:
        within = within[key]
    if other is ABSENT:
        del within[place[-1]]
    else:
        within[place[-1]] = other
    return dict(changed)


def changes(question: Mapping[str, Any]) -> Iterator[tuple[Place, str, dict[str, Any]]]:
    """(where, into what, the question that comes of it)."""
    for place, value in places(question):
        if isinstance(place[-1], str):
            yield place, ABSENT, with_change(question, place, ABSENT)
        for other in others_than(value):
            yield place, json.dumps(other), with_change(question, place, other)


def covers(line: Mapping[str, Any], place: Place, into: str) -> bool:
    """Whether a line of `unasked.yaml` lets this place become that."""
    said = line["at"].split("/")
    if line["may_be"] == "anything":
        place = place[: len(said)]
    elif into not in line["may_be"]:
        return False
    return len(said) == len(place) and all(
        part in ("*", str(key)) for part, key in zip(said, place, strict=True)
    )


def test_each_story_has_an_example_that_is_allowed(server: PolicyServer) -> None:
    """A story without one would be asked nothing here."""
    stories = {folder.parent.name for folder in (POLICIES / "enclave").glob("*/decision.rego")}
    assert stories == {story(name) for name in EXAMPLES}
    assert [name for name, question in EXAMPLES.items() if not decided(server, name, question)["allow"]] == []


def test_each_step_and_action_of_a_story_has_an_example() -> None:
    """What decides along which path a question goes is there in each of its values."""

    def said(prefix: str, key: str) -> set[str]:
        return {q[key] for name, q in EXAMPLES.items() if story(name) == prefix}

    assert said("export", "step") == {"return", "queue", "vote", "approve", "download"}
    assert said("review", "step") == {"opinion", "grant"}
    assert said("amendment", "step") == {"look", "submit", "opinion", "grant"}
    assert said("custody", "action") >= {
        "database.register",
        "extract.build",
        "extract.open",
        "extract.erase",
    }
    assert said("custody", "caller") >= {"portal", "operator", "gateway"}
    assert said("query", "form") == {"table", "rows"}
    assert said("query", "tier") == {"record", "aggregate"}


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_without_one_fact_there_is_no_yes(name: str, server: PolicyServer) -> None:
    """A key that is left out, or whose value is empty or of another type, makes of a yes a no that says why."""
    lines = [*UNASKED.get(name, ()), *UNASKED.get(story(name), ())]
    answered: list[tuple[Place, str]] = []
    asked = 0
    for place, into, question in changes(EXAMPLES[name]):
        asked += 1
        answer = decided(server, name, question)
        assert set(answer) == {"allow", "deny", "obligations"}, (place, into)
        assert answer["allow"] is (answer["deny"] == []), (place, into)
        assert answer["deny"] != ["policy.undefined"], (place, into)
        if answer["allow"]:
            answered.append((place, into))
    assert asked > 50
    assert [one for one in answered if not any(covers(line, *one) for line in lines)] == []
    assert [line for line in UNASKED.get(name, ()) if not any(covers(line, *one) for one in answered)] == []


@pytest.mark.parametrize("heading", sorted(UNASKED))
def test_nothing_is_unasked_for_nothing(heading: str, server: PolicyServer) -> None:
    """Each line names what an example says, changes nothing about its yes, and says why that is right."""
    names = [name for name in EXAMPLES if heading in (name, story(name))]
    assert names
    for line in UNASKED[heading]:
        assert set(line) == {"at", "may_be", "why"}
        assert line["why"]
        assert any(
            covers(line, place, into) and decided(server, name, question)["allow"] is True
            for name in names
            for place, into, question in changes(EXAMPLES[name])
            if covers(line, place, into)
        ), line


def test_nothing_at_all_gets_no_yes(server: PolicyServer) -> None:
    """A question of which every part is there and empty is denied with reasons; so is one without any."""
    for name, example in EXAMPLES.items():
        for question in ({}, *(dict.fromkeys(example, part) for part in NOTHING)):
            answer = decided(server, name, question)
            assert answer["allow"] is False, name
            assert answer["deny"] not in ([], ["policy.undefined"]), name


@pytest.mark.parametrize("heading", ["now", "permit/valid_from", "permit/valid_to"])
def test_a_text_that_is_no_time_gets_no_yes(heading: str, server: PolicyServer) -> None:
    """As texts most of them stand after every real time, and some the builtin reads; wherever a time is asked, a no."""
    place = tuple(heading.split("/"))
    timed = [n for n, q in EXAMPLES.items() if any(where == place for where, _ in places(q))]
    assert len(timed) > 10
    for name in timed:
        for text in NO_TIMES:
            question = with_change(EXAMPLES[name], place, text)
            assert decided(server, name, question)["allow"] is False, (name, text)


@pytest.mark.parametrize(
    ("place", "text", "code"),
    [
        # 08:00 UTC, an hour before now
        (("permit", "valid_to"), "2026-12-01T17:00:00+09:00", "permit.expired"),
        (("permit", "valid_to"), "2026-12-01T09:00:00.000Z", "permit.expired"),
        # 10:00 UTC, in an hour
        (("permit", "valid_from"), "2026-12-01T01:00:00-09:00", "permit.not_yet_valid"),
        (("permit", "valid_from"), "2026-12-01T09:00:00.000001Z", "permit.not_yet_valid"),
        # 2027-10-31T15:00:00Z, the very end
        (("now",), "2027-11-01T00:00:00+09:00", "permit.expired"),
        (("now",), "2027-10-31T10:00:00-05:00", "permit.expired"),
        # 2026-10-31T23:30:00Z, half an hour early
        (("now",), "2026-11-01T08:30:00+09:00", "permit.not_yet_valid"),
    ],
)
def test_times_are_compared_as_moments_and_not_as_texts(
    place: Place, text: str, code: str, server: PolicyServer
) -> None:
    """Each of these stands, as a text, on the other side of what it is compared with, or is not equal to its equal."""
    for name in ("spawn", "query_rows", "query_table", "export_queue", "export_download", "custody_open"):
        question = with_change(EXAMPLES[name], place, text)
        assert decided(server, name, question)["deny"] == [code], name


def test_a_moment_in_another_form_is_the_same_moment(server: PolicyServer) -> None:
    for name, example in EXAMPLES.items():
        if "now" in example:
            for text in (
                "2026-12-01T18:00:00+09:00",
                "2026-12-01T09:00:00.000Z",
                "2026-12-01T04:00:00-05:00",
            ):
                assert decided(server, name, {**example, "now": text})["allow"] is True, (name, text)
