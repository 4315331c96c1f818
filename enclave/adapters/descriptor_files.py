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
    """The descriptor in a file. Raises Refused `catalogue.descriptor_malformed`; the text itself is never quoted.

    The refusal names the place in the document and, where it can be found, file, line and column. A key that stands twice
    is refused: the second would silently take the first one's place, and with it a column's role.
    """
    facts: dict[str, object] = {"file": path.name}
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
    except OSError:
        raise Refused("catalogue.descriptor_malformed", {**facts, "place": "file"}) from None
    if len(text) > LARGEST:
        raise Refused("catalogue.descriptor_malformed", {**facts, "place": "size"})
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        twice = None if node is None else _twice(node)
        data = None if node is None or twice is not None else loader.construct_document(node)
    except yaml.MarkedYAMLError as wrong:
        found = {} if wrong.problem_mark is None else _at(wrong.problem_mark)
        raise Refused("catalogue.descriptor_malformed", {**facts, "place": "YAML", **found}) from None
    except yaml.reader.ReaderError as wrong:
        line = text.count(b"\n", 0, wrong.position) + 1
        raise Refused("catalogue.descriptor_malformed", {**facts, "place": "YAML", "line": line}) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise Refused("catalogue.descriptor_malformed", {**facts, "place": "YAML"}) from None
    finally:
        if loader is not None:
            loader.dispose()
    if twice is not None:
        raise Refused("catalogue.descriptor_malformed", {**facts, "place": "key", **_at(twice)})
    try:
        return parse(data)
    except Refused as no:
        mark = None if node is None else _mark(node, str(no.facts.get("place", "")))
        found = {} if mark is None else _at(mark)
        raise Refused(no.code, {**facts, **no.facts, **found}) from None


def _at(mark: yaml.Mark) -> dict[str, object]:
    return {"line": mark.line + 1, "column": mark.column + 1}


def _twice(node: yaml.Node) -> yaml.Mark | None:
    """Where a key stands for the second time in one mapping."""
    waiting, seen = [node], set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:  # an alias: the same node once more
            continue
        seen.add(id(one))
        if isinstance(one, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in one.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in keys:
                        return key.start_mark
                    keys.add(key.value)
                waiting.append(value)
        elif isinstance(one, yaml.SequenceNode):
            waiting.extend(one.value)
    return None


def _mark(node: yaml.Node, place: str) -> yaml.Mark | None:
    """Where a place (`tables.t.columns.age`) stands: as far down as the document has it."""
    found = None
    for part in place.split(".") if place else ():
        inner = None
        if isinstance(node, yaml.MappingNode):
            inner = next(((k, v) for k, v in node.value if getattr(k, "value", None) == part), None)
        elif isinstance(node, yaml.SequenceNode) and part.isdecimal() and int(part) < len(node.value):
            inner = (node.value[int(part)],) * 2
        if inner is None:
            break
        found, node = inner[0].start_mark, inner[1]
    return found or node.start_mark


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
