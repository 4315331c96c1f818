"""What the columns of a table are, in its maker's words: read from a file beside it or given as an argument, and sent along.

The form is that of `enclave check --spec` (YAML or JSON). Decides nothing: the gateway reads it, judges by it and by everything
that stands without it. Here it only says which columns need no guess.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from enclave_client.refusal import Refused
from enclave_client.words import Language

SUFFIXES = (".yaml", ".yml", ".json")
"""A description of `table.csv` is called `table.yaml`, `table.yml` or `table.json`."""

_WORDS = ("is", "width", "hours", "statistic", "route")
"""What is said of a column in words, and no other column's name."""

Told = str | os.PathLike[str] | Mapping[str, Any]


@dataclass(frozen=True)
class Description:
    """`sent`: the text of a file as it is, or what was given. `said`: what it says, as far as that can be read here.
    `evidence`: the table of evidence as CSV; it does not leave."""

    sent: str | Mapping[str, Any]
    said: Mapping[str, Any] = field(default_factory=dict)
    evidence: str | None = None

    def columns(self, part: str) -> tuple[str, ...]:
        """The columns of `dimensions`, `values` or `counts`."""
        named = self.said.get(part)
        return tuple(map(str, named)) if isinstance(named, Mapping | list) else ()

    def mentioned(self) -> frozenset[str]:
        """Every column that it says something of, the evidence among them."""
        found = {*self.columns("dimensions"), *self.columns("counts"), *self.columns("values")}
        found |= {str(self.said.get(name)) for name in ("institutions", "group")}
        for part in ("dimensions", "values"):
            rows = self.said.get(part)
            for row in rows.values() if isinstance(rows, Mapping) else ():
                for name, value in row.items() if isinstance(row, Mapping) else ():
                    if name not in _WORDS:
                        found |= set(map(str, value)) if isinstance(value, list) else {str(value)}
        return frozenset(found)


def beside(table: Path) -> Path | None:
    """The file that describes a table's file; None where there is none."""
    return next((one for one in map(table.with_suffix, SUFFIXES) if one.is_file()), None)


def description(told: Told, evidence: Any, language: Language) -> Description:
    """`told`: a mapping, or the file that has it. `evidence`: CSV as a file or what pandas writes; by default the file that the
    description names, beside its own. Raises `Refused` `client.file`."""
    if isinstance(told, Mapping):
        said: Mapping[str, Any] = told
        sent: str | Mapping[str, Any] = told
        folder = Path()
    else:
        sent = text_of(Path(told), language)
        said = _read(sent)
        folder = Path(told).parent
    if evidence is None and isinstance(said.get("evidence"), str):
        evidence = folder / said["evidence"]
    if isinstance(evidence, str | os.PathLike):
        evidence = text_of(Path(evidence), language)
    elif evidence is not None:
        evidence = evidence.to_csv(index=False, lineterminator="\n")
    return Description(sent, said, evidence)


def text_of(path: Path, language: Language) -> str:
    """The text of a file, as it is. Raises `Refused` `client.file` where there is none in UTF-8."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise Refused.own("client.file", language, file=path.name) from None


def _read(text: str) -> Mapping[str, Any]:
    """What a text says. Nothing where this cannot be told here: the gateway says what is wrong with it, and where."""
    try:
        # Jupyter brings it; without it JSON is read, and of YAML the gateway reads the roles.
        import yaml
    except ImportError:
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            return {}
    else:
        try:
            said = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError):
            return {}
    return said if isinstance(said, Mapping) else {}
