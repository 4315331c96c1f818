"""Who is judged at once: so many of everybody, fewer of one workspace, and the next ones in their order."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from enclave.core.refusal import Refused
from enclave.gateway.web import JUDGED, JUDGED_OF_ADDRESS, Judging


def test_a_workspace_that_asks_much_leaves_room_for_others() -> None:
    """Of three questions each of three workspaces those run that there is room for; all come to their end, and what was
    remembered of the workspaces is forgotten."""
    begun: list[str] = []
    full, over = threading.Event(), threading.Event()

    def question(name: str) -> Callable[[], Any]:
        def judge() -> str:
            begun.append(name)
            if len(begun) == JUDGED:
                full.set()
            assert over.wait(60)
            return name

        return judge

    async def all_of_them(judging: Judging) -> tuple[list[str], list[Any]]:
        names = [f"{place}{number}" for place in "abc" for number in range(3)]
        asking = [asyncio.ensure_future(judging.run(name[0], question(name))) for name in names]
        assert await asyncio.to_thread(full.wait, 60)
        at_once = list(begun)
        over.set()
        return at_once, await asyncio.gather(*asking)

    with ThreadPoolExecutor(16) as pool:
        judging = Judging(pool)
        at_once, done = asyncio.run(all_of_them(judging))
    assert len(at_once) == JUDGED
    assert all(sum(name[0] == place for name in at_once) <= JUDGED_OF_ADDRESS for place in "abc")
    assert done == [f"{place}{number}" for place in "abc" for number in range(3)]
    assert judging._apart == {}


def test_a_question_that_was_refused_leaves_its_room() -> None:
    def refused() -> Any:
        raise Refused("query.syntax")

    async def again_and_again(judging: Judging) -> None:
        for _ in range(3 * JUDGED):
            with pytest.raises(Refused):
                await judging.run("a", refused)

    with ThreadPoolExecutor(1) as pool:
        judging = Judging(pool)
        asyncio.run(again_and_again(judging))
    assert judging._apart == {}
