"""kill -9 at every step that another process could see: what was there is there, what is new is whole or not at all."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from enclave.adapters.custodian import Custodian
from enclave.adapters.vault import Vault
from enclave.core.refusal import Refused
from tests.fakes.custody_killed_anywhere import KeptLedger, envelope
from tests.fakes.custody_site import GATEWAY, ROOT, YAMAMOTO, a_custodian, a_site, a_small_database

MOST = 60
"""Steps of one act at most; the last test of a series ends by itself."""


class Ground:
    """One site with a database and one extract, kept beside so that every kill begins at the same point."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.site = folder, a_site(folder, patch)
        custodian = self.custodian()
        a_small_database(self.site.home / "files")
        custodian.register(YAMAMOTO, self.site.home / "files" / "descriptor.yaml")
        custodian.build(YAMAMOTO, envelope())
        self.before = self.rows(custodian, 1)
        more = "D-9,30,m,1994-05-06,2024-07,25,0,K9,x\n"
        a_small_database(self.site.home / "files", more)
        shutil.copytree(folder / "homes", folder / "kept", symlinks=True)
        self._acting = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.custody_killed_anywhere"],
            cwd=ROOT,
            env={
                **os.environ,
                "ENCLAVE_HOMES": str(folder / "homes"),
                "ENCLAVE_PREFIX": str(folder / "prefix"),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def custodian(self) -> Custodian:
        return a_custodian(self.site, KeptLedger(self.site.home / "ledger.log"))

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.site.home / "ledger.log").read_bytes().splitlines()]

    def killed(self, act: str, step: int) -> bool:
        """Whether the act was killed at its n-th step, from the same beginning; False where it has fewer steps."""
        shutil.rmtree(self.folder / "homes")
        shutil.copytree(self.folder / "kept", self.folder / "homes", symlinks=True)
        assert self._acting.stdin is not None
        assert self._acting.stdout is not None
        self._acting.stdin.write(f"{act} {step}\n")
        self._acting.stdin.flush()
        told = self._acting.stdout.readline().strip()
        assert told in {"done", "killed"}, told
        return told == "killed"

    def end(self) -> None:
        self._acting.communicate()

    def rows(self, custodian: Custodian, n: int) -> list[Any]:
        opened = custodian.open(GATEWAY, "v-81c2", n, envelope())
        file = self.site.extracts / "v-81c2" / str(n) / "extract.duckdb"
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH '{file}' AS x (READ_ONLY, ENCRYPTION_KEY '{opened.key}')")
            return connection.execute("FROM x.small.people ORDER BY ALL").fetchall()


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        found = Ground(tmp_path_factory.mktemp("killed"), patch)
        yield found
        found.end()


def test_a_refresh_killed_anywhere_is_whole_or_not_there(ground: Ground) -> None:
    """The first extract answers as before; the second exists exactly where the provision ledger and the list of members
    have it, and is then complete; asked again, it is built."""
    seen = set()
    for step in range(1, MOST):
        killed = ground.killed("build", step)
        custodian = ground.custodian()
        assert ground.rows(custodian, 1) == ground.before
        versions = [one["n"] for one in custodian.extracts("v-81c2")]
        entered = [one["n"] for one in custodian.report(YAMAMOTO, "v-81c2")["provided"]]
        assert versions == entered, step
        inside = [one["n"] for one in custodian.trace(YAMAMOTO, "small", "A-1")["provisions"]]
        assert sorted(inside) == versions, step
        open_to_all = [path.name for path in (ground.site.extracts / "v-81c2").iterdir()]
        assert {name for name in open_to_all if not name.startswith(".")} == {str(n) for n in versions}, step
        for n in versions:
            assert ground.rows(custodian, n) == ground.before
        if versions == [1]:
            assert custodian.build(YAMAMOTO, envelope(), refresh=True)["n"] == 2
            assert ground.rows(custodian, 2) == ground.before
        seen.add(tuple(versions))
        if not killed:
            assert versions == [1, 2]
            break
    else:
        raise AssertionError("more steps than expected")
    assert step > 10
    assert seen == {(1,), (1, 2)}


def test_an_erasure_killed_anywhere_is_finished_once_it_is_on_record(ground: Ground) -> None:
    """Before the log holds the intent nothing has happened; after it the next act of custody finishes the work: no key, no
    file, a certificate, and the other keys open as before."""
    finished = 0
    for step in range(1, MOST):
        killed = ground.killed("erase", step)
        intent = any(leaf["action"] == "extract.erasing" for leaf in ground.log())
        custodian = ground.custodian()
        if intent:
            with pytest.raises(Refused) as no:
                custodian.open(GATEWAY, "v-81c2", 1, envelope())
            assert no.value.code == "custody.provision_erased", step
            assert not (ground.site.extracts / "v-81c2").exists(), step
            assert custodian.erase(YAMAMOTO, "v-81c2")["keys_destroyed"] == 2, step
            finished += 1
        else:
            assert ground.rows(custodian, 1) == ground.before
        assert Vault(ground.site.custody).held("store", "small") is not None
        keys = sorted(path.name for path in ground.site.custody.glob("master.*"))
        assert keys == ["master.key"], step
        if not killed:
            break
    else:
        raise AssertionError("more steps than expected")
    assert finished > 10


def test_a_registration_killed_anywhere_leaves_one_whole_database(ground: Ground) -> None:
    """The old one or the new one, in the catalogue as in the vault; nothing else lies about; everybody keeps their name."""
    seen = set()
    for step in range(1, MOST):
        killed = ground.killed("register", step)
        custodian = ground.custodian()
        table = custodian.databases()["small"]["tables"]["people"]
        stores = list((ground.site.custody / "sources" / "small").iterdir())
        registers = list((ground.site.custody / "registers" / "small").iterdir())
        assert (len(stores), len(registers)) == (1, 1), step
        assert ground.rows(custodian, 1) == ground.before
        custodian.build(YAMAMOTO, envelope(), refresh=True)
        after = ground.rows(custodian, 2)
        assert set(ground.before) <= set(after)
        assert len(after) == table["rows"]
        seen.add(table["rows"])
        if not killed:
            break
    else:
        raise AssertionError("more steps than expected")
    assert seen == {3, 4}
