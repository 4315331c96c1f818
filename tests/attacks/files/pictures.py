"""PNG files made by hand, sound and unsound ones. What each is good for is in `test_airlock_files`."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def header(width: int = 4, height: int = 4, depth: int = 8, colour: int = 2, interlace: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))


def pixels(width: int = 4, height: int = 4, channels: int = 3, value: int = 200) -> bytes:
    return (b"\0" + bytes([value]) * (width * channels)) * height


def picture(
    *,
    first: bytes = b"",
    between: bytes = b"",
    after: bytes = b"",
    packed: bytes | None = None,
    head: bytes | None = None,
    end: bytes | None = None,
) -> bytes:
    """A 4×4 picture; the arguments put something where nothing belongs."""
    data = zlib.compress(pixels()) if packed is None else packed
    return (
        SIGNATURE
        + (header() if head is None else head)
        + first
        + chunk(b"IDAT", data)
        + between
        + (chunk(b"IEND", b"") if end is None else end)
        + after
    )
