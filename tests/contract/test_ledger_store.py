"""The ledger's files follow its database, and a database that was set back or altered is not served."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from enclave.adapters import ledger_files
from enclave.adapters.ledger_store import Store
from enclave.audit import checkpoint, leaf
from enclave.audit.ledger import Sought
from enclave.audit.note import Signer
from enclave.core.refusal import Refused
from tests.fakes.log_copy import SIGNER, entries_up_to, files_of, leaf_number

KEY = SIGNER.verifier


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


def grow(folder: Path, first: int, last: int, **other: object) -> None:
    """Opens the ledger, appends leaves one call each, closes it."""
    store = Store(folder, SIGNER)
    try:
        for i in range(first, last):
            store.append([leaf_number(i, **other)], "portal")
    finally:
        store.close()


def refusal(folder: Path, signer: Signer = SIGNER) -> Refused:
    before = {name: (folder / "log" / name).read_bytes() for name in ledger_files.file_names(folder / "log")}
    with pytest.raises(Refused) as no:
        Store(folder, signer)
    after = {name: (folder / "log" / name).read_bytes() for name in ledger_files.file_names(folder / "log")}
    assert after == before, "a ledger that does not start writes nothing"
    return no.value


def tamper(folder: Path, sql: str, *values: object) -> None:
    """What someone with the file and without scruples does."""
    with sqlite3.connect(folder / "ledger.sqlite") as connection:
        connection.execute("DROP TRIGGER entries_stay")
        connection.execute("DROP TRIGGER entries_last")
        connection.execute(sql, values)
    connection.close()


def published(folder: Path) -> dict[str, bytes]:
    log = folder / "log"
    return {name: (log / name).read_bytes() for name in ledger_files.file_names(log)}


def test_to_open_a_ledger_lets_go_of_no_lock_that_its_process_has(folder: Path) -> None:
    """Whoever reads in the same process keeps the file as it is: another process cannot take its log of changes away."""
    grow(folder, 0, 3)
    reader = sqlite3.connect(folder / "ledger.sqlite")
    try:
        assert reader.execute("SELECT count(*) FROM entries").fetchone() == (3,)
        grow(folder, 3, 5)
        words = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=0); print(c.execute('PRAGMA journal_mode=DELETE').fetchone())"
        other = subprocess.run(
            [sys.executable, "-c", words, folder / "ledger.sqlite"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "database is locked" in other.stderr
        assert reader.execute("SELECT count(*) FROM entries").fetchone() == (5,)
    finally:
        reader.close()


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 600])
def test_the_files_are_those_of_the_specification(folder: Path, size: int) -> None:
    """Every file that the slow oracle makes of the same entries is there, byte for byte, and the folder verifies."""
    store = Store(folder, SIGNER)
    for start in range(0, size, 50):
        store.append([leaf_number(i) for i in range(start, min(size, start + 50))], "portal")
    store.close()
    oracle = files_of(entries_up_to(size))
    assert oracle.items() <= published(folder).items()
    assert ledger_files.verify_directory(folder / "log", KEY).size == size


def test_every_checkpoint_given_out_has_its_partial_tiles(folder: Path) -> None:
    """tlog-tiles: partial tiles of each produced size stay until the tile is full, and go then."""
    grow(folder, 0, 20)
    assert all(f"tile/0/000.p/{width}" in published(folder) for width in range(1, 21))
    grow(folder, 20, 256)
    assert not any("000.p" in name and "tile/1" not in name for name in published(folder))


def test_a_checkpoint_that_is_being_read_stays_what_it_was(folder: Path) -> None:
    """Another file takes its place, and leaves nothing behind in the folder where files are written."""
    store = Store(folder, SIGNER)
    store.append([leaf_number(0)], "portal")
    with (folder / "log" / "checkpoint").open() as reader:
        first = store.published.note
        store.append([leaf_number(1)], "portal")
        assert reader.read() == first
    assert (folder / "log" / "checkpoint").read_text() == store.published.note != first
    assert list((folder / "writing").iterdir()) == []
    store.close()


def test_the_public_files_are_readable_and_the_database_is_not(folder: Path) -> None:
    """Anyone may verify; only the ledger's user reads the database."""
    grow(folder, 0, 3)
    assert {(folder / "log" / name).stat().st_mode & 0o777 for name in published(folder)} == {0o644}
    assert (folder / "ledger.sqlite").stat().st_mode & 0o777 == 0o600


def test_a_restart_changes_nothing(folder: Path) -> None:
    """The same files, the same places, and the log goes on."""
    grow(folder, 0, 300)
    before = published(folder)
    store = Store(folder, SIGNER)
    assert (published(folder), store.repaired) == (before, ())
    assert store.append([leaf_number(7), leaf_number(300)], "portal").indices == (7, 300)
    store.close()


@pytest.mark.parametrize(
    "damage",
    [
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/entries/000",
        "tile/entries/001.p/44",
        "tile/1/000.p/1",
        "checkpoint",
        "verifier.key",
    ],
)
@pytest.mark.parametrize("how", ["gone", "cut"])
def test_a_start_completes_the_files_from_the_database(folder: Path, damage: str, how: str) -> None:
    """What a crash left half-done is made whole, and said."""
    grow(folder, 0, 300)
    whole = published(folder)
    target = folder / "log" / damage
    target.write_bytes(b"" if damage == "checkpoint" else target.read_bytes()[:-1])
    if how == "gone":
        target.unlink()
    store = Store(folder, SIGNER)
    assert store.repaired == (damage,)
    store.close()
    assert published(folder) == whole


def test_a_crash_between_commit_and_files_loses_nothing(folder: Path, tmp_path: Path) -> None:
    """The database is ahead of the files: the start brings them up to it."""
    grow(folder, 0, 250)
    shutil.copytree(folder / "log", tmp_path / "older")
    grow(folder, 250, 270)
    newer = published(folder)["checkpoint"]
    shutil.rmtree(folder / "log")
    shutil.copytree(tmp_path / "older", folder / "log")
    Store(folder, SIGNER).close()
    assert published(folder)["checkpoint"] == newer
    assert (
        ledger_files.verify_directory(folder / "log", KEY, (tmp_path / "older/checkpoint").read_bytes()).size
        == 270
    )


def test_a_tile_written_before_its_checkpoint_is_tidied_away(folder: Path) -> None:
    """Files beyond what was signed do not stay."""
    grow(folder, 0, 5)
    (folder / "log/tile/0/000.p/6").write_bytes(b"x" * 192)
    Store(folder, SIGNER).close()
    assert ledger_files.verify_directory(folder / "log", KEY).size == 5


def test_a_database_that_was_set_back_is_not_served(folder: Path, tmp_path: Path) -> None:
    """An older database under a newer checkpoint would sign a second past: the start is refused with both sizes."""
    grow(folder, 0, 5)
    shutil.copy(folder / "ledger.sqlite", tmp_path / "older.sqlite")
    grow(folder, 5, 8)
    for name in ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"):
        (folder / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "older.sqlite", folder / "ledger.sqlite")
    no = refusal(folder)
    assert (no.code, no.facts) == ("ledger.rolled_back", {"published": 8, "size": 5})


def test_an_empty_database_under_a_checkpoint_is_not_served(folder: Path) -> None:
    """A lost database is not a new log."""
    grow(folder, 0, 5)
    (folder / "ledger.sqlite").unlink()
    no = refusal(folder)
    assert (no.code, no.facts) == ("ledger.rolled_back", {"published": 5, "size": 0})


def test_a_database_with_another_past_is_not_served(folder: Path, tmp_path: Path) -> None:
    """As many entries and more, but not those that were published."""
    grow(folder, 0, 6)
    grow(tmp_path / "other", 0, 4)
    grow(tmp_path / "other", 4, 9, outcome="refused")
    shutil.copy(tmp_path / "other/ledger.sqlite", folder / "ledger.sqlite")
    no = refusal(folder)
    assert (no.code, no.facts) == ("ledger.forked", {"published": 6, "size": 9})


def test_an_altered_entry_in_the_database_is_named(folder: Path) -> None:
    """The first entry that does not hash to what was kept."""
    grow(folder, 0, 5)
    tamper(
        folder, "UPDATE entries SET entry = ? WHERE idx = 3", leaf.entry_of(leaf_number(3, outcome="refused"))
    )
    no = refusal(folder)
    assert (no.code, no.facts) == ("ledger.database_altered", {"index": 3})


def test_a_deleted_entry_in_the_database_is_named(folder: Path) -> None:
    """A gap in the places."""
    grow(folder, 0, 5)
    tamper(folder, "DELETE FROM entries WHERE idx = 2")
    no = refusal(folder)
    assert (no.code, no.facts) == ("ledger.database_altered", {"index": 2})


def test_an_entry_slipped_in_behind_the_last_is_found(folder: Path) -> None:
    """Entries without a signature over them are not adopted."""
    grow(folder, 0, 5)
    entry = leaf.entry_of(leaf_number(5))
    from enclave.audit.tree import leaf_hash

    tamper(
        folder,
        "INSERT INTO entries SELECT 5, ?, ?, ?, caller, time, project, person, permit, action FROM entries WHERE idx = 4",
        leaf_number(5)["id"],
        entry,
        leaf_hash(entry),
    )
    assert refusal(folder).code == "ledger.database_altered"


def test_a_published_checkpoint_that_was_edited_stops_the_start(folder: Path) -> None:
    """Someone was here: a person looks before the ledger signs on."""
    grow(folder, 0, 5)
    target = folder / "log/checkpoint"
    target.write_text(target.read_text().replace("\n5\n", "\n4\n"))
    assert refusal(folder).code == "ledger.published_altered"


def test_another_key_does_not_continue_the_log(folder: Path) -> None:
    """A log has one key."""
    grow(folder, 0, 5)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    other = Signer(SIGNER.name, Ed25519PrivateKey.from_private_bytes(b"\x06" * 32))
    assert refusal(folder, other).code == "ledger.published_altered"


def test_two_ledgers_do_not_write_one_log(folder: Path) -> None:
    """The second start is told that the first runs."""
    store = Store(folder, SIGNER)
    with pytest.raises(Refused) as no:
        Store(folder, SIGNER)
    assert no.value.code == "ledger.running"
    store.close()
    Store(folder, SIGNER).close()


def test_the_database_refuses_to_change_or_drop_an_entry(folder: Path) -> None:
    """Not by accident, at least: who drops the triggers is found by the hashes."""
    grow(folder, 0, 2)
    with sqlite3.connect(folder / "ledger.sqlite") as connection:
        for sql in ("UPDATE entries SET action = 'a.b'", "DELETE FROM entries"):
            with pytest.raises(sqlite3.IntegrityError):
                connection.execute(sql)
    connection.close()


def test_many_callers_at_once_share_commits(folder: Path) -> None:
    """500 calls that wait together get all their places from far fewer checkpoints."""
    store = Store(folder, SIGNER)
    answers = [store.submit([leaf_number(i)], "portal") for i in range(500)]
    done = [answer.result() for answer in answers]
    store.close()
    assert [one.indices for one in done] == [(i,) for i in range(500)]
    assert len({one.checkpoint for one in done}) < 250
    for one in done:
        assert checkpoint.verified(one.checkpoint.encode(), KEY).size > one.indices[0]


def test_a_conflict_in_a_shared_commit_hits_its_own_call_only(folder: Path) -> None:
    """The neighbours of a refused call are recorded."""
    store = Store(folder, SIGNER)
    store.append([leaf_number(0)], "portal")
    answers = [
        store.submit([leaf_number(1)], "portal"),
        store.submit([leaf_number(2), leaf_number(0, outcome="refused")], "gateway"),
        store.submit([leaf_number(3)], "portal"),
    ]
    assert answers[0].result().indices == (1,)
    with pytest.raises(Refused):
        answers[1].result()
    assert answers[2].result().indices == (2,)
    store.close()


def test_one_who_is_alone_appends_in_their_own_thread(folder: Path) -> None:
    """To the same log as the others, with the same refusals, and the same files."""
    store = Store(folder, SIGNER)
    alone = store.append_here([leaf_number(0)], "portal")
    assert alone is not None
    assert alone.indices == (0,)
    assert store.append([leaf_number(1), leaf_number(0)], "gateway").indices == (1, 0)
    again = store.append_here([leaf_number(1), leaf_number(2)], "portal")
    assert again is not None
    assert again.indices == (1, 2)
    for wrong, code in ((leaf_number(1, outcome="refused"), "ledger.conflict"), ({}, "ledger.leaf_invalid")):
        with pytest.raises(Refused) as no:
            store.append_here([wrong], "portal")
        assert no.value.code == code
    store.close()
    with pytest.raises(Refused) as no:
        store.append_here([leaf_number(3)], "portal")
    assert no.value.code == "ledger.unavailable"
    assert files_of(entries_up_to(3)).items() <= published(folder).items()


def test_nobody_appends_beside_the_writer(folder: Path) -> None:
    """While it commits, who would append alone is told to join the others; nothing is written by that."""
    store = Store(folder, SIGNER)
    with store._serving:
        assert store.append_here([leaf_number(0)], "portal") is None
        waiting = store.submit([leaf_number(1)], "portal")
        assert store.append_here([leaf_number(0)], "portal") is None
    assert waiting.result().indices == (0,)
    assert store.append([leaf_number(0)], "portal").indices == (1,)
    store.close()


def test_threads_that_append_by_themselves_get_places_of_their_own(folder: Path) -> None:
    """Beside each other and beside the writer: each place once, and a log that verifies."""
    store = Store(folder, SIGNER)

    def one(number: int) -> int:
        found = store.append_here([leaf_number(number)], "portal") or store.append(
            [leaf_number(number)], "portal"
        )
        return found.indices[0]

    with ThreadPoolExecutor(8) as pool:
        places = list(pool.map(one, range(200)))
    store.close()
    assert sorted(places) == list(range(200))
    assert ledger_files.verify_directory(folder / "log", KEY).size == 200


def test_a_caller_who_goes_away_stops_nobody(folder: Path) -> None:
    """An answer that nobody waits for any more is recorded all the same, and the writer goes on."""
    store = Store(folder, SIGNER)
    answers = [store.submit([leaf_number(i)], "portal") for i in range(50)]
    assert not any(answer.cancel() for answer in answers)
    assert store.append([leaf_number(49), leaf_number(50)], "portal").indices == (49, 50)
    store.close()


def test_a_search_sees_what_was_answered(folder: Path) -> None:
    """Whoever has a place can read it."""
    store = Store(folder, SIGNER)
    for i in range(20):
        place = store.append([leaf_number(i)], "portal").indices[0]
        assert store.search(Sought(limit=1)).entries[0].index == place
    store.close()


def test_an_export_is_a_copy_that_verifies(folder: Path, tmp_path: Path) -> None:
    """Exactly the files that its checkpoint covers, and no older partial tile."""
    grow(folder, 0, 300)
    assert ledger_files.export_log(folder / "log", tmp_path / "copy", KEY).size == 300
    copied = {
        name: (tmp_path / "copy" / name).read_bytes() for name in ledger_files.file_names(tmp_path / "copy")
    }
    assert copied == files_of(entries_up_to(300))


def test_an_export_of_an_older_checkpoint_is_cut_from_full_tiles(folder: Path, tmp_path: Path) -> None:
    """A log that filled a tile after its checkpoint was read gives a whole copy of what was read."""
    grow(folder, 0, 200)
    older = (folder / "log/checkpoint").read_bytes()
    grow(folder, 200, 260)
    (folder / "log/checkpoint").write_bytes(older)
    assert ledger_files.export_log(folder / "log", tmp_path / "copy", KEY).size == 200


def test_an_export_does_not_write_over_anything(folder: Path, tmp_path: Path) -> None:
    """The target is new or empty."""
    grow(folder, 0, 3)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy/mine").write_text("mine")
    with pytest.raises(Refused) as no:
        ledger_files.export_log(folder / "log", tmp_path / "copy", KEY)
    assert no.value.code == "audit.folder_in_use"


def test_a_folder_that_is_none_is_said_to_be_none(tmp_path: Path) -> None:
    """A wrong path is not an altered log."""
    with pytest.raises(Refused) as no:
        ledger_files.verify_directory(tmp_path / "nowhere", KEY)
    assert no.value.code == "audit.copy_unreadable"


@pytest.mark.parametrize("index", [0, 255, 256, 299])
def test_a_proof_verifies_without_the_log(folder: Path, index: int) -> None:
    """The bundle and the key are enough, and the leaf is that of the place."""
    grow(folder, 0, 300)
    bundle = ledger_files.prove(folder / "log", index, KEY)
    shutil.rmtree(folder)
    proved = ledger_files.verify_proof(bundle, KEY)
    assert (proved.index, proved.size, proved.leaf) == (index, 300, leaf_number(index))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"leaf": leaf_number(11)}, "audit.proof_fails"),
        ({"index": 11}, "audit.proof_fails"),
        ({"size": 21}, "audit.proof_fails"),
        ({"leaf": {"v": 1}}, "audit.proof_malformed"),
        ({"proof": None}, "audit.proof_malformed"),
        ({"schema": "enclave.log-proof/2"}, "audit.proof_malformed"),
    ],
)
def test_an_edited_proof_is_refused(folder: Path, change: dict[str, object], code: str) -> None:
    """Each part of a bundle is held against the proof."""
    grow(folder, 0, 20)
    bundle = ledger_files.prove(folder / "log", 10, KEY)
    with pytest.raises(Refused) as no:
        ledger_files.verify_proof({**bundle, **change}, KEY)
    assert no.value.code == code


def test_no_proof_is_made_from_altered_files(folder: Path) -> None:
    """A proof that would not hold is not handed out."""
    grow(folder, 0, 20)
    target = folder / "log/tile/0/000.p/20"
    target.write_bytes(bytes(640))
    with pytest.raises(Refused) as no:
        ledger_files.prove(folder / "log", 3, KEY)
    assert no.value.code == "audit.proof_fails"


@pytest.fixture
def key_file(tmp_path: Path) -> Iterator[Path]:
    return tmp_path / "keys" / "signing.key"


def test_a_key_is_made_once_and_for_its_owner_only(key_file: Path) -> None:
    """A second call finds the first key; nobody else may read it."""
    key = ledger_files.make_key(key_file, "enclave.test/log")
    assert ledger_files.make_key(key_file, "enclave.test/log") == key
    assert key_file.stat().st_mode & 0o777 == 0o400
    assert [name.name for name in key_file.parent.iterdir()] == ["signing.key"]


@pytest.mark.parametrize("text", ["", "PRIVATE+KEY", "PRIVATE+KEY+a+00000000+AQ==", "x" * 100])
def test_a_file_that_is_no_key_is_refused(key_file: Path, text: str) -> None:
    """The ledger does not start with it."""
    key_file.parent.mkdir()
    key_file.write_text(text)
    with pytest.raises(Refused) as no:
        ledger_files.load_signer(key_file)
    assert no.value.code == "ledger.key_unusable"
