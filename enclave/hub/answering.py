"""Waiting for a workspace to answer, without losing time and without waiting for one that has ended."""

import asyncio
import time
from collections.abc import Callable

from enclave.core.refusal import Refused

INTERVAL = 0.04
PATIENCE = 30.0
LOOK_AFTER = 1.0


async def until_it_answers(
    host: str, port: int, running: Callable[[], bool], patience: float = PATIENCE
) -> None:
    """Return as soon as the server speaks HTTP. Raises Refused `session.did_not_start` after `patience` seconds, or at
    once when the container is no longer running (looked at every second)."""
    began = looked = time.monotonic()
    while not await _speaks(host, port):
        now = time.monotonic()
        if now - began > patience:
            raise Refused("session.did_not_start", {"seconds": int(patience)})
        if now - looked > LOOK_AFTER:
            looked = now
            if not await asyncio.to_thread(running):
                raise Refused("session.did_not_start", {"seconds": round(now - began, 1)})
        await asyncio.sleep(INTERVAL)


async def _speaks(host: str, port: int) -> bool:
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 1)
    except (OSError, TimeoutError):
        return False
    try:
        writer.write(f"HEAD /robots.txt HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return (await asyncio.wait_for(reader.read(5), 5)).startswith(b"HTTP/")
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()
