"""Export → release: from the notebook's submission through two blind votes to the bytes that were checked."""

import base64
import csv
import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from enclave.adapters import edge, export_records
from enclave.adapters import records_schema as t
from enclave.adapters.export_views import ExportSummary
from enclave.adapters.policy_server import PolicyServer
from enclave.core.event import Actor, Thing
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.disclosure.criteria.rules import MinPersons, Zero
from enclave.export.release import digest_of
from enclave.export.review import Choice, State
from enclave.gateway.binding import binding_sets
from tests.attacks.files.pictures import picture
from tests.fakes.custody_site import TRUSTED
from tests.unit.gateway.ground import Ground, a_research_permit

COUNTS = "SELECT age, male, status, count(*) AS n FROM patients GROUP BY age, male, status"
SEXES = "SELECT male, count(*) AS n, avg(bmi) AS bmi FROM patients GROUP BY male"


def written(table: pa.Table) -> str:
    """A table as the client writes it: empty where hidden."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(table.column_names)
    lines.writerows([["" if cell is None else cell for cell in row.values()] for row in table.to_pylist()])
    return out.getvalue()


def item(text: str, receipt: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "kind": "table",
        "name": "table.csv",
        "csv": text,
        "dimensions": ["male"],
        "counts": ["n"],
        "receipt": receipt,
        **more,
    }


def submit(ground: Ground, token: str, *items: dict[str, Any], **more: Any) -> Any:
    body = {"output": "t1", "purpose": "学会発表の表 1", "items": list(items), **more}
    return ground.ask("POST", "/v1/exports", token, body)


def asked(ground: Ground, token: str, sql: str) -> tuple[str, str]:
    """(CSV, receipt) of an answered table."""
    answer = ground.query(token, sql, "table")
    return written(answer.table()), answer.headers["enclave-query"]


def summary(ground: Ground, export: str) -> ExportSummary:
    return next(one for one in export_records.exports_of(ground.records) if one.id == export)


def vote(
    ground: Ground, export: str, checker: str, choice: Choice = Choice.APPROVE, **more: Any
) -> ExportSummary:
    held = summary(ground, export)
    return export_records.vote(
        ground.records,
        ground.policy,
        TRUSTED,
        export_records.event_for(Actor(checker, "checker"), "export.voted", held),
        export,
        checker,
        more.get("roles", ["checker"]),
        choice,
        more.get("comment", ""),
        more.get("digest", held.digest),
        ground.moment[0],
        ground.custody.conclude,
    )


def download(ground: Ground, export: str, person: str, position: int | None = None) -> tuple[str, bytes, str]:
    held = summary(ground, export)
    event = export_records.event_for(Actor(person, "handler"), "export.downloaded", held)
    return export_records.release_bytes(
        ground.records,
        ground.policy,
        TRUSTED,
        event,
        export,
        person,
        ["researcher"],
        ground.moment[0],
        position,
    )


@pytest.fixture
def queued(ground: Ground, token: str) -> str:
    """An export of a protected table and a figure, waiting for checkers."""
    text, receipt = asked(ground, token, SEXES)
    shown = {**item(text, receipt), "name": "figure.csv"}
    figure = {
        "kind": "figure",
        "name": "figure.png",
        "png": base64.b64encode(picture()).decode(),
        "data": shown,
    }
    answer = submit(ground, token, item(text, receipt), figure)
    assert answer.status == 201, answer.body
    assert answer.json()["state"] == "queued", answer.json()
    return str(answer.json()["id"])


# -- which rules bind ----------------------------------------------------------------------------
def test_the_policy_says_which_rule_sets_bind_an_export(ground: Ground, tmp_path: Path) -> None:
    """With the numbers of the file; a permit whose sets are gone or not yet in force exports nothing, nor does silence."""
    permit = a_research_permit()
    (bound,) = binding_sets(ground.deps, permit)
    assert (bound.id, bound.min_persons) == ("ndb-2024-09", MinPersons(10, Zero.SHOWN))
    early = replace(ground.deps, now=lambda: datetime(2024, 9, 17, 23, 59, tzinfo=UTC))
    for deps, asked in ((ground.deps, replace(permit, rule_sets=("gone",))), (early, permit)):
        with pytest.raises(Refused, match="rule_set_missing"):
            binding_sets(deps, asked)
    silent = replace(ground.deps, policy=PolicyServer(tmp_path / "nobody.sock"))
    with pytest.raises(Refused, match="unavailable"):
        binding_sets(silent, permit)


# -- what the machine says -----------------------------------------------------------------------
def test_a_protected_table_equals_its_recomputation(ground: Ground, token: str) -> None:
    """What `table()` gave passes, hidden cells and all, and the receipt's number is looked at again in the log."""
    text, receipt = asked(ground, token, COUNTS)
    assert "hidden" in text
    answer = submit(ground, token, item(text, receipt, dimensions=["age", "male", "status"])).json()
    assert answer["state"] == "queued"
    assert [(f["code"], f["verdict"]) for f in answer["files"][0]["findings"]] == [
        ("export.matches_receipt", "pass"),
        # Single years of age: more than half of the rows are hidden, which is worth a look.
        ("export.many_hidden", "human"),
    ]
    assert [leaf["action"] for leaf in ground.leaves(receipt)][-1] == "query.recomputed"


def test_an_unprotected_small_cell_is_turned_back_with_the_cell_named(ground: Ground, token: str) -> None:
    """Rows counted by hand: the machine names row and column, nothing is queued, nothing is kept."""
    text = written(ground.query(token, COUNTS).table())
    answer = submit(ground, token, item(text, None, dimensions=["age", "male", "status"])).json()
    assert answer["state"] == "returned"
    small = [f for f in answer["files"][0]["findings"] if f["code"] == "disclosure.small_cell"]
    assert small
    rows = text.splitlines()
    for finding in small[:20]:
        assert finding["where"]["column"] == "n"
        assert 0 < int(rows[finding["where"]["row"]].split(",")[3]) < 10
        assert finding["rule_set"] == "ndb-2024-09"
        assert finding["title"]
    assert ground.leaves()[-1]["action"] == "export.returned"
    assert ground.records.file(answer["files"][0]["digest"]) is None


@pytest.mark.parametrize("change", ["one more", "unhidden", "another row", "another column"])
def test_a_table_that_says_more_than_its_receipt_is_turned_back(
    ground: Ground, token: str, change: str
) -> None:
    text, receipt = asked(ground, token, COUNTS)
    lines = text.splitlines()
    hidden = next(n for n, line in enumerate(lines) if line.endswith(",,hidden"))
    shown = next(n for n, line in enumerate(lines) if line.endswith(",shown"))
    match change:
        case "one more":
            age, male, status, n, said = lines[shown].split(",")
            lines[shown] = ",".join((age, male, status, str(int(n) + 1), said))
        case "unhidden":
            lines[hidden] = lines[hidden].replace(",,hidden", ",7,shown")
        case "another row":
            lines.append("17,1,1,12,shown")
        case "another column":
            lines = [f"{line},{'m' if n == 0 else 50}" for n, line in enumerate(lines)]
    answer = submit(ground, token, item("\n".join(lines) + "\n", receipt)).json()
    assert answer["state"] == "returned"
    assert [f["code"] for f in answer["files"][0]["findings"]] == ["export.differs_from_receipt"]


def test_rows_and_columns_may_be_left_out_and_sorted(ground: Ground, token: str) -> None:
    text, receipt = asked(ground, token, SEXES)
    header, *lines = text.splitlines()
    reordered = "\n".join([header, *reversed(lines)]) + "\n"
    assert submit(ground, token, item(reordered, receipt)).json()["state"] == "queued"


def test_a_receipt_from_before_a_larger_budget_still_vouches(ground_apart: Ground) -> None:
    """The workspace goes on under the next revision, and what it submits is recomputed and kept under that one."""
    permit = a_research_permit(limits={"queries_day": 100})
    ground_apart.grant(permit)
    token = ground_apart.session("tanaka", permit)
    text, receipt = asked(ground_apart, token, SEXES)
    ground_apart.grant(a_research_permit(revision=2, limits={"queries_day": 200}))
    answer = submit(ground_apart, token, item(text, receipt)).json()
    assert answer["state"] == "queued", answer
    assert ground_apart.leaves(receipt)[-1]["permit"] == "p-2026-0007@2"
    assert summary(ground_apart, answer["id"]).permit == "p-2026-0007@2"


def test_a_receipt_of_rows_vouches_for_nothing(ground: Ground, token: str) -> None:
    answer = ground.query(token, SEXES)
    submitted = submit(ground, token, item(written(answer.table()), answer.headers["enclave-query"])).json()
    assert "export.receipt_unknown" in [f["code"] for f in submitted["files"][0]["findings"]]
    assert submitted["state"] == "returned"


def test_a_picture_is_redrawn_before_anyone_looks(ground: Ground, token: str, queued: str) -> None:
    """The kept bytes are the redrawn ones, and they carry no other chunk."""
    from enclave.gateway.pictures import redrawn

    view = export_records.export_detail(ground.records, TRUSTED, queued, "takahashi", "en", ground.moment[0])
    figure = next(file for file in view.files if file.name == "figure.png")
    assert figure.digest == digest_of(redrawn(picture()))
    assert ground.records.file(figure.digest) == redrawn(picture())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"output": "t9"}, "export.output_unknown"),
        ({"purpose": "  "}, "export.purpose_missing"),
        ({"purpose": "x" * 1001}, "export.purpose_missing"),
        ({"items": []}, "export.empty"),
        ({"items": [{"kind": "notebook"}]}, "export.malformed"),
        ({"items": [{"kind": "figure", "name": "a.png", "png": "!"}]}, "export.malformed"),
        ({"items": "all"}, "export.malformed"),
        ({"output": 1}, "export.malformed"),
    ],
)
def test_a_submission_that_is_none_is_refused(ground: Ground, token: str, body: Any, code: str) -> None:
    answer = submit(ground, token, item("male,n\n0,100\n"), **body)
    assert answer.json()["code"] == code
    assert "export.submitted" not in [leaf["action"] for leaf in ground.leaves()[-2:]]


def test_an_expired_permit_exports_nothing(ground: Ground, token: str, permit: Permit) -> None:
    text, receipt = asked(ground, token, SEXES)
    ground.moment[0] = permit.valid_to
    younger = ground.session("tanaka", permit)
    assert submit(ground, younger, item(text, receipt)).json()["code"] == "permit.expired"


# -- what people say -----------------------------------------------------------------------------
def test_two_approvals_release_exactly_what_was_checked(ground: Ground, queued: str) -> None:
    """The first vote changes nothing that anyone can see; the second releases; the download has the checked bytes."""
    assert vote(ground, queued, "takahashi", comment="表の余白を確認").state is State.QUEUED
    assert vote(ground, queued, "ito").state is State.RELEASED
    view = export_records.export_detail(ground.records, TRUSTED, queued, "tanaka", "ja", ground.moment[0])
    assert view.may_download
    for file in view.files:
        name, data, digest = download(ground, queued, "tanaka", file.position)
        assert (name, digest, digest_of(data)) == (file.name, file.digest, file.digest)
    name, packed, _ = download(ground, queued, "suda")
    members = zipfile.ZipFile(io.BytesIO(packed))
    assert {m: digest_of(members.read(m)) for m in members.namelist()} == {
        f.name: f.digest for f in view.files
    }
    assert download(ground, queued, "tanaka")[1] == packed
    actions = [leaf["action"] for leaf in ground.leaves(queued)]
    assert actions[:6] == [
        "release.examined", "export.submitted", "export.voted",
        "release.concluded", "export.voted", "export.released",
    ]  # fmt: skip
    assert actions[6:] == ["export.downloaded"] * (len(view.files) + 2)


def test_a_checker_sees_no_other_vote_before_both_are_in(ground: Ground, queued: str) -> None:
    """Queue, page and records of the second checker are the same whether the first has voted or not."""

    def seen_by(person: str) -> Any:
        queue = export_records.queue_for(ground.records, TRUSTED, person)
        view = export_records.export_detail(ground.records, TRUSTED, queued, person, "en", ground.moment[0])
        return queue, view

    before = seen_by("ito")
    vote(ground, queued, "takahashi", Choice.REJECT, comment="the title names a hospital")
    assert seen_by("ito") == before
    own = seen_by("takahashi")[1]
    assert own.mine is not None
    assert own.mine.comment == "the title names a hospital"
    assert [v.checker for v in own.votes] == ["takahashi"]
    project = export_records.export_detail(ground.records, TRUSTED, queued, "tanaka", "en", ground.moment[0])
    assert project.votes == ()
    vote(ground, queued, "ito")
    after = export_records.export_detail(ground.records, TRUSTED, queued, "ito", "en", ground.moment[0])
    assert {v.checker for v in after.votes} == {"takahashi", "ito"}
    told = export_records.export_detail(ground.records, TRUSTED, queued, "tanaka", "en", ground.moment[0])
    assert {v.checker for v in told.votes} == {None}
    assert "the title names a hospital" in {v.comment for v in told.votes}


def test_the_log_does_not_tell_a_vote(ground: Ground, queued: str) -> None:
    """Whoever reads the log before the decision cannot tell an approval from a rejection."""
    vote(ground, queued, "takahashi", Choice.REJECT, comment="no")
    leaf = ground.leaves(queued)[-1]
    assert (leaf["action"], leaf["outcome"], leaf["codes"], leaf["counts"]) == ("export.voted", "ok", [], {})


def test_one_rejection_is_enough(ground: Ground, queued: str) -> None:
    vote(ground, queued, "takahashi")
    assert vote(ground, queued, "ito", Choice.REJECT).state is State.REJECTED
    assert ground.leaves(queued)[-1]["action"] == "export.rejected"
    with pytest.raises(Refused, match=r"export\.state"):
        download(ground, queued, "tanaka")


@pytest.mark.parametrize(
    ("checker", "more", "code"),
    [
        ("tanaka", {"roles": ["checker"]}, "export.own_project"),
        ("suda", {"roles": ["checker"]}, "export.own_project"),
        ("ito", {"roles": ["committee"]}, "export.not_checker"),
        ("ito", {"digest": "sha256:" + "0" * 64}, "export.digest"),
    ],
)
def test_a_vote_that_may_not_count_does_not(
    ground: Ground, queued: str, checker: str, more: Any, code: str
) -> None:
    with pytest.raises(Refused) as refused:
        vote(ground, queued, checker, **more)
    assert refused.value.code == code
    assert [leaf["action"] for leaf in ground.leaves(queued)] == ["release.examined", "export.submitted"]


def test_nobody_votes_twice(ground: Ground, queued: str) -> None:
    vote(ground, queued, "takahashi")
    with pytest.raises(Refused, match=r"export\.already_voted"):
        vote(ground, queued, "takahashi", Choice.REJECT)
    assert summary(ground, queued).state is State.QUEUED


def test_a_swap_after_submission_is_found_at_the_vote_and_at_the_download(
    ground: Ground, queued: str
) -> None:
    """What leaves is what was checked, even where somebody can write to the place where the bytes are."""
    digest = (
        export_records.export_detail(ground.records, TRUSTED, queued, "ito", "en", ground.moment[0])
        .files[0]
        .digest
    )
    blob = ground.folder / "records" / "blobs" / digest[7:9] / digest[7:]
    kept = blob.read_bytes()
    blob.chmod(0o600)
    blob.write_bytes(kept + b"7,1\n")
    with pytest.raises(Refused, match=r"export\.bytes_changed"):
        vote(ground, queued, "ito")
    blob.write_bytes(kept)
    vote(ground, queued, "ito")
    vote(ground, queued, "takahashi")
    blob.write_bytes(kept + b"7,1\n")
    with pytest.raises(Refused, match=r"export\.bytes_changed"):
        download(ground, queued, "tanaka", 0)
    with pytest.raises(Refused, match=r"export\.bytes_changed"):
        download(ground, queued, "tanaka")
    assert "export.downloaded" not in [leaf["action"] for leaf in ground.leaves(queued)]


def test_a_row_that_points_to_other_bytes_releases_nothing(ground: Ground, queued: str) -> None:
    """Approval for one digest is not approval for another: the export's digest covers the list."""
    vote(ground, queued, "ito")
    vote(ground, queued, "takahashi")
    other = ground.records.keep_file(b"pid,age\n1,50\n")
    event = edge.event(Actor("x", "service"), "test.edited", Thing("export", queued))
    with ground.records.change(event) as tx:
        tx.execute(sa.update(t.export_files).where(t.export_files.c.position == 0).values(digest=other))
    with pytest.raises(Refused, match=r"export\.bytes_changed"):
        download(ground, queued, "tanaka", 0)


def test_only_the_projects_people_download_while_the_permit_is_in_force(
    ground: Ground, queued: str, permit: Permit
) -> None:
    vote(ground, queued, "ito")
    vote(ground, queued, "takahashi")
    for stranger in ("ito", "sato", "nobody"):
        with pytest.raises(Refused, match=r"export\.unknown"):
            download(ground, queued, stranger)
    ground.moment[0] = permit.valid_to
    with pytest.raises(Refused, match=r"permit\.expired"):
        download(ground, queued, "tanaka")


def kept(ground: Ground) -> set[Path]:
    """Every text and file that the records keep."""
    return {path for path in (ground.folder / "records" / "blobs").rglob("*") if path.is_file()}


def test_a_submission_that_cannot_be_recorded_leaves_no_file(ground: Ground, token: str) -> None:
    """Turned away while the ledger is silent: neither the table nor its purpose lies anywhere; later it goes in."""
    table = item("male,n\n0,9000\n1,8000\n")
    before = kept(ground)
    ground.ledger.stop()
    try:
        answer = submit(ground, token, table)
    finally:
        ground.ledger.start()
    assert (answer.status, answer.json()["code"]) == (503, "ledger.unavailable")
    assert kept(ground) == before
    assert submit(ground, token, table).json()["state"] == "queued"
    assert len(kept(ground) - before) == 2


def test_a_vote_that_cannot_be_recorded_is_not_given_and_can_be_given_later(
    ground: Ground, queued: str
) -> None:
    before = kept(ground)
    ground.ledger.stop()
    try:
        with pytest.raises(Refused, match=r"ledger\.unavailable"):
            vote(ground, queued, "ito", comment="Looked at.")
    finally:
        ground.ledger.start()
    assert kept(ground) == before
    vote(ground, queued, "ito")
    assert vote(ground, queued, "takahashi").state is State.RELEASED


def test_the_queue_leaves_out_a_checkers_own_projects(ground: Ground, queued: str) -> None:
    assert [entry.export.id for entry in export_records.queue_for(ground.records, TRUSTED, "ito")] == [queued]
    assert export_records.queue_for(ground.records, TRUSTED, "suda") == ()


def test_three_checkers_where_the_permit_asks_for_three(ground: Ground) -> None:
    permit = a_research_permit(checkers=3)
    ground.grant(permit)
    token = ground.session("tanaka", permit)
    text, receipt = asked(ground, token, SEXES)
    export = submit(ground, token, item(text, receipt)).json()["id"]
    vote(ground, export, "takahashi")
    assert vote(ground, export, "ito").state is State.QUEUED
    assert vote(ground, export, "mori").state is State.RELEASED


def test_a_permit_that_asks_for_one_checker_still_gets_two(ground: Ground) -> None:
    permit = a_research_permit(checkers=1)
    ground.grant(permit)
    token = ground.session("tanaka", permit)
    text, receipt = asked(ground, token, SEXES)
    export = submit(ground, token, item(text, receipt)).json()["id"]
    assert vote(ground, export, "takahashi").state is State.QUEUED
    assert vote(ground, export, "ito").state is State.RELEASED


def test_the_project_reads_its_own_exports_only(ground: Ground, token: str, queued: str) -> None:
    listed = ground.ask("GET", "/v1/exports", token).json()["exports"]
    assert [one["id"] for one in listed] == [queued]
    assert ground.ask("GET", f"/v1/exports/{queued}", token).json()["purpose"] == "学会発表の表 1"
    assert ground.ask("GET", "/v1/exports/nothing", token).json()["code"] == "export.unknown"


def test_nothing_of_an_export_is_in_the_log_but_digests(ground: Ground, queued: str) -> None:
    vote(ground, queued, "ito", comment="secret comment")
    text = str(ground.leaves(queued))
    for word in ("学会発表", "secret comment", "table.csv", "figure.png"):
        assert word not in text


# -- beside what was released before ---------------------------------------------------------------
BY_SEX = "SELECT male, count(*) AS n FROM patients WHERE age >= 30 GROUP BY male"


def test_an_output_that_lacks_one_person_of_a_released_one_is_turned_back(ground: Ground, token: str) -> None:
    """Released, then asked again without one person of the cohort: the second names what it collides with."""
    text, receipt = asked(ground, token, BY_SEX)
    first = submit(ground, token, item(text, receipt)).json()
    assert first["state"] == "queued", first
    for checker in ("takahashi", "ito"):
        vote(ground, first["id"], checker)
    assert summary(ground, first["id"]).state is State.RELEASED
    again = submit(ground, token, item(text, receipt)).json()
    assert again["state"] == "queued", "the same numbers once more tell nothing new"
    lacking = one_less(ground, token)
    text, receipt = asked(ground, token, lacking)
    second = submit(ground, token, item(text, receipt)).json()
    assert second["state"] == "returned"
    found = [f for f in second["files"][0]["findings"] if f["code"] == "disclosure.history_pair"]
    assert found, second
    assert first["id"] in found[0]["facts"]["with"]
    assert "checker" not in found[0]["facts"]


def one_less(ground: Ground, token: str) -> str:
    """`BY_SEX` without one of the women, by what is rare about her: nobody else has her age and weight."""
    rows = ground.query(
        token, "SELECT age, bmi FROM patients WHERE male = 0 AND age >= 30 AND bmi IS NOT NULL"
    )
    pairs = [(row["age"], row["bmi"]) for row in rows.table().to_pylist()]
    age, bmi = next(pair for pair in pairs if pairs.count(pair) == 1)
    return (
        "SELECT male, count(*) AS n FROM patients WHERE age >= 30 AND NOT "
        f"coalesce(male = 0 AND age = {age} AND bmi = {bmi}, false) GROUP BY male"
    )


def test_two_outputs_that_collide_are_not_both_released(ground: Ground, token: str) -> None:
    """Both were queued; the last vote on the second is refused, and it stays with the checkers."""
    ids = []
    for sql in (BY_SEX, one_less(ground, token)):
        text, receipt = asked(ground, token, sql)
        answer = submit(ground, token, item(text, receipt)).json()
        assert answer["state"] == "queued", answer
        ids.append(answer["id"])
    for export in ids:
        vote(ground, export, "takahashi")
    vote(ground, ids[0], "ito")
    with pytest.raises(Refused) as no:
        vote(ground, ids[1], "ito")
    assert no.value.code == "custody.release_collides"
    assert summary(ground, ids[1]).state is State.QUEUED
    vote(ground, ids[1], "ito", Choice.REJECT, comment="It differs by one person.")
    assert summary(ground, ids[1]).state is State.REJECTED


def test_where_custody_is_silent_nothing_is_submitted(
    ground: Ground, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No comparison, no queue: the submission is refused and leaves nothing behind."""

    def silent(*_: Any, **__: Any) -> Any:
        raise Refused("custody.unavailable")

    text, receipt = asked(ground, token, BY_SEX)
    monkeypatch.setattr(ground.custody, "examine", silent)
    assert submit(ground, token, item(text, receipt)).json()["code"] == "custody.unavailable"
    assert not export_records.exports_of(ground.records)


def test_who_stands_behind_a_cell_is_listed_by_the_statement_that_counted_them(
    ground: Ground, token: str
) -> None:
    """Lists of persons have the numbers that the answer counts, margins and conditions included; only custody sees them."""
    sent: list[Any] = []
    examine = ground.custody.examine

    def watching(*arguments: Any, **more: Any) -> Any:
        sent.extend(more["cells"])
        return examine(*arguments, **more)

    ground.custody.examine = watching  # type: ignore[method-assign]
    sql = (
        "SELECT male, status, count(DISTINCT pid) AS n, count(*) FILTER (age >= 50) AS old FROM patients"
        " GROUP BY ROLLUP (male, status)"
    )
    answer = ground.query(token, sql, "table")
    text, receipt = written(answer.table()), answer.headers["enclave-query"]
    assert (
        submit(ground, token, item(text, receipt, dimensions=["male", "status"])).json()["state"] == "queued"
    )
    sizes = {
        (one["table"], *(value for _, value in one["keys"])): len(base64.b64decode(one["persons"])) // 4
        for one in sent
    }
    for row in answer.table().to_pylist():
        keys = ["Σ" if row[f"{name}_status"] == "total" else str(row[name]) for name in ("male", "status")]
        for measure in ("n", "old"):
            if row[f"{measure}_status"] == "shown":
                assert sizes[(f"table.csv {measure}", *keys)] == row[measure]
    assert len(sizes) == len(sent) > 8
