"""What custody takes in, what it says of it, and what an earlier version kept."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from enclave.adapters.descriptor_files import read_descriptor
from enclave.adapters.vault import Registered, Source, Vault
from enclave.custody.pseudonym import Permutation, derive
from tests.fakes.custody_site import (
    YAMAMOTO,
    a_custodian,
    a_site,
    a_small_database,
    refused,
)
from tests.fakes.custody_small import rows, small_permit
from tests.fakes.ledger import MemoryLedger


def test_registering_says_what_comes_in_and_what_does_not(small: Any) -> None:
    """The column that the descriptor does not name is listed, and lies in no extract."""
    _site, _ledger, custodian = small
    people = custodian.databases()["small"]["tables"]["people"]
    assert people["left"] == ["note"]
    assert (people["rows"], people["persons"]) == (3, 3)


@pytest.mark.parametrize(
    ("row", "code", "facts"),
    [
        ("D-1,4x,f,2009-03-04,2024-04,1,0,K\n", "catalogue.file_unreadable", {}),
        (
            "D-1,4.5,f,2009-03-04,2024-04,1,0,K,n\n",
            "catalogue.value_unreadable",
            {"column": "age", "rows": 1},
        ),
        ("D-1,4,f,2009-02-30,2024-04,1,0,K,n\n", "catalogue.value_unreadable", {"column": "born", "rows": 1}),
        (
            "D-1,4,f,2009-03-04,2024-13,1,0,K,n\n",
            "catalogue.value_unreadable",
            {"column": "first", "rows": 1},
        ),
        (
            "D-1,4,f,2009-03-04,2024-04,nan,0,K,n\n",
            "catalogue.value_unreadable",
            {"column": "bmi", "rows": 1},
        ),
        (
            "D-1,4,f,2009-03-04,2024-04,1,perhaps,K,n\n",
            "catalogue.value_unreadable",
            {"column": "dead", "rows": 1},
        ),
        (",4,f,2009-03-04,2024-04,1,0,K,n\n", "catalogue.person_absent", {"rows": 1}),
        ("  ,4,f,2009-03-04,2024-04,1,0,K,n\n", "catalogue.person_absent", {"rows": 1}),
    ],
)
def test_a_file_with_one_wrong_value_is_not_taken_in(
    small: Any, tmp_path: Path, row: str, code: str, facts: dict[str, Any]
) -> None:
    """How many and where, never the value; what was registered before stays as it was."""
    site, _ledger, custodian = small
    before = custodian.databases()
    no = refused(code, lambda: custodian.register(YAMAMOTO, a_small_database(tmp_path / "wrong", row)))
    assert facts.items() <= no.facts.items()
    assert not any(str(cell) in str(no.facts.values()) for cell in ("4x", "4.5", "perhaps", "D-1", "02-30"))
    assert custodian.databases() == before
    assert len(list((site.custody / "sources" / "small").iterdir())) == 1


def test_a_missing_file_is_named(small: Any, tmp_path: Path) -> None:
    """The table and the file, so that the custodian can put it there."""
    _site, _ledger, custodian = small
    path = a_small_database(tmp_path / "gone")
    (path.parent / "visits.csv").unlink()
    no = refused("catalogue.file_missing", lambda: custodian.register(YAMAMOTO, path))
    assert (no.facts["table"], no.facts["file"]) == ("visits", "visits.csv")


def test_what_an_earlier_version_kept_is_brought_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files as they came, and persons numbered in the vault: at the start they become a store and a register, the files
    are gone, and everybody's pseudonym is what it was."""
    site = a_site(tmp_path, monkeypatch)
    path = a_small_database(tmp_path / "files")
    vault = Vault(site.custody)
    kept = site.custody / "sources" / "small" / "abc123"
    kept.mkdir(parents=True)
    sources = {}
    for name in ("people", "visits"):
        shutil.copy(path.parent / f"{name}.csv", kept / f"{name}.csv")
        sources[name] = Source(f"small/abc123/{name}.csv", "sha256:0", 3, 3, (), ())
    described = read_descriptor(path)
    vault.keep_database("small", Registered(described.to_json(), "2026-11-01T00:00:00Z", sources))
    numbers = {"A-1": 7, "2": 5, "003": 9}
    with vault.change() as connection:
        connection.executemany("INSERT INTO identities VALUES ('small', ?, ?)", numbers.items())
        connection.executemany(
            "INSERT INTO identities VALUES ('small/facility', ?, ?)", [("K1", 3), ("K2", 1)]
        )
    custodian = a_custodian(site, MemoryLedger())
    assert [one.name for one in kept.parent.rglob("*") if one.is_file()] == ["store.duckdb"]
    custodian.build(YAMAMOTO, small_permit())
    permutation = Permutation(derive(vault.provision_key("v-81c2", "p-2026-0007", ""), "person", ["small"]))
    found = rows(custodian, site, small_permit(), "SELECT age, pid FROM x.small.people")
    assert dict(found) == {17: permutation.of(7), 44: permutation.of(5), 71: permutation.of(9)}
    assert a_custodian(site, MemoryLedger()).extracts("v-81c2") == custodian.extracts("v-81c2")
