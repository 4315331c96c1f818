"""The text of a description of columns (YAML or JSON), as a person writes it beside a table, read one way only.

Decides whether a text is such data at all. What it says, `disclosure.files.description` decides. References inside the text and
keys that stand twice are refused: the checker must read what the machine reads.
"""

from typing import Any

import yaml

from enclave.core.refusal import Refused

LARGEST = 16 << 10
"""Bytes. Two hundred columns with all that can be said of them fit."""


class _Plain(yaml.SafeLoader):
    """YAML without references to other parts of it and without repeated keys."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            # PyYAML's stubs give the parser's methods no types.
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "a reference", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, "a repeated key", key.start_mark)
            if isinstance(key.value, str):
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read(text: bytes, name: str) -> object:
    """What the text says. Raises Refused `disclosure.spec_invalid`: `where` is `name`, with the line where one is known."""
    try:
        if len(text) > LARGEST:
            raise Refused("disclosure.spec_invalid", {"where": name, "needs": f"at most {LARGEST} bytes"})
        return yaml.load(text.decode(), _Plain)  # noqa: S506  a safe loader that takes less
    except yaml.MarkedYAMLError as bad:
        line = "" if bad.problem_mark is None else f":{bad.problem_mark.line + 1}"
        raise Refused("disclosure.spec_invalid", {"where": name + line, "needs": "YAML"}) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise Refused("disclosure.spec_invalid", {"where": name, "needs": "YAML"}) from None
