"""What a database holds and what each column may mean to an outsider (SHAPES, Descriptor of a database).

Decides whether a descriptor is well formed and which columns of a file are taken in. Relies on a parsed document
(the YAML is read by `enclave.adapters.descriptor_files`). Does not read data and does not decide who may see what.

Keys beyond those of SHAPES, all optional:

- `from`: the column's name in the file, where it differs (`case_pid: {from: case.id, …}`);
- `title: {ja, en}` of a table or a column, `values: {<code>: {ja, en}}` of a coded column;
- `population`: whose register of persons the ids belong to (default: the database's own). Databases can be linked
  only within one population;
- `missing`: spellings of an absent value besides the empty field.

Every table with `person` has a column `pid` that the descriptor does not name: the provision's pseudonym.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from enclave.core.ids import DatabaseId
from enclave.core.refusal import Refused

PID = "pid"
"""The pseudonym's column in every person-level table."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
"""Names of databases, tables and columns: they become SQL identifiers, folders and parts of addresses."""


class Role(StrEnum):
    """What an outsider may know of a column, or want to learn from it; the disclosure engine depends on it."""

    PERSON = "person"
    IDENTIFYING = "identifying"
    CLINICAL = "clinical"
    OUTCOME = "outcome"
    FACILITY = "facility"
    DATE = "date"
    AREA = "area"
    MEASURE = "measure"


class ColumnType(StrEnum):
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    TEXT = "text"
    DATE = "date"
    MONTH = "month"
    CODE = "code"


@dataclass(frozen=True)
class Title:
    """What people read, in both languages."""

    ja: str
    en: str

    def of(self, language: str) -> str:
        return self.ja if language == "ja" else self.en


@dataclass(frozen=True)
class Column:
    """One column as the catalogue shows it. `source` is its name in the file and stays out of the public page."""

    name: str
    source: str
    type: ColumnType
    role: Role
    title: Title
    unit: str | None = None
    bands: int | None = None
    system: str | None = None
    values: Mapping[str, Title] | None = None

    @property
    def pseudonymous(self) -> bool:
        """Whether the extract holds a pseudonym (unsigned 32-bit) where the source holds an identifier."""
        return self.role in {Role.PERSON, Role.FACILITY}


@dataclass(frozen=True)
class Table:
    """One table. `columns` begins with `pid` where the table is about persons."""

    name: str
    file: str
    title: Title
    columns: Mapping[str, Column]
    missing: tuple[str, ...] = ()

    @property
    def person_level(self) -> bool:
        return PID in self.columns


@dataclass(frozen=True)
class Descriptor:
    """One database. `to_json` prints what `parse` reads back to an equal value."""

    database: DatabaseId
    title: Title
    holder: Title
    source: str
    population: str
    tables: Mapping[str, Table]

    def to_json(self) -> dict[str, Any]:
        return {
            "database": self.database,
            "title": _title_json(self.title),
            "holder": _title_json(self.holder),
            "source": self.source,
            "population": self.population,
            "tables": {name: _table_json(table) for name, table in self.tables.items()},
        }


@dataclass(frozen=True)
class Taken:
    """Which columns of a file enter the database. `left` are not taken in: shown to the custodian, then ignored."""

    table: str
    columns: tuple[str, ...]
    left: tuple[str, ...]


def taken(table: Table, header: Sequence[str], database: str = "") -> Taken:
    """Hold a file's header against the descriptor.

    Raises Refused `catalogue.column_missing` naming every column that the file lacks, and
    `catalogue.header_repeated` where a name stands twice, since either could be meant.
    """
    place = {"database": database, "table": table.name}
    if len(set(header)) != len(header):
        raise Refused("catalogue.header_repeated", place)
    wanted = {column.source: column.name for column in table.columns.values()}
    missing = [source for source in wanted if source not in header]
    if missing:
        raise Refused("catalogue.column_missing", {**place, "columns": missing})
    return Taken(table.name, tuple(wanted), tuple(name for name in header if name not in wanted))


# -- parsing -------------------------------------------------------------------------------------
_DATABASE_KEYS = {"database", "title", "holder", "source", "population", "tables"}
_TABLE_KEYS = {"file", "person", "title", "missing", "columns"}
_COLUMN_KEYS = {"from", "type", "role", "title", "unit", "bands", "system", "values"}

_PID_TITLE = Title("仮名化された個人番号", "Pseudonym of the person")


class _WrongError(ValueError):
    """A place in the document that cannot be read."""


def parse(data: object) -> Descriptor:
    """A descriptor from its document. Raises Refused `catalogue.descriptor_malformed` with the place that is wrong.

    Unknown keys, roles and types are refused: a role with a typing error would silently unprotect a column.
    """
    try:
        return _descriptor(data)
    except _WrongError as wrong:
        raise Refused("catalogue.descriptor_malformed", {"place": str(wrong)}) from None


def _descriptor(data: object) -> Descriptor:
    top = _object(data, "", _DATABASE_KEYS)
    database = _name(top.get("database"), "database")
    tables = {}
    for key, raw in _mapping(top.get("tables"), "tables").items():
        name = _name(key, "tables")
        tables[name] = _table(name, raw, f"tables.{name}")
    return Descriptor(
        database=DatabaseId(database),
        title=_title(top.get("title"), "title", database),
        holder=_title(top.get("holder"), "holder", ""),
        source=_text(top.get("source", ""), "source"),
        population=_name(top.get("population", database), "population"),
        tables=tables,
    )


def _table(name: str, data: object, place: str) -> Table:
    raw = _object(data, place, _TABLE_KEYS)
    file = _text(raw.get("file"), f"{place}.file")
    # A descriptor that reaches outside its folder could make custody copy a key or another database's source.
    if not file or file.startswith("/") or "\\" in file or ".." in file.split("/"):
        raise _WrongError(f"{place}.file")
    columns: dict[str, Column] = {}
    if "person" in raw:
        person = _text(raw["person"], f"{place}.person")
        columns[PID] = Column(PID, person, ColumnType.TEXT, Role.PERSON, _PID_TITLE)
    for key, column in _mapping(raw.get("columns"), f"{place}.columns").items():
        part = _name(key, f"{place}.columns")
        if part == PID:
            raise _WrongError(f"{place}.columns.{PID}")
        columns[part] = _column(part, column, f"{place}.columns.{part}")
    sources = [column.source for column in columns.values()]
    if len(set(sources)) != len(sources):
        raise _WrongError(f"{place}.columns")
    missing = raw.get("missing", [])
    if not isinstance(missing, list):
        raise _WrongError(f"{place}.missing")
    spellings = tuple(_text(text, f"{place}.missing") for text in missing)
    return Table(name, file, _title(raw.get("title"), f"{place}.title", name), columns, spellings)


def _column(name: str, data: object, place: str) -> Column:
    raw = _object(data, place, _COLUMN_KEYS)
    try:
        kind, role = ColumnType(str(raw.get("type"))), Role(str(raw.get("role")))
    except ValueError:
        raise _WrongError(place) from None
    bands = raw.get("bands")
    if bands is not None and (isinstance(bands, bool) or not isinstance(bands, int) or bands < 1):
        raise _WrongError(f"{place}.bands")
    values = None
    if "values" in raw:
        values = {
            str(code): _title(title, f"{place}.values", str(code))
            for code, title in _mapping(raw["values"], f"{place}.values").items()
        }
    return Column(
        name=name,
        source=_text(raw.get("from", name), f"{place}.from"),
        type=kind,
        role=role,
        title=_title(raw.get("title"), f"{place}.title", name),
        unit=_text(raw["unit"], f"{place}.unit") if "unit" in raw else None,
        bands=bands,
        system=_text(raw["system"], f"{place}.system") if "system" in raw else None,
        values=values,
    )


def _mapping(data: object, place: str) -> Mapping[Any, Any]:
    if not isinstance(data, Mapping) or not data:
        raise _WrongError(place or "document")
    return data


def _object(data: object, place: str, keys: set[str]) -> Mapping[Any, Any]:
    raw = _mapping(data, place)
    for key in raw:
        if key not in keys:
            raise _WrongError(f"{place}.{key}".lstrip("."))
    return raw


def _text(value: object, place: str) -> str:
    if not isinstance(value, str) or any(ord(character) < 32 for character in value):
        raise _WrongError(place)
    return value.strip()


def _name(value: object, place: str) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise _WrongError(place)
    return value


def _title(value: object, place: str, otherwise: str) -> Title:
    if value is None:
        return Title(otherwise, otherwise)
    if isinstance(value, str):
        return Title(_text(value, place), _text(value, place))
    raw = _object(value, place, {"ja", "en"})
    return Title(_text(raw.get("ja"), f"{place}.ja"), _text(raw.get("en"), f"{place}.en"))


# -- printing ------------------------------------------------------------------------------------
def _title_json(title: Title) -> dict[str, str]:
    return {"ja": title.ja, "en": title.en}


def _table_json(table: Table) -> dict[str, Any]:
    printed: dict[str, Any] = {"file": table.file, "title": _title_json(table.title)}
    if table.person_level:
        printed["person"] = table.columns[PID].source
    if table.missing:
        printed["missing"] = list(table.missing)
    printed["columns"] = {name: _column_json(c) for name, c in table.columns.items() if name != PID}
    return printed


def _column_json(column: Column) -> dict[str, Any]:
    printed: dict[str, Any] = {
        "type": column.type.value,
        "role": column.role.value,
        "title": _title_json(column.title),
    }
    if column.source != column.name:
        printed["from"] = column.source
    for key in ("unit", "bands", "system"):
        value = getattr(column, key)
        if value is not None:
            printed[key] = value
    if column.values is not None:
        printed["values"] = {code: _title_json(title) for code, title in column.values.items()}
    return printed
