"""A submitted picture, redrawn: what is checked, looked at and released is nothing but its visible pixels.

A PNG whose structure is sound may still carry data where nobody looks: the colours of transparent pixels, unused
palette entries, the choices of the compressor. So it is decoded, laid on white and encoded again here, before it is
checked; everything after works on these bytes. Relies on `export.picture.read_picture` having accepted the original
(dimensions, no bombs, no other chunks), so that the decoder meets plain pictures only.
"""

import io

from PIL import Image

from enclave.core.refusal import Refused
from enclave.export.picture import read_picture


def redrawn(data: bytes) -> bytes:
    """The same picture in plain RGB or grey, without anything else; the same pixels give the same bytes.

    Raises Refused `export.png_form`, `export.png_chunk`.
    """
    read_picture(data)
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            picture.load()
            grey = picture.mode in {"1", "L", "LA"} and "transparency" not in picture.info
            layer = picture.convert("RGBA")
    except (OSError, ValueError, SyntaxError, MemoryError):
        raise Refused("export.png_form", {"why": "pixels"}) from None
    page = Image.new("RGBA", layer.size, (255, 255, 255, 255))
    page.alpha_composite(layer)
    out = io.BytesIO()
    page.convert("L" if grey else "RGB").save(out, format="PNG", compress_level=6)
    return out.getvalue()
