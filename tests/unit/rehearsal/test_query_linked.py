"""`enclave query` over databases whose holders bring identifiers, and over public lists of codes beside them."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.fakes import linked_site
from tests.unit.rehearsal import ground
from tests.unit.rehearsal.ground import Terminal


def granted(*databases: str) -> dict[str, Any]:
    """Every table and column, and the pseudonym."""
    found = linked_site.granted(*databases)
    return {
        d: {t: {"columns": ["pid", *g["columns"]]} for t, g in tables.items()} for d, tables in found.items()
    }


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    folder = tmp_path_factory.mktemp("linked")
    linked_site.write(folder / "data", 400)
    terminal = Terminal(folder, folder / "data")
    databases = granted("ndb", "kaigo")
    terminal.use(ground.permit(databases=databases, linkage_groups=[["ndb", "kaigo"]]))
    return terminal


def test_persons_are_linked_by_their_identifiers(linked: Terminal) -> None:
    """Numbers of records say nothing across these databases: linkage finds nearly everybody, and few strangers."""
    truth = {
        name: dict(
            zip(
                *(
                    pq.read_table(linked.data / "truth" / f"{name}.parquet").column(c).to_pylist()
                    for c in ("person", "true_id")
                ),
                strict=True,
            )
        )
        for name in ("ndb", "kaigo")
    }
    claims = set(pq.read_table(linked.data / "ndb" / "rcpt.parquet").column("person").to_pylist())
    certified = set(pq.read_table(linked.data / "kaigo" / "cert.parquet").column("person").to_pylist())
    both = len({truth["ndb"][p] for p in claims} & {truth["kaigo"][p] for p in certified})
    sql = "SELECT count(DISTINCT r.pid) AS n FROM rcpt r SEMI JOIN cert c ON r.pid = c.pid"
    ((found,),) = linked.query(sql).rows()
    assert abs(found - both) <= 0.05 * both


def test_lists_of_codes_come_along(linked: Terminal) -> None:
    """The public database beside them explains the codes that the permit shows; its rows are protected by nothing."""
    source = Counter(pq.read_table(linked.data / "ndb" / "rcpt.parquet").column("pref_code").to_pylist())
    sql = "SELECT p.name, count(*) AS n FROM rcpt r JOIN core.pref p ON r.pref_code = p.code GROUP BY ALL ORDER BY ALL"
    assert dict(map(tuple, linked.query(sql, "--form", "table").rows())) == {
        "北海道": source["01"], "東京都": source["13"], "大阪府": source["27"],
    }  # fmt: skip


def test_databases_that_the_permit_does_not_link_stay_apart(linked: Terminal) -> None:
    databases = granted("ndb", "kaigo")
    linked.use(ground.permit(databases=databases, linkage_groups=[["ndb"], ["kaigo"]]))
    sql = "SELECT count(*) AS n FROM rcpt r JOIN cert c USING (pid)"
    assert linked.query(sql).code() == "query.not_linked"


def test_numbers_of_both_kinds_are_not_linked(linked: Terminal, data: Path) -> None:
    """A holder's own record number and a shared person number are different things: a no, not a guess."""
    (linked.data / "sports").symlink_to(data / "sports")
    databases = {**granted("kaigo"), "sports": {"member": {"columns": ["kind"]}}}
    linked.use(ground.permit(databases=databases, linkage_groups=[["kaigo", "sports"]]))
    assert linked.query("SELECT 1 AS one").code() == "custody.linkage_population"
