"""What a database holds and what each column may mean to an outsider (SHAPES, Descriptor of a database).

Decides whether a descriptor is well formed and which columns of a file are taken in. Relies on a parsed document
(the YAML is read by `enclave.adapters.descriptor_files`). Does not read data and does not decide who may see what.

Keys beyond those of SHAPES, all optional:

- `from`: the column's name in the file, where it differs (`case_pid: {from: case.id, …}`);
- `title: {ja, en}` of a table or a column, `values: {<code>: {ja, en}}` of a coded column;
- `population`: whose register of persons the ids belong to. Databases can be linked only within one population. The
  default is `residents` for a database with `identifiers` (all of them are about the people who live here), else the
  database's own;
- `missing`: spellings of an absent value besides the empty field;
- `encoding: utf-8 | shift_jis` of a table that is a CSV (Shift-JIS is read as code page 932), default UTF-8;
- `one_row_per_person: true` of a table with `person`: a person who stands in it twice is refused at registration;
- `sensitivity` of a column (`Sensitivity`), default ordinary;
- `record: true` of a column with role person and type int: the number of a record of a person (a claim, an admission).
  It joins tables of one database; left as it is, it would join two provisions, so it gets a pseudonym of its own;
- `reference: true` of a table without `person`: public facts about codes, places or populations, protected by nothing.
  `codes: <system>` says that its column `code` lists the codes of that system;
- `identifiers: {file, person, keys}`: the holder's keyed hashes of each person, by which custody links databases
  (columns: IDENTIFIER_COLUMNS; the keys are LINK_KEYS). Nobody but custody ever reads them;
- `apart`: columns that hide others: `{when: [table.column …], hide: [table.column …], source}`.

Every table with `person` has a column `pid` that the descriptor does not name: the provision's pseudonym. A `system`
is one of `enclave.catalogue.systems`; a code without one is explained by its `values`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from enclave.catalogue.systems import SYSTEMS
from enclave.catalogue.words import Title
from enclave.core.ids import DatabaseId
from enclave.core.refusal import Refused

__all__ = [
    "ENCODINGS", "IDENTIFIER_COLUMNS", "LINK_KEYS", "NAME", "PID", "RESIDENTS", "Apart", "Column", "ColumnType", "Descriptor", "Identifiers",
    "Role", "Sensitivity", "Table", "Taken", "Title", "parse", "taken",
]  # fmt: skip

PID = "pid"
"""The pseudonym's column in every person-level table."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
"""Names of databases, tables and columns: they become SQL identifiers, folders and parts of addresses."""


RESIDENTS = "residents"
"""The register of persons that databases with identifiers share unless they say otherwise."""

ENCODINGS = ("utf-8", "shift_jis")
"""How a CSV may be written; the first is the default."""


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


class Sensitivity(StrEnum):
    """How much more than the ordinary a column needs before it is given."""

    ORDINARY = "ordinary"
    SENSITIVE = "sensitive"
    """機微: its necessity is examined for itself, and it is grouped when published."""
    RESTRICTED = "restricted"
    """Given only where the review of this one item allows it."""


LINK_KEYS = ("id1", "id2", "id4", "id5")
"""Identifiers by which two databases can be linked, best last; what each is made from stands on the page of linkage."""

IDENTIFIER_COLUMNS = ("sex", "birth_ym", "first_seen", "last_seen")
"""Columns of an identifiers table beside `person` and its keys: sex 1 or 2, first of the month of birth, two dates."""


@dataclass(frozen=True)
class Identifiers:
    """Where the holder's hashes of persons stand: one row per person and observed combination of keys."""

    file: str
    person: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Apart:
    """Whoever is given a column of `when` is given none of `hide`, unless the review of that one allows it."""

    when: tuple[str, ...]
    hide: tuple[str, ...]
    source: str


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
    sensitivity: Sensitivity = Sensitivity.ORDINARY
    record: bool = False

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
    reference: bool = False
    codes: str | None = None
    encoding: str = "utf-8"
    one_row_per_person: bool = False

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
    identifiers: Identifiers | None = None
    apart: tuple[Apart, ...] = ()

    @property
    def reference(self) -> bool:
        """Whether it holds reference tables only: nothing of it is asked for, and nothing protected."""
        return all(table.reference for table in self.tables.values())

    def to_json(self) -> dict[str, Any]:
        printed: dict[str, Any] = {
            "database": self.database,
            "title": _title_json(self.title),
            "holder": _title_json(self.holder),
            "source": self.source,
            "population": self.population,
        }
        if self.identifiers is not None:
            printed["identifiers"] = {
                "file": self.identifiers.file,
                "person": self.identifiers.person,
                "keys": list(self.identifiers.keys),
            }
        if self.apart:
            printed["apart"] = [
                {"when": list(one.when), "hide": list(one.hide), "source": one.source} for one in self.apart
            ]
        printed["tables"] = {name: _table_json(table) for name, table in self.tables.items()}
        return printed


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
_DATABASE_KEYS = {"database", "title", "holder", "source", "population", "identifiers", "apart", "tables"}
_TABLE_KEYS = {
    "file", "person", "title", "missing", "reference", "codes", "encoding", "one_row_per_person", "columns",
}  # fmt: skip
_COLUMN_KEYS = {
    "from", "type", "role", "title", "unit", "bands", "system", "values", "sensitivity", "record",
}  # fmt: skip

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
        population=_name(
            top.get("population", RESIDENTS if "identifiers" in top else database), "population"
        ),
        tables=tables,
        identifiers=_identifiers(top["identifiers"]) if "identifiers" in top else None,
        apart=_apart(top["apart"], tables) if "apart" in top else (),
    )


def _identifiers(data: object) -> Identifiers:
    raw = _object(data, "identifiers", {"file", "person", "keys"})
    keys = raw.get("keys")
    if not isinstance(keys, list) or not keys or any(key not in LINK_KEYS for key in keys):
        raise _WrongError("identifiers.keys")
    if len(set(keys)) != len(keys):
        raise _WrongError("identifiers.keys")
    person = _name(raw.get("person"), "identifiers.person")
    return Identifiers(_file(raw.get("file"), "identifiers.file"), person, tuple(keys))


def _apart(data: object, tables: Mapping[str, Table]) -> tuple[Apart, ...]:
    if not isinstance(data, list):
        raise _WrongError("apart")
    places = {f"{table.name}.{column}" for table in tables.values() for column in table.columns}
    found = []
    for n, one in enumerate(data):
        raw = _object(one, f"apart.{n}", {"when", "hide", "source"})
        sides = []
        for side in ("when", "hide"):
            names = raw.get(side)
            # A misspelt column would silently be given.
            if not isinstance(names, list) or not names or any(name not in places for name in names):
                raise _WrongError(f"apart.{n}.{side}")
            sides.append(tuple(names))
        found.append(Apart(sides[0], sides[1], _text(raw.get("source", ""), f"apart.{n}.source")))
    return tuple(found)


def _file(value: object, place: str) -> str:
    file = _text(value, place)
    # A descriptor that reaches outside its folder could make custody copy a key or another database's source.
    if not file or file.startswith("/") or "\\" in file or ".." in file.split("/"):
        raise _WrongError(place)
    return file


def _flag(raw: Mapping[Any, Any], key: str, place: str) -> bool:
    value = raw.get(key, False)
    if not isinstance(value, bool):
        raise _WrongError(f"{place}.{key}")
    return value


def _table(name: str, data: object, place: str) -> Table:
    raw = _object(data, place, _TABLE_KEYS)
    file = _file(raw.get("file"), f"{place}.file")
    reference = _flag(raw, "reference", place)
    if reference and "person" in raw:
        raise _WrongError(f"{place}.reference")
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
    codes = None
    if "codes" in raw:
        codes = _text(raw["codes"], f"{place}.codes")
        if not reference or codes not in SYSTEMS or "code" not in columns:
            raise _WrongError(f"{place}.codes")
    if reference and any(column.pseudonymous for column in columns.values()):
        raise _WrongError(f"{place}.reference")
    title = _title(raw.get("title"), f"{place}.title", name)
    encoding = raw.get("encoding", ENCODINGS[0])
    if encoding not in ENCODINGS:
        raise _WrongError(f"{place}.encoding")
    once = _flag(raw, "one_row_per_person", place)
    if once and "person" not in raw:
        raise _WrongError(f"{place}.one_row_per_person")
    return Table(name, file, title, columns, spellings, reference, codes, encoding, once)


def _column(name: str, data: object, place: str) -> Column:
    raw = _object(data, place, _COLUMN_KEYS)
    try:
        kind, role = ColumnType(str(raw.get("type"))), Role(str(raw.get("role")))
    except ValueError:
        raise _WrongError(place) from None
    try:
        sensitivity = Sensitivity(str(raw.get("sensitivity", Sensitivity.ORDINARY.value)))
    except ValueError:
        raise _WrongError(f"{place}.sensitivity") from None
    record = _flag(raw, "record", place)
    if record and not (role is Role.PERSON and kind is ColumnType.INT):
        raise _WrongError(f"{place}.record")
    system = _text(raw["system"], f"{place}.system") if "system" in raw else None
    if system is not None and system not in SYSTEMS:
        raise _WrongError(f"{place}.system")
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
        system=system,
        values=values,
        sensitivity=sensitivity,
        record=record,
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
    if table.encoding != ENCODINGS[0]:
        printed["encoding"] = table.encoding
    if table.one_row_per_person:
        printed["one_row_per_person"] = True
    if table.reference:
        printed["reference"] = True
    if table.codes is not None:
        printed["codes"] = table.codes
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
    if column.sensitivity is not Sensitivity.ORDINARY:
        printed["sensitivity"] = column.sensitivity.value
    if column.record:
        printed["record"] = True
    if column.values is not None:
        printed["values"] = {code: _title_json(title) for code, title in column.values.items()}
    return printed
