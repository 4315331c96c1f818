"""`enclave check`: files on a disk, each examined as the airlock examines a table without a receipt, without a policy server.

Decides what a file's columns are as text; what is unsafe, `disclosure.examine` decides. A file that cannot be read as a table
is never called safe: a human looks at it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from enclave.adapters import rule_files
from enclave.core.refusal import Refused
from enclave.disclosure.examine import Finding, TableFile, Verdict, examine
from enclave.disclosure.rules import Rules, combine
from enclave.export.table_text import read_sheet

CELLS_AT_MOST = 5_000_000
"""More is no table that anybody publishes."""


@dataclass(frozen=True)
class Checked:
    """A file with its digest (`sha256:<hex>`), the verdict and what it follows from."""

    path: Path
    digest: str
    verdict: Verdict
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, object]:
        """As SHAPES has it, with the verdict that each finding comes with."""
        return {
            "path": str(self.path),
            "digest": self.digest,
            "verdict": self.verdict.value,
            "findings": [
                {
                    "code": one.code, "where": one.where, "facts": dict(one.facts), "rule_set": one.rule_set,
                    "verdict": one.verdict.value,
                }
                for one in self.findings
            ],
        }  # fmt: skip


def check(paths: Iterable[Path], rules: Sequence[str], policies: Path) -> list[Checked]:
    """Every file by itself. Raises Refused `disclosure.rule_*`, and `disclosure.file_missing` for what is not there."""
    binding = combine(rule_files.resolve(rules, policies / "data"))
    return [_checked(path, binding) for path in paths]


def _checked(path: Path, rules: Rules) -> Checked:
    try:
        data = path.read_bytes()
    except OSError:
        raise Refused("disclosure.file_missing", {"file": path.name}) from None
    digest = f"sha256:{sha256(data).hexdigest()}"
    try:
        columns = _columns(path, data)
    except Refused as no:
        finding = Finding(no.code, path.name, dict(no.facts), rules.source, Verdict.HUMAN)
        return Checked(path, digest, Verdict.HUMAN, (finding,))
    found = examine(TableFile(path.name, columns), rules)
    return Checked(path, digest, found.verdict, found.findings)


def _columns(path: Path, data: bytes) -> Mapping[str, Sequence[str]]:
    """Columns as text. Raises Refused `export.csv_*`, `disclosure.file_unreadable`, `disclosure.too_large`."""
    if path.suffix.lower() == ".csv":
        sheet = read_sheet(data)
        return {name: sheet.column(name) for name in sheet.header}
    try:
        table = _table(path.suffix.lower(), pa.BufferReader(data))
    except (pa.ArrowException, OSError):
        raise Refused("disclosure.file_unreadable", {"file": path.name}) from None
    nested = [
        field.name
        for field in table.schema
        if pa.types.is_nested(field.type) or pa.types.is_binary(field.type)
    ]
    if nested or len(set(table.column_names)) != table.num_columns:
        raise Refused("disclosure.file_unreadable", {"file": path.name})
    if table.num_rows * table.num_columns > CELLS_AT_MOST:
        raise Refused("disclosure.too_large", {"limit": CELLS_AT_MOST})
    return {
        name: ["" if cell is None else str(cell) for cell in table.column(name).to_pylist()]
        for name in table.column_names
    }


def _table(kind: str, source: pa.BufferReader) -> pa.Table:
    if kind == ".parquet":
        return pyarrow.parquet.read_table(source)
    if kind in (".arrow", ".feather", ".ipc"):
        return pyarrow.ipc.open_file(source).read_all()
    raise pa.ArrowInvalid(kind)
