"""`enclave check`: files on a disk, each examined as the airlock examines a table without a receipt, without a policy server.

Decides what a file's columns are as text; what is unsafe, `disclosure.examine` decides. A file that cannot be read as a table
is never called safe: a human looks at it. Nor is one that says something besides its table (`adapters.workbook` for XLSX).
The airlock itself takes CSV and pictures only: what it checks is, byte for byte, what leaves.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from enclave.adapters import description_text, rule_files, workbook
from enclave.core.refusal import Refused
from enclave.disclosure.criteria.rules import Rules, combine
from enclave.disclosure.files import description as describing
from enclave.disclosure.files.description import Description
from enclave.disclosure.files.examine import Finding, TableFile, Verdict, examine
from enclave.export.table_text import read_sheet

CELLS_AT_MOST = 5_000_000
"""More is no table that anybody publishes."""

Columns = Mapping[str, Sequence[str]]

_ONLY_SAID = "workbook_said"
"""What a person can read and judge; all else beside a table fails it."""


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


@dataclass(frozen=True)
class Said:
    """What the caller says of the columns, and the table of evidence that does not leave, where there is one."""

    description: Description
    evidence: Columns | None = None


def check(
    paths: Iterable[Path], rules: Sequence[str], policies: Path, description: Path | None = None
) -> list[Checked]:
    """Every file by itself, all under one description of their columns.

    Raises Refused `disclosure.rule_*`, `disclosure.spec_invalid`, and `disclosure.file_missing` for what is not there.
    """
    binding = combine(rule_files.resolve(rules, policies / "data"))
    said = Said(Description()) if description is None else read_description(description)
    return [_checked(path, binding, said) for path in paths]


def read_description(path: Path) -> Said:
    """A description (YAML) and the evidence it names, found beside it. Raises Refused `disclosure.*`."""
    data = description_text.read(_bytes(path), path.name)
    said = describing.parse(data)
    beside = data.get("evidence") if isinstance(data, dict) else None
    if beside is None:
        return Said(said)
    if not isinstance(beside, str):
        raise Refused("disclosure.spec_invalid", {"where": "evidence", "needs": "the name of a file"})
    return Said(said, _evidence(path.parent / beside))


def _evidence(path: Path) -> Columns:
    tables, _ = _tables(path, _bytes(path))
    found = [columns for columns in tables.values() if columns is not None]
    if len(found) != 1:
        raise Refused("disclosure.file_unreadable", {"file": path.name})
    return found[0]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise Refused("disclosure.file_missing", {"file": path.name}) from None


def _checked(path: Path, rules: Rules, said: Said) -> Checked:
    data = _bytes(path)
    findings: list[Finding] = []
    try:
        tables, beside = _tables(path, data)
        findings += (
            Finding(f"disclosure.{code}", where, {"what": what}, rules.source, _weight(code))
            for code, where, what in beside
        )
        for name, columns in tables.items():
            findings += _examined(name, columns, rules, said)
    except Refused as no:
        verdict = Verdict.FAIL if no.code == "disclosure.workbook_unsafe" else Verdict.HUMAN
        findings.append(Finding(no.code, path.name, dict(no.facts), rules.source, verdict))
    verdicts = {one.verdict for one in findings}
    verdict = next((one for one in (Verdict.FAIL, Verdict.HUMAN) if one in verdicts), Verdict.PASS)
    return Checked(path, f"sha256:{sha256(data).hexdigest()}", verdict, tuple(findings))


def _weight(code: str) -> Verdict:
    return Verdict.HUMAN if code in (_ONLY_SAID, "file_said") else Verdict.FAIL


def _examined(name: str, columns: Columns | None, rules: Rules, said: Said) -> Iterator[Finding]:
    if columns is None:
        yield Finding("disclosure.workbook_form", name, {}, rules.source, Verdict.HUMAN)
        return
    file = TableFile(name, columns, description=said.description)
    if said.evidence is not None:
        file = replace(file, attached=describing.attach(said.description, columns, said.evidence))
    yield from examine(file, rules).findings


Beside = tuple[str, str, str]
"""(code without its story, where, what)."""


def _tables(path: Path, data: bytes) -> tuple[Mapping[str, Columns | None], list[Beside]]:
    """The tables of a file by name, as text, and what it says besides. A file without any table is no table.

    Raises Refused `export.csv_*`, `disclosure.file_unreadable`, `disclosure.too_large`, `disclosure.workbook_unsafe`.
    """
    kind = path.suffix.lower()
    if kind == ".csv":
        sheet = read_sheet(data)
        return {path.name: {name: sheet.column(name) for name in sheet.header}}, []
    if kind == ".xlsx":
        book = workbook.read(data)
        if not book.sheets and not book.beside:
            raise Refused("disclosure.file_unreadable", {"file": path.name})
        several = len(book.sheets) > 1
        tables = {
            f"{path.name}: {name}" if several else path.name: columns for name, columns in book.sheets.items()
        }
        return tables, [(one.code, one.where, one.what) for one in book.beside]
    try:
        table = _table(kind, pa.BufferReader(data))
    except (pa.ArrowException, OSError):
        raise Refused("disclosure.file_unreadable", {"file": path.name}) from None
    return {path.name: _texts(path, table)}, list(_said(path, table))


def _texts(path: Path, table: pa.Table) -> Columns:
    odd = [
        field.name
        for field in table.schema
        if pa.types.is_nested(field.type) or pa.types.is_binary(field.type)
    ]
    if odd or len(set(table.column_names)) != table.num_columns:
        raise Refused("disclosure.file_unreadable", {"file": path.name})
    if table.num_rows * table.num_columns > CELLS_AT_MOST:
        raise Refused("disclosure.too_large", {"limit": CELLS_AT_MOST})
    return {
        name: ["" if cell is None else str(cell) for cell in table.column(name).to_pylist()]
        for name in table.column_names
    }


def _said(path: Path, table: pa.Table) -> Iterator[Beside]:
    """Notes beside the columns, and categories that a column could have and no cell has: of a person removed, say."""
    if any(_notes(one) for one in (table.schema.metadata, *(field.metadata for field in table.schema))):
        yield "file_said", path.name, "metadata"
    for column in table.columns:
        if pa.types.is_dictionary(column.type):
            for chunk in column.chunks:
                if len(chunk.dictionary) > len(chunk.indices.drop_null().unique()):
                    yield "file_said", path.name, "unused_categories"
                    return


def _notes(metadata: Mapping[bytes, bytes] | None) -> bool:
    """Whether there is more than what writers of Parquet and Arrow note of themselves."""
    for key, value in (metadata or {}).items():
        if key == b"pandas":
            try:
                noted = json.loads(value)
                index = [one for one in noted.get("index_columns", []) if isinstance(one, dict)]
                plain = not noted.get("attributes") and all(
                    (one.get("kind"), one.get("start"), one.get("step"), one.get("name"))
                    == ("range", 0, 1, None)
                    for one in index
                )
            except (ValueError, AttributeError):
                plain = False
            if not plain:
                return True
        elif key not in (b"ARROW:schema", b"PARQUET:field_id"):
            return True
    return False


def _table(kind: str, source: pa.BufferReader) -> pa.Table:
    if kind == ".parquet":
        return pyarrow.parquet.read_table(source)
    if kind in (".arrow", ".feather", ".ipc"):
        return pyarrow.ipc.open_file(source).read_all()
    raise pa.ArrowInvalid(kind)
