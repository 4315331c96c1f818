"""Descriptors on disk: YAML in, YAML out. Decides nothing; `enclave.catalogue.descriptor` does.

The registered ones are `<site.catalogue>/<database>/descriptor.yaml`, written by custody, readable by all services.
"""

import os
import secrets
from functools import lru_cache
from pathlib import Path

import yaml

from enclave.catalogue.descriptor import Descriptor, parse
from enclave.config import Site
from enclave.core.ids import DatabaseId
from enclave.core.refusal import Refused

LARGEST = 4 << 20
"""Bytes of a descriptor at most; it is data about data."""


def read_descriptor(path: Path) -> Descriptor:
    """The descriptor in a file. Raises Refused `catalogue.descriptor_malformed`; the text itself is never quoted."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
    except OSError:
        raise Refused("catalogue.descriptor_malformed", {"place": "file"}) from None
    if len(text) > LARGEST:
        raise Refused("catalogue.descriptor_malformed", {"place": "size"})
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise Refused("catalogue.descriptor_malformed", {"place": "YAML"}) from None
    return parse(data)


def print_descriptor(descriptor: Descriptor) -> bytes:
    """The YAML of a descriptor; `read_descriptor` reads it back to an equal value."""
    text: str = yaml.safe_dump(descriptor.to_json(), allow_unicode=True, sort_keys=False)
    return text.encode()


def write_descriptor(descriptor: Descriptor, folder: Path) -> Path:
    """Put a descriptor in its place in the catalogue, whole or not at all, readable by everyone on the machine."""
    place = folder / descriptor.database
    place.mkdir(mode=0o755, parents=True, exist_ok=True)
    place.chmod(0o755)
    temporary = place / f".descriptor.{secrets.token_hex(4)}"
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(print_descriptor(descriptor))
        file.flush()
        os.fsync(file.fileno())
    return temporary.rename(place / "descriptor.yaml")


def read_catalogue(site: Site) -> dict[DatabaseId, Descriptor]:
    """Every registered database of a site, by id. An empty catalogue is an empty mapping."""
    found = {}
    for path in sorted(site.catalogue.glob("*/descriptor.yaml")):
        seen = path.stat()
        descriptor = _read_once(path, seen.st_ino, seen.st_mtime_ns, seen.st_size)
        found[descriptor.database] = descriptor
    return found


@lru_cache(maxsize=256)
def _read_once(path: Path, _inode: int, _changed: int, _size: int) -> Descriptor:
    """Twelve large descriptors take a fifth of a second; each is read again when its file is another one."""
    return read_descriptor(path)
