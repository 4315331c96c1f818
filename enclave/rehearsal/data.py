"""The data of a rehearsal: `DIR/<database>/descriptor.yaml` and the files beside it, and which persons are the same.

Decides which databases a permit speaks of, which public ones come along, and whose register the persons of each belong
to: where a descriptor has identifiers or names a population, that holds; otherwise persons with equal `person` values
are the same within one of the permit's linkage groups, and nowhere else. Reads descriptors and bytes of files; what is in
them, custody decides.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from enclave.adapters.custody_sources import descriptor_digest
from enclave.adapters.descriptor_files import read_descriptor
from enclave.catalogue.descriptor import Descriptor
from enclave.core.ids import DatabaseId
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.custody.plan import linkage_group

Identity = tuple[int, ...]
"""Device, inode, size and times of a file: while they stand, its bytes do (the change time cannot be set back)."""


@dataclass(frozen=True)
class Brought:
    """One database in `folder`. The descriptor already says whose register its persons belong to."""

    descriptor: Descriptor
    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "descriptor.yaml"

    @property
    def digest(self) -> str:
        return descriptor_digest(self.descriptor)

    def files(self) -> dict[str, Path]:
        """What the descriptor names, by the table it is of."""
        found = {name: self.folder / table.file for name, table in self.descriptor.tables.items()}
        if self.descriptor.identifiers is not None:
            found["identifiers"] = self.folder / self.descriptor.identifiers.file
        return found


def bring(data: Path, permit: Permit) -> dict[DatabaseId, Brought]:
    """The databases of a permit and the public ones that explain codes, by id.

    Raises Refused `rehearsal.database_missing`, `rehearsal.database_named`, `catalogue.descriptor_malformed`,
    `custody.linkage_group`.
    """
    named: dict[DatabaseId, Brought] = {}
    for database in permit.databases:
        folder = data / database
        if "/" in database or not (folder / "descriptor.yaml").is_file():
            raise Refused("rehearsal.database_missing", {"database": database, "folder": str(data)})
        descriptor = read_descriptor(folder / "descriptor.yaml")
        if descriptor.database != database:
            raise Refused(
                "rehearsal.database_named", {"database": descriptor.database, "folder": str(folder)}
            )
        named[database] = Brought(descriptor, folder)
    related = {
        name: replace(one, descriptor=replace(one.descriptor, population=_population(permit, name, named)))
        for name, one in named.items()
    }
    return {**related, **_public(data, related)}


def _population(permit: Permit, database: DatabaseId, named: Mapping[DatabaseId, Brought]) -> str:
    own = named[database].descriptor
    group = linkage_group(permit, database)
    if len(group) == 1 or not _says_nothing(own):
        return own.population
    alike = [other for other in group if _says_nothing(named[other].descriptor)]
    return "linked_" + hashlib.sha256("\0".join(alike).encode()).hexdigest()[:12]


def _says_nothing(descriptor: Descriptor) -> bool:
    """Whether a descriptor leaves open whose persons its numbers name."""
    return descriptor.identifiers is None and descriptor.population == descriptor.database


def _public(data: Path, named: Mapping[DatabaseId, Brought]) -> dict[DatabaseId, Brought]:
    """Databases of reference tables only, which custody puts beside what they explain."""
    found: dict[DatabaseId, Brought] = {}
    for path in descriptors_below(data):
        if path.parent.name in named or b"reference" not in path.read_bytes():
            continue
        try:
            descriptor = read_descriptor(path)
        except Refused:
            continue  # nothing that the permit speaks of
        if descriptor.reference and descriptor.database == path.parent.name:
            found[descriptor.database] = Brought(descriptor, path.parent)
    return found


def descriptors_below(data: Path) -> list[Path]:
    """Every descriptor in the data folder, the state folder's own left out."""
    return sorted(p for p in data.glob("*/descriptor.yaml") if not p.parent.name.startswith("."))


def identity(path: Path) -> Identity:
    """Raises OSError where the file is not there."""
    seen = path.stat()
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def file_digest(place: Mapping[str, str], path: Path) -> str:
    """`sha256:<hex>` of a file's bytes. Raises Refused `catalogue.file_missing`."""
    try:
        with path.open("rb") as file:
            return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise Refused("catalogue.file_missing", place) from None


def identities(paths: Sequence[Path]) -> dict[str, Identity] | None:
    """By path; None where one of them is gone."""
    try:
        return {str(path): identity(path) for path in paths}
    except OSError:
        return None
