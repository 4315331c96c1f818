"""The archive that a workbook is: read only if every byte of it is accounted for.

Decides whether bytes are one plain ZIP file with nothing before, between or after its entries, of a size that a table can have.
Two programs read an archive from its two ends; where those disagree, each sees another workbook. Does not look into the parts.

Source: PKWARE, APPNOTE.TXT 6.3 (local headers 4.3.7, data descriptors 4.3.9, central directory 4.3.12, its end 4.3.16).
"""

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass

from enclave.core.refusal import Refused

BYTES_AT_MOST = 64 << 20
"""Of the file as it is, and of all its parts unpacked."""
ENTRIES_AT_MOST = 300
_LOCAL, _END = b"PK\x03\x04", b"PK\x05\x06"
_DESCRIPTORS = (0, 12, 16, 20, 24)
"""Lengths of what may follow an entry's data: 32 or 64 bits, with or without a signature."""


def unsafe(why: str) -> Refused:
    return Refused("disclosure.workbook_unsafe", {"why": why})


@dataclass(frozen=True)
class Archive:
    """Names in their order, and the unpacked bytes of each."""

    names: tuple[str, ...]
    contents: tuple[bytes, ...]

    @classmethod
    def open(cls, data: bytes) -> "Archive":
        """Raises Refused `disclosure.workbook_unsafe` (`archive` or `bomb`)."""
        if len(data) > BYTES_AT_MOST:
            raise unsafe("bomb")
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                entries = archive.infolist()
                if len(entries) > ENTRIES_AT_MOST or sum(one.file_size for one in entries) > BYTES_AT_MOST:
                    raise unsafe("bomb")
                _accounted(data, entries, archive.comment)
                contents = tuple(_unpacked(archive, one) for one in entries)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
            ValueError,
            struct.error,
        ):
            raise unsafe("archive") from None
        return cls(tuple(one.filename for one in entries), contents)

    def read(self, name: str) -> bytes:
        return self.contents[self.names.index(name)]


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    # As much as it says and one byte more: what an entry says of its size need not be so.
    with archive.open(entry) as stream:
        found = stream.read(entry.file_size + 1)
    if len(found) != entry.file_size:
        raise unsafe("bomb")
    return found


def _accounted(data: bytes, entries: list[zipfile.ZipInfo], comment: bytes) -> None:
    names = [one.filename for one in entries]
    if comment or len({name.casefold() for name in names}) < len(names) or not data.startswith(_LOCAL):
        raise unsafe("archive")
    end = data.rfind(_END)
    if end < 0 or len(data) != end + 22:
        raise unsafe("archive")
    size, begin = struct.unpack("<II", data[end + 12 : end + 20])
    place = 0
    for one in sorted(entries, key=lambda entry: entry.header_offset):
        if (
            one.header_offset != place
            or one.comment
            or one.flag_bits & 0x41
            or one.compress_type not in (0, 8)
        ):
            raise unsafe("archive")
        name, extra = struct.unpack("<HH", data[place + 26 : place + 30])
        if data[place : place + 4] != _LOCAL or not _idle(
            data[place + 30 + name : place + 30 + name + extra]
        ):
            raise unsafe("archive")
        if not _idle(one.extra) or not _ends(data, place + 30 + name + extra, one):
            raise unsafe("archive")
        place += 30 + name + extra + one.compress_size
        following = [other.header_offset for other in entries if other.header_offset > one.header_offset]
        after = min(following, default=begin)
        if after - place not in (_DESCRIPTORS if one.flag_bits & 8 else (0,)):
            raise unsafe("archive")
        place = after
    if begin + size != end:
        raise unsafe("archive")


def _ends(data: bytes, place: int, entry: zipfile.ZipInfo) -> bool:
    """Whether the packed data ends where the directory says: deflate ends by itself, and what follows it is read by nobody."""
    packed = data[place : place + entry.compress_size]
    if entry.compress_type == zipfile.ZIP_STORED:
        return entry.compress_size == entry.file_size
    unpack = zlib.decompressobj(-15)
    length = len(unpack.decompress(packed, BYTES_AT_MOST + 1))
    return unpack.eof and not unpack.unused_data and length == entry.file_size


def _idle(extra: bytes) -> bool:
    """Whether an extra field says nothing: none, or the room for growth that a spreadsheet program leaves (0xA220), all zero."""
    if not extra:
        return True
    if len(extra) < 8:
        return False
    kind, length, mark, _ = struct.unpack("<HHHH", extra[:8])
    return (kind, mark) == (0xA220, 0xA028) and length == len(extra) - 4 and not any(extra[8:])
