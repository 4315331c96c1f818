"""A PNG file taken apart: nothing in it but a picture.

Decides from the bytes whether they are exactly one picture with no room for anything else (PNG, third edition:
w3.org/TR/png-3): signature, IHDR, known chunks in order, one deflate stream of exactly the right length, IEND, end.
Text chunks, appended archives, second streams and bombs are refused. What the low bits of the pixels say no structure
can tell: a residual that the checkers' eyes and the data table beside each figure are for.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from enclave.core.refusal import Refused

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LARGEST_SIDE = 10_000
"""Pixels."""
LARGEST_AREA = 25_000_000
"""Pixels; 8 bytes each at most, inflated."""

_SIZES: dict[bytes, tuple[int, int]] = {
    b"IHDR": (13, 13), b"PLTE": (3, 768), b"tRNS": (1, 256), b"IDAT": (0, 1 << 31), b"IEND": (0, 0),
    b"pHYs": (9, 9), b"sRGB": (1, 1), b"gAMA": (4, 4),
}  # fmt: skip
"""Chunks that a picture may have, with the least and the most bytes of each. None of them holds free text."""

_CHANNELS = {
    0: (1, (1, 2, 4, 8, 16)),
    2: (3, (8, 16)),
    3: (1, (1, 2, 4, 8)),
    4: (2, (8, 16)),
    6: (4, (8, 16)),
}
"""Colour type → channels and permitted bit depths (PNG, table 11.1)."""


@dataclass(frozen=True)
class Picture:
    """Width and height in pixels."""

    width: int
    height: int


def _bad(why: str) -> Refused:
    return Refused("export.png_form", {"why": why})


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(SIGNATURE)
    while place < len(data):
        if len(data) - place < 12:
            raise _bad("trailing")
        (length,) = struct.unpack_from(">I", data, place)
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        end = place + 12 + length
        if end > len(data):
            raise _bad("trailing")
        if kind not in _SIZES:
            raise Refused(
                "export.png_chunk", {"chunk": kind.decode("ascii", "replace") if kind.isalpha() else "?"}
            )
        least, most = _SIZES[kind]
        if not least <= length <= most:
            raise _bad("size")
        if struct.unpack_from(">I", data, end - 4)[0] != zlib.crc32(kind + body):
            raise _bad("checksum")
        yield kind, body
        place = end
        if kind == b"IEND" and place != len(data):
            raise _bad("trailing")


def read_picture(data: bytes) -> Picture:
    """The picture in `data`. Raises Refused `export.png_form` (why) or `export.png_chunk` (chunk).

    1. The file is a signature and whole chunks with right checksums, IHDR first and IEND last, nothing after it.
    2. Only known chunks, each once (IDAT several times in a row), none of free text.
    3. The pixels inflate to exactly the length that width, height and depth ask for, in one stream, without more.
    """
    if not data.startswith(SIGNATURE):
        raise _bad("signature")
    chunks = list(_chunks(data))
    kinds = [kind for kind, _ in chunks]
    if not kinds or kinds[0] != b"IHDR" or kinds[-1] != b"IEND" or b"IDAT" not in kinds:
        raise _bad("order")
    first = kinds.index(b"IDAT")
    count = kinds.count(b"IDAT")
    others = [kind for kind in kinds if kind != b"IDAT"]
    if len(set(others)) != len(others) or kinds[first : first + count] != [b"IDAT"] * count:
        raise _bad("order")
    if any(kind in kinds[first:] for kind in (b"PLTE", b"tRNS", b"pHYs", b"sRGB", b"gAMA")):
        raise _bad("order")
    width, height, depth, colour, compression, filters, interlace = struct.unpack(">IIBBBBB", chunks[0][1])
    channels, depths = _CHANNELS.get(colour, (0, ()))
    if depth not in depths or compression or filters or interlace:
        raise _bad("header")
    if not (0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE and width * height <= LARGEST_AREA):
        raise _bad("dimensions")
    if (colour == 3) != (b"PLTE" in kinds) or (colour in {4, 6} and b"tRNS" in kinds):
        raise _bad("palette")
    _check_pixels(
        b"".join(body for kind, body in chunks if kind == b"IDAT"), width * channels * depth, height
    )
    return Picture(width, height)


def _check_pixels(packed: bytes, bits: int, height: int) -> None:
    line = 1 + (bits + 7) // 8
    stream = zlib.decompressobj()
    try:
        # One byte more than a picture needs is asked for, so that a bomb ends after one picture's size.
        pixels = stream.decompress(packed, line * height + 1)
    except zlib.error:
        raise _bad("pixels") from None
    if len(pixels) != line * height or not stream.eof or stream.unused_data or stream.unconsumed_tail:
        raise _bad("pixels")
    if any(pixels[start] > 4 for start in range(0, len(pixels), line)):
        raise _bad("pixels")
