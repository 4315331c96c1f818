"""Rule sets on disk: `policies/data/<id>/data.yaml`, one folder each (two files with a top-level `id` would collide in
one policy bundle). Reads and parses; what a rule set is, `enclave.disclosure.criteria.rules` decides."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from enclave.core.refusal import Refused
from enclave.disclosure.criteria.rules import RuleSet, parse


class _Strict(yaml.SafeLoader):
    """Refuses a key that stands twice: the second would silently undo the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((key for place, key in enumerate(keys) if key in keys[:place]), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"twice: {twice}", node.start_mark)
        return super().construct_mapping(node, deep)


def _read(path: Path) -> dict[Any, Any]:
    """The mapping in one YAML or JSON file. Raises Refused `disclosure.rule_unknown`, `disclosure.rule_invalid`."""
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _Strict)  # noqa: S506  a SafeLoader
    except (FileNotFoundError, IsADirectoryError):
        raise Refused("disclosure.rule_unknown", {"rule_set": path.parent.name}) from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, TypeError, RecursionError):
        # A date that no calendar has is a ValueError, a list as a key a TypeError.
        raise Refused(
            "disclosure.rule_invalid", {"where": str(path), "needs": "YAML, each key once"}
        ) from None
    if not isinstance(data, dict):
        raise Refused("disclosure.rule_invalid", {"where": str(path), "needs": "a mapping"})
    return data


def load_file(path: Path) -> RuleSet:
    """The rule set of one YAML or JSON file. Raises Refused `disclosure.rule_*`."""
    return parse(_read(path))


def load_directory(directory: Path) -> dict[str, RuleSet]:
    """All rule sets below `directory`, by id. Folders without the key `min_persons` or `scope` are not rule sets.

    Raises Refused `disclosure.rule_invalid` where a set's id is not its folder's name.
    """
    found: dict[str, RuleSet] = {}
    for path in sorted(directory.glob("*/data.yaml")):
        data = _read(path)
        if "scope" not in data:
            continue
        rule_set = parse(data)
        if rule_set.id != path.parent.name:
            raise Refused(
                "disclosure.rule_invalid",
                {"where": str(path.parent.name), "needs": "its folder's name as id"},
            )
        found[rule_set.id] = rule_set
    return found


def resolve(names: Iterable[str], directory: Path) -> list[RuleSet]:
    """The sets that `--rules` names: each an id below `directory`, or a path of a file or of a folder with its `data.yaml`.

    Raises Refused `disclosure.rule_unknown`, `disclosure.rule_unknown_key`, `disclosure.rule_invalid`.
    """
    found: dict[str, RuleSet] = {}
    for name in names:
        rule_set = load_file(file_of(name, directory))
        if found.setdefault(rule_set.id, rule_set) != rule_set:
            raise Refused("disclosure.rule_invalid", {"where": name, "needs": "an id of its own"})
    return list(found.values())


def file_of(name: str, directory: Path) -> Path:
    """The file of a set that `--rules` names. Raises Refused `disclosure.rule_unknown`."""
    known = directory / name / "data.yaml"
    path = Path(name)
    if "/" not in name and known.is_file():
        path = known
    elif path.is_dir():
        path = path / "data.yaml"
    if not path.is_file():
        raise Refused("disclosure.rule_unknown", {"rule_set": name})
    return path


def pick(rule_sets: dict[str, RuleSet], ids: Iterable[str]) -> list[RuleSet]:
    """The named sets. Raises Refused `disclosure.rule_unknown`: a permit that names a missing rule shows nothing."""
    picked = []
    for one in ids:
        if one not in rule_sets:
            raise Refused("disclosure.rule_unknown", {"rule_set": one})
        picked.append(rule_sets[one])
    return picked
