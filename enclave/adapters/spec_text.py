"""The YAML of a spec, read as people write codes.

Decides which words are not text: whole numbers and decimals as they are written every day, true, false, null. YAML itself takes
`00` for 0, `010` for 8, `no` for false and `2024-04-01` for a day; to whoever writes a spec they are codes of a table. A key that
stands twice is refused: the second would silently undo the first. What the spec says, `disclosure.protection.spec` decides.
"""

import re
from typing import Any

import yaml

from enclave.core.refusal import Refused


class _Codes(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  as the parser wants it

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if any(key in keys[:place] for place, key in enumerate(keys)):
            raise yaml.constructor.ConstructorError(None, None, "a key twice", node.start_mark)
        return super().construct_mapping(node, deep)


for _tag, _form, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|nan)",
        list("-+0123456789."),
    ),
    ("merge", "<<", ["<"]),
):
    _Codes.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_form})\\Z"), _first)


def read(text: str, name: str) -> Any:
    """What the text says. Raises Refused `disclosure.spec_invalid` (`where` is `name`) where it is no such YAML."""
    try:
        return yaml.load(text, _Codes)  # noqa: S506  a SafeLoader
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        raise Refused("disclosure.spec_invalid", {"where": name, "needs": "YAML, each key once"}) from None
