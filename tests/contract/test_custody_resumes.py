"""A build that was interrupted goes on where it stopped, and what it makes is what an uninterrupted one makes."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from enclave.adapters import custody_engine, extract_build
from enclave.adapters.custodian import Custodian
from enclave.adapters.custody_books import Withdrawal, WithdrawalKind
from enclave.adapters.vault import Vault
from enclave.config import Site
from tests.fakes.custody_site import GATEWAY, YAMAMOTO, a_custodian, a_site, refused, signed
from tests.fakes.ledger import MemoryLedger

ROWS = 60_000
DESCRIPTOR = {
    "database": "claims",
    "tables": {
        name: {
            "file": f"{name}.parquet",
            "person": "person",
            "columns": {
                "day": {"type": "date", "role": "date"},
                "code": {"type": "code", "role": "clinical"},
                "points": {"type": "int", "role": "measure"},
            },
        }
        for name in ("one", "two")
    },
}
GRANT = {"claims": {name: {"columns": ["day", "code", "points"]} for name in ("one", "two")}}


def files(folder: Path, rows: int = ROWS) -> Path:
    folder.mkdir()
    chance = np.random.default_rng(3)
    for name in ("one", "two"):
        table = {
            "person": pa.array(chance.integers(1, rows // 20, rows), pa.uint64()),
            "day": pa.array(np.datetime64("2020-01-01") + chance.integers(0, 999, rows)),
            "code": pa.array([f"{n:06d}" for n in chance.integers(0, 900, rows)]),
            "points": pa.array(chance.integers(-5, 90_000, rows), pa.int32()),
        }
        pq.write_table(pa.table(table), folder / f"{name}.parquet")
    (folder / "descriptor.yaml").write_text(yaml.safe_dump(DESCRIPTOR))
    return folder / "descriptor.yaml"


def envelope(provision: str = "v-1") -> dict[str, Any]:
    return signed(
        databases=GRANT, linkage_groups=[["claims"]], provision=provision, permit_id=f"p-{provision}"
    )


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return a_site(tmp_path, monkeypatch)


@pytest.fixture
def custodian(site: Site, tmp_path: Path) -> Custodian:
    found = a_custodian(site, MemoryLedger())
    found.register(YAMAMOTO, files(tmp_path / "files"))
    return found


def contents(site: Site, custodian: Custodian, provision: str, n: int) -> dict[str, list[Any]]:
    """Per table: its rows under positions instead of names, so that two provisions can be compared."""
    opened = custodian.open(GATEWAY, provision, n, envelope(provision))
    with duckdb.connect() as connection:
        path = site.extracts / provision / str(n) / "extract.duckdb"
        connection.execute(f"ATTACH '{path}' AS x (READ_ONLY, ENCRYPTION_KEY '{opened.key}')")
        found: dict[str, list[Any]] = {}
        for name in ("one", "two"):
            broken = connection.execute(
                f"SELECT count(*) FROM (SELECT pid < lag(pid) OVER (ORDER BY rowid) AS back FROM x.claims.{name}) WHERE back"
            ).fetchone()
            assert broken == (0,)
            found[name] = connection.execute(
                f"SELECT list_sort(list((day, code, points))) FROM x.claims.{name} GROUP BY pid ORDER BY ALL"
            ).fetchall()
        return found


def test_passes_make_what_one_pass_makes(
    site: Site, custodian: Custodian, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut into nine ranges of names, sorted range by range: the same persons with the same rows, in order."""
    custodian.build(YAMAMOTO, envelope("v-1"))
    monkeypatch.setattr(extract_build, "ROWS_PER_PASS", 7_000)
    custodian.build(YAMAMOTO, envelope("v-2"))
    assert contents(site, custodian, "v-1", 1) == contents(site, custodian, "v-2", 1)


def test_what_was_done_before_an_interruption_is_not_done_again(
    site: Site, custodian: Custodian, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted in the fifth of eighteen passes by whatever ends a process: a new custodian does the other fourteen
    under the same key, and the whole is right."""
    monkeypatch.setattr(extract_build, "ROWS_PER_PASS", 7_000)
    made: list[Any] = []
    real = extract_build._select

    def counting(table: Any, bounds: Any) -> str:
        made.append((table.table, bounds))
        if len(made) == 5:
            raise KeyboardInterrupt
        return real(table, bounds)

    monkeypatch.setattr(extract_build, "_select", counting)
    with pytest.raises(KeyboardInterrupt):
        custodian.build(YAMAMOTO, envelope())
    refused("custody.extract_unknown", lambda: custodian.open(GATEWAY, "v-1", None, envelope()))
    assert custodian.extracts("v-1") == []
    again = a_custodian(site, MemoryLedger())
    made.extend([None] * 10)  # no more interruptions
    before = len(made)
    again.build(YAMAMOTO, envelope())
    assert len(made) - before == 14
    monkeypatch.setattr(extract_build, "_select", real)
    again.build(YAMAMOTO, envelope("v-2"))
    assert contents(site, again, "v-1", 1) == contents(site, again, "v-2", 1)


def test_what_changed_in_between_is_built_anew(
    site: Site, custodian: Custodian, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person who withdrew after the interruption is in no row, although half was built with them."""
    monkeypatch.setattr(extract_build, "ROWS_PER_PASS", 7_000)

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(extract_build, "ManifestColumn", stop)  # when the first table is written
        with pytest.raises(KeyboardInterrupt):
            custodian.build(YAMAMOTO, envelope())
    assert (site.extracts / "v-1" / ".building-1" / "extract.duckdb").exists()
    custodian.withdraw(YAMAMOTO, [Withdrawal("claims", "77", WithdrawalKind.STOP, date(2026, 1, 1))])
    manifest = custodian.build(YAMAMOTO, envelope())
    own = pq.read_table(site.home.parent.parent / "files" / "one.parquet").column("person").to_pylist()
    assert manifest["tables"]["claims.one"]["rows"] == ROWS - own.count(77)


def test_progress_is_told_and_ends(site: Site, custodian: Custodian, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shares never go back, reach the whole, and are gone when the extract is there."""
    monkeypatch.setattr(extract_build, "ROWS_PER_PASS", 7_000)
    told: list[dict[str, Any]] = []
    real = extract_build._Told.of

    @contextmanager
    def listening(self: Any, table: str, part: float) -> Iterator[None]:
        with real(self, table, part):
            yield
        told.append(custodian.progress("v-1"))

    monkeypatch.setattr(extract_build._Told, "of", listening)
    custodian.build(YAMAMOTO, envelope())
    shares = [one["share"] for one in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert {one["table"] for one in told} == {"claims.one", "claims.two"}
    assert custodian.progress("v-1") == {}


# -- a full disk ---------------------------------------------------------------------------------------
@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 24 MiB."""
    place = Path(tempfile.mkdtemp())
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)
        place.rmdir()


def test_a_disk_that_fills_up_leaves_everything_as_it_was(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While registering and while building; with room again, the same request is answered and the rest still there."""
    site = a_site(small_disk, monkeypatch)
    monkeypatch.setattr(custody_engine, "MEMORY", 256 << 20)
    custodian = a_custodian(site, MemoryLedger())
    path = files(tmp_path / "files", 20_000)
    custodian.register(YAMAMOTO, path)
    custodian.build(YAMAMOTO, envelope("v-0"))
    before = custodian.databases()
    held = Vault(site.custody).held("register", "claims")
    stores = sorted(str(one) for one in site.custody.rglob("*.duckdb"))
    filler = small_disk / "filler"
    _fill(filler, small_disk, leave=400 << 10)
    larger = files(tmp_path / "larger", 150_000)
    refused("custody.disk_full", lambda: custodian.register(YAMAMOTO, larger))
    assert custodian.databases() == before
    assert Vault(site.custody).held("register", "claims") == held
    assert sorted(str(one) for one in site.custody.rglob("*.duckdb")) == stores
    refused("custody.disk_full", lambda: custodian.build(YAMAMOTO, envelope("v-1")))
    refused("custody.extract_unknown", lambda: custodian.open(GATEWAY, "v-1", None, envelope("v-1")))
    assert custodian.open(GATEWAY, "v-0", None, envelope("v-0")).n == 1
    filler.unlink()
    assert custodian.build(YAMAMOTO, envelope("v-1"))["n"] == 1
    assert contents(site, custodian, "v-1", 1) == contents(site, custodian, "v-0", 1)


def test_a_disk_without_a_byte_changes_no_book(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A withdrawal, an erasure, a manifest, a catalogue that cannot be written are refused as what they are; afterwards
    everything that was there is there, and with room again the same requests are answered."""
    site = a_site(small_disk, monkeypatch)
    custodian = a_custodian(site, MemoryLedger())
    custodian.register(YAMAMOTO, files(tmp_path / "files", 2_000))
    custodian.build(YAMAMOTO, envelope("v-0"))
    gone = [Withdrawal("claims", str(n), WithdrawalKind.STOP, date(2026, 1, 1)) for n in range(100, 4_000)]
    _fill(small_disk / "filler", small_disk, leave=0)
    refused("custody.disk_full", lambda: custodian.withdraw(YAMAMOTO, gone))
    refused("custody.disk_full", lambda: custodian.erase(YAMAMOTO, "v-0"))
    refused("custody.disk_full", lambda: custodian.build(YAMAMOTO, envelope("v-0"), refresh=True))
    assert custodian.report(YAMAMOTO)["withdrawals"] == {}
    assert contents(site, custodian, "v-0", 1)
    (small_disk / "filler").unlink()
    assert contents(site, a_custodian(site, MemoryLedger()), "v-0", 1)
    assert custodian.withdraw(YAMAMOTO, gone)["entered"] == 3_900
    assert custodian.build(YAMAMOTO, envelope("v-0"), refresh=True)["n"] == 2
    assert custodian.erase(YAMAMOTO, "v-0")["keys_destroyed"] == 3


def _fill(path: Path, disk: Path, leave: int) -> None:
    free = shutil.disk_usage(disk).free
    with path.open("wb") as file:
        file.write(b"\0" * (free - leave))
