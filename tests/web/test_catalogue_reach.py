"""How far each database comes, as far as the portal carries it: found in the catalogue, applied for."""

from pathlib import Path
from typing import Any

from enclave.adapters.descriptor_files import write_descriptor
from enclave.catalogue.descriptor import PID
from enclave.catalogue.packaged import PLANNED, PUBLIC, packaged
from enclave.catalogue.printed import Stage, block, read_reach
from enclave.core.ids import DatabaseId
from tests.fakes.portal_site import ROOT, PortalSite
from tests.web.application_form import FILLED

DOCUMENT = ROOT / "docs" / "databases.md"


def seen(portal: PortalSite, browse: Any) -> dict[DatabaseId, set[Stage]]:
    """What the portal does for each database when it is asked: its page, and an application for its first table."""
    found: dict[DatabaseId, set[Stage]] = {}
    for name in (*PUBLIC, PLANNED):
        found[name] = set()
        if f'data-database="{name}"' in browse().get("/catalogue").text:
            browse().get(f"/catalogue/{name}")
            found[name].add(Stage.FOUND)
        if name not in packaged():
            continue
        write_descriptor(packaged()[name], portal.site.catalogue)
        table = next(iter(packaged()[name].tables.values()))
        columns = [f"{name}.{table.name}.{column}" for column in (PID, *table.columns)][:4]
        tanaka = browse("tanaka")
        tanaka.get("/applications/new")
        tanaka.press("submit-application", **{**FILLED, "columns": columns, "project": f"of-{name}"})
        if 'data-state="submitted"' in tanaka.answer.text:
            found[name].add(Stage.APPLIED)
    return found


def test_the_documents_first_columns_are_what_the_portal_does(portal: PortalSite, browse: Any) -> None:
    """No tick that was not seen, and none left out."""
    said = read_reach(block(Path(DOCUMENT).read_text(encoding="utf-8"), "reach"))
    here = {Stage.FOUND, Stage.APPLIED}
    assert {name: set(said[name]) & here for name in (*PUBLIC, PLANNED)} == seen(portal, browse)
