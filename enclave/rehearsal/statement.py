"""What a command line asks, as the gateway's question. Decides the meaning of `--param`; everything else is the
gateway's own reading of a request."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from enclave.core.refusal import Refused
from enclave.gateway.question import Question, question_of

_NAMED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)


def question(
    file: Path | None, inline: str | None, params: Sequence[str], form: str, tier: str | None
) -> Question:
    """The question of one command. Raises Refused `rehearsal.statement_*`, `rehearsal.param`, `gateway.field`."""
    body: dict[str, Any] = {"sql": statement(file, inline), "form": form, "tier": tier}
    return question_of({**body, "params": parameters(params)})


def statement(file: Path | None, inline: str | None) -> str:
    """The SQL of a file, of standard input (`-`) or of the command line itself."""
    if (file is None) == (inline is None):
        raise Refused("rehearsal.statement_missing")
    if inline is not None:
        return inline
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else Path(str(file)).read_bytes()
        return raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise Refused("rehearsal.statement_unreadable", {"file": str(file)}) from None


def parameters(given: Sequence[str]) -> dict[str, object] | list[object] | None:
    """`NAME=VALUE` for all of them, or values in order for all of them. Raises Refused `rehearsal.param`."""
    if not given:
        return None
    named = [_NAMED.fullmatch(one) for one in given]
    if all(named):
        found: dict[str, object] = {}
        for one in named:
            if one is None or one[1] in found:
                raise Refused("rehearsal.param", {"param": one[1] if one else ""})
            found[one[1]] = _value(one[2])
        return found
    if any(named):
        odd = next(one for one, name in zip(given, named, strict=True) if name is None)
        raise Refused("rehearsal.param", {"param": odd[:40]})
    return [_value(one) for one in given]


def _value(text: str) -> object:
    """JSON where it is: `40`, `true`, `null`, `["a", "b"]`, `"007"`. Anything else is the text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
