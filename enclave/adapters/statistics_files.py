"""Published statistics on disk: `<site.catalogue>/<database>/statistics.json`, written by custody, readable by all.

Decides nothing; what may be in them is decided by `enclave.catalogue.statistics`.
"""

import json
import os
import secrets
from pathlib import Path

from enclave.catalogue.statistics import Statistics, from_json, to_json
from enclave.config import Site
from enclave.core.ids import DatabaseId
from enclave.core.refusal import Refused

FILE = "statistics.json"


def write_statistics(statistics: Statistics, folder: Path) -> Path:
    """Put them beside the descriptor, whole or not at all."""
    place = folder / statistics.database
    place.mkdir(mode=0o755, parents=True, exist_ok=True)
    temporary = place / f".statistics.{secrets.token_hex(4)}"
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w") as file:
        os.fchmod(file.fileno(), 0o644)
        json.dump(to_json(statistics), file, ensure_ascii=False, separators=(",", ":"))
        file.flush()
        os.fsync(file.fileno())
    return temporary.rename(place / FILE)


def read_statistics(site: Site) -> dict[DatabaseId, Statistics]:
    """Those that can be read. A file that is not whole is left out: the catalogue is shown without it."""
    found = {}
    for path in sorted(site.catalogue.glob(f"*/{FILE}")):
        try:
            statistics = from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, Refused):
            continue
        found[statistics.database] = statistics
    return found
