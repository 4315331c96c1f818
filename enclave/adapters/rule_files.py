"""Rule sets on disk: `policies/data/<id>/data.yaml`, one folder each (two files with a top-level `id` would collide in
one policy bundle). Reads and parses; what a rule set is, `enclave.disclosure.rules` decides."""

from collections.abc import Iterable
from pathlib import Path

import yaml

from enclave.core.refusal import Refused
from enclave.disclosure.rules import RuleSet, parse


def load_file(path: Path) -> RuleSet:
    """The rule set of one YAML or JSON file. Raises Refused `disclosure.rule_*`."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Refused("disclosure.rule_unknown", {"rule_set": path.parent.name}) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise Refused("disclosure.rule_invalid", {"where": str(path), "needs": "YAML"}) from None
    if not isinstance(data, dict):
        raise Refused("disclosure.rule_invalid", {"where": str(path), "needs": "a mapping"})
    return parse(data)


def load_directory(directory: Path) -> dict[str, RuleSet]:
    """All rule sets below `directory`, by id. Folders without the key `min_persons` or `scope` are not rule sets.

    Raises Refused `disclosure.rule_invalid` where a set's id is not its folder's name.
    """
    found: dict[str, RuleSet] = {}
    for path in sorted(directory.glob("*/data.yaml")):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or "scope" not in data:
            continue
        rule_set = load_file(path)
        if rule_set.id != path.parent.name:
            raise Refused(
                "disclosure.rule_invalid",
                {"where": str(path.parent.name), "needs": "its folder's name as id"},
            )
        found[rule_set.id] = rule_set
    return found


def pick(rule_sets: dict[str, RuleSet], ids: Iterable[str]) -> list[RuleSet]:
    """The named sets. Raises Refused `disclosure.rule_unknown`: a permit that names a missing rule shows nothing."""
    picked = []
    for one in ids:
        if one not in rule_sets:
            raise Refused("disclosure.rule_unknown", {"rule_set": one})
        picked.append(rule_sets[one])
    return picked
