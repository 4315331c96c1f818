"""Bytes that somebody made in a workspace, sent to a browser: never run, never guessed at, never framed."""

import re
from urllib.parse import quote

from starlette.responses import Response

SEALED = {
    # A submitted file is hostile until it is shown otherwise: no script, no frame, no request of its own.
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def attachment(name: str, data: bytes, digest: str) -> Response:
    """A download. `Digest` in the answer is that of the bytes, for whoever wants to compare."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name) or "file"
    return Response(
        data,
        media_type="application/octet-stream",
        headers={
            **SEALED,
            "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
            "Enclave-Digest": digest,
        },
    )


def picture(data: bytes, media_type: str) -> Response:
    """A picture for an `img` of the checker's page; anything that is no PNG or JPEG comes as a download."""
    if media_type not in {"image/png", "image/jpeg"}:
        return attachment("file", data, "")
    return Response(data, media_type=media_type, headers={**SEALED, "Content-Disposition": "inline"})
