"""What the extract's manifest says of itself: waiting for the custodian, built, or no longer what the permit grants."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from enclave.config import Site
from enclave.core.clock import parse_rfc3339
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.custody.manifest import check_matches


@dataclass(frozen=True)
class Extract:
    """The newest extract of a provision. `stale` where an amendment changed what it must hold."""

    name: str
    built: datetime
    tables: tuple[tuple[str, int, int | None], ...]
    digest: str
    size: int
    stale: bool


def extract_of(site: Site, permit: Permit) -> Extract | None:
    """The newest built extract, None while custody has built none."""
    folder = site.extracts / permit.provision
    try:
        numbers = sorted((int(p.name) for p in folder.iterdir() if p.name.isdigit()), reverse=True)
    except OSError:
        return None
    for n in numbers:
        try:
            manifest: dict[str, Any] = json.loads((folder / str(n) / "manifest.json").read_text())
        except (OSError, ValueError):
            continue
        try:
            check_matches(manifest, permit)
            stale = False
        except Refused:
            stale = True
        return Extract(
            name=str(manifest["extract"]),
            built=parse_rfc3339(manifest["built"]),
            tables=tuple((name, int(t["rows"]), t["persons"]) for name, t in manifest["tables"].items()),
            digest=str(manifest["file"]["digest"]),
            size=int(manifest["file"]["size"]),
            stale=stale,
        )
    return None
