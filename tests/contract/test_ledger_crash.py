"""kill -9, a full disk: what was acknowledged stays where it was, and sending again is safe."""

import random
import threading
import time
from pathlib import Path

import pytest

from enclave.adapters import ledger_files
from enclave.audit.ledger import Sought
from enclave.core.refusal import Refused
from tests.fakes.ledger_process import LedgerProcess
from tests.fakes.log_copy import leaf_number


class Writer(threading.Thread):
    """Appends its own leaves one after the other until the ledger is silent."""

    def __init__(self, process: LedgerProcess, known: dict[int, int], first: int) -> None:
        super().__init__()
        self._client = process.client("gateway")
        self._known = known
        self.next = first
        self.end = ""

    def run(self) -> None:
        while True:
            batch = range(self.next, self.next + 1 + self.next % 3)
            try:
                places = self._client.append_leaves([leaf_number(i) for i in batch])
            except Refused as no:
                self.end = no.code
                return
            self._known.update(zip(batch, places, strict=True))
            self.next = batch.stop


def everything(process: LedgerProcess) -> dict[int, dict[str, object]]:
    """All leaves by place, read page by page."""
    client, found, before = process.client("auditor"), {}, None
    while page := client.search(Sought(before=before, limit=1000)).entries:
        found.update({entry.index: dict(entry.leaf) for entry in page})
        before = page[-1].index
    return found


def test_kill_minus_nine_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """Five times, at chance moments, with three writers at work.

    After each restart: every acknowledged leaf is at its place; the log continues the checkpoint seen before; what
    was not acknowledged is sent again and stands once.
    """
    chance = random.Random(7)
    process = LedgerProcess(tmp_path).start()
    known: dict[int, int] = {}
    nexts = [0, 100_000, 200_000]
    for _ in range(5):
        seen = process.client("auditor").checkpoint().encode()
        writers = [Writer(process, known, first) for first in nexts]
        for writer in writers:
            writer.start()
        before = len(known)
        time.sleep(chance.uniform(0.15, 0.6))
        while len(known) < before + 10 and any(writer.is_alive() for writer in writers):
            time.sleep(0.01)
        process.kill()
        for writer in writers:
            writer.join()
        assert {writer.end for writer in writers} == {"ledger.unavailable"}
        nexts = [writer.next for writer in writers]
        process.start()
        held = everything(process)
        assert {i: held.get(place) for i, place in known.items()} == {i: leaf_number(i) for i in known}
        verified = ledger_files.verify_directory(process.log, process.key, seen)
        assert verified.size == len(held)
        for first in nexts:
            again = range(first, first + 1 + first % 3)
            known.update(
                zip(
                    again,
                    process.client("gateway").append_leaves([leaf_number(i) for i in again]),
                    strict=True,
                )
            )
        assert len(set(known.values())) == len(known)
    assert len(known) > 50
    process.kill()
    assert ledger_files.verify_directory(process.log, process.key).size == len(known)


def test_a_full_disk_is_silence_and_loses_nothing(tmp_path: Path) -> None:
    """Files may not grow any more: appends are refused, health says so, and with room again all is there."""
    process = LedgerProcess(tmp_path).start(largest_file=400_000)
    client = process.client("gateway")
    known: list[int] = []

    def fill() -> None:
        for i in range(3000):
            known.extend(client.append_leaves([leaf_number(i)]))

    with pytest.raises(Refused) as no:
        fill()
    assert no.value.code == "ledger.unavailable"
    assert len(known) > 3
    with pytest.raises(Refused):
        client.ping()
    with pytest.raises(Refused):
        client.append_leaves([leaf_number(len(known))])
    process.kill()
    process.start()
    again = client.append_leaves([leaf_number(i) for i in range(len(known) + 1)])
    assert list(again[:-1]) == known
    assert ledger_files.verify_directory(process.log, process.key).size == len(again)
    process.kill()


def test_a_file_that_cannot_be_written_is_silence_until_it_can(tmp_path: Path) -> None:
    """The record is durable, but not published: no answer until it is, then the same place."""
    process = LedgerProcess(tmp_path).start()
    client = process.client("gateway")
    client.append_leaves([leaf_number(0)])
    # A folder where the next tile belongs: not even root can write a file there.
    (process.log / "tile/0/000.p/2/in the way").mkdir(parents=True)
    with pytest.raises(Refused) as no:
        client.append_leaves([leaf_number(1)])
    assert no.value.code == "ledger.unavailable"
    with pytest.raises(Refused):
        client.ping()
    (process.log / "tile/0/000.p/2/in the way").rmdir()
    (process.log / "tile/0/000.p/2").rmdir()
    assert client.append_leaves([leaf_number(2), leaf_number(1)]) == (2, 1)
    client.ping()
    assert ledger_files.verify_directory(process.log, process.key).size == 3
    process.kill()
