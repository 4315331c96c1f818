"""Sources in, encrypted extracts out: DuckDB, and the folders that extracts lie in.

Decides nothing: a plan (`enclave.custody.plan`) says what an extract holds. Relies on DuckDB's packaged httpfs
extension for OpenSSL's cipher (the bundled one has a weak generator and may only read), and on rename being atomic.

How a build is whole or not there: the file grows in `extracts/<provision>/.building-<n>`, is checkpointed, hashed and
flushed to disk, and the folder is renamed to `<n>`. It *exists* once the vault holds its key (`Vault.keep_extract`);
whatever the vault does not know is swept away before the next build. One build of a provision at a time
(`exclusively`), across processes.

What the engine says of an error quotes values and statements, so no engine message ever leaves this module.
"""

import csv
import fcntl
import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, TextIO

import duckdb
import pyarrow as pa

from enclave.catalogue.descriptor import PID, Column, ColumnType, Table, Taken, taken
from enclave.core.refusal import Refused
from enclave.custody.manifest import ManifestColumn, ManifestTable
from enclave.custody.plan import ExtractPlan, Kind, PlannedColumn, PlannedPeriod, TablePlan
from enclave.custody.pseudonym import Numbers

EXTRACT_FILE = "extract.duckdb"
MANIFEST_FILE = "manifest.json"
BUILDING = ".building-"
CIPHER = "GCM"

MEMORY = "2GB"
"""What one build may hold in memory before it spills (encrypted) to custody's own folder."""


@dataclass(frozen=True)
class Inspected:
    """What registration learns of a file. `identifiers` by kind; they go to the register and nowhere else."""

    taken: Taken
    rows: int
    persons: int | None
    identifiers: Mapping[Kind, frozenset[str]]


@dataclass(frozen=True)
class Names:
    """The pseudonyms of one kind in one linkage group: `identifiers[i]` becomes `pseudonyms[i]`."""

    identifiers: Sequence[str]
    pseudonyms: Numbers


@dataclass(frozen=True)
class Built:
    """An encrypted file that is complete on disk, and what its manifest will say of it."""

    tables: tuple[ManifestTable, ...]
    digest: str
    size: int


def engine() -> str:
    """`duckdb 1.5.5`: extracts are written and read by one version."""
    return f"duckdb {duckdb.__version__}"


# -- sources -------------------------------------------------------------------------------------
def inspect(database: str, table: Table, path: Path) -> Inspected:
    """Read a table's file once: are its columns there, does every value fit its type, whom is it about?

    Raises Refused `catalogue.file_missing`, `catalogue.file_unreadable`, `catalogue.column_missing`,
    `catalogue.value_unreadable` (with how many rows, never which value), `catalogue.person_absent`.
    """
    place = {"database": database, "table": table.name}
    header = _header(place, table.file, path)
    found = taken(table, header, database)
    columns = list(table.columns.values())
    counts = ["count(*)"]
    for column in columns:
        raw = f"count({_quoted(column.source)})"
        counts.append(f"{raw} - count({_typed(column)})")
        counts.append(f"count(*) - count({_identifier(column)})")
    counts.append(f"count(DISTINCT {_identifier(table.columns[PID])})" if table.person_level else "NULL")
    with _engine(path.parent, None) as connection, _quiet("catalogue.file_unreadable", place):
        source = _source(path, header, table.missing)
        row = connection.execute(f"SELECT {', '.join(counts)} FROM {source}").fetchone()
        for position, column in enumerate(columns):
            wrong, absent = row[1 + 2 * position], row[2 + 2 * position]
            if wrong:
                raise Refused(
                    "catalogue.value_unreadable",
                    {**place, "column": column.name, "type": column.type.value, "rows": wrong},
                )
            if absent and column.name == PID:
                raise Refused("catalogue.person_absent", {**place, "rows": absent})
        identifiers: dict[Kind, frozenset[str]] = {}
        for column in columns:
            if column.pseudonymous:
                kind = Kind(column.role.value)
                text = _identifier(column)
                values = connection.execute(
                    f"SELECT DISTINCT {text} FROM {source} WHERE {text} IS NOT NULL"
                ).fetchall()
                identifiers[kind] = identifiers.get(kind, frozenset()) | {value[0] for value in values}
    return Inspected(found, int(row[0]), row[-1], identifiers)


def copy_source(path: Path, to: Path) -> str:
    """Copy a file into custody's own folder, whole or not at all; its `sha256:<hex>`."""
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = to.with_name(f".{to.name}.part")
    digest = hashlib.sha256()
    with (
        path.open("rb") as source,
        os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target,
    ):
        while block := source.read(1 << 20):
            digest.update(block)
            target.write(block)
        target.flush()
        os.fsync(target.fileno())
    part.rename(to)
    return "sha256:" + digest.hexdigest()


# -- building ------------------------------------------------------------------------------------
def build(
    plan: ExtractPlan,
    sources: Mapping[tuple[str, str], Path],
    names: Mapping[tuple[str, Kind], Names],
    *,
    home: Path,
    key: str,
    folder: Path,
    spill: Path,
) -> Built:
    """Write `folder/extract.duckdb`, encrypted under `key` (base64 of 32 bytes), and flush it to disk.

    `sources` by (database, table), all below `home`; `names` by (database, kind). Rows are sorted by pseudonym and then by every other
    column, so that neither the file's order nor the register's is carried along.
    Raises Refused `custody.rows_unreadable` or `custody.engine`; what was written so far is the caller's to sweep.
    """
    file = folder / EXTRACT_FILE
    tables = []
    with _engine(home, spill, file, key) as connection:
        for number, ((database, kind), known) in enumerate(names.items()):
            lookup = pa.table(
                {
                    "identifier": pa.array(known.identifiers, pa.string()),
                    "pseudonym": pa.array(known.pseudonyms),
                }
            )
            connection.register(f"arrow{number}", lookup)
            with _quiet("custody.engine", {}):
                connection.execute(
                    f"CREATE TEMP TABLE {_lookup(database, kind)} AS SELECT * FROM arrow{number}"
                )
            connection.unregister(f"arrow{number}")
        for table in plan.tables:
            tables.append(_build_table(connection, table, sources[table.database, table.table]))
        with _quiet("custody.engine", {}):
            connection.execute("CHECKPOINT extract")
            connection.execute("DETACH extract")
    os.chmod(file, 0o640)
    return Built(tuple(tables), flush(file), file.stat().st_size)


def _build_table(connection: Any, table: TablePlan, path: Path) -> ManifestTable:
    place = {"database": table.database, "table": table.table}
    source = _source(path, _header(place, table.about.file, path), table.about.missing)
    read = [
        f"{_identifier(c.about)} AS {_hidden(c)}"
        if c.kind is not Kind.VALUE
        else f"{_typed(c.about)} AS {_quoted(c.name)}"
        for c in table.columns
    ]
    conditions = []
    if table.period is not None:
        conditions.append(_period(table.period))
    if table.rows is not None:
        conditions.append(f"({table.rows.sql})")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    joins, shown = [], []
    for number, column in enumerate(table.shown):
        if column.kind is Kind.VALUE:
            shown.append(f"{_coarsened(column)} AS {_quoted(column.name)}")
        else:
            lookup = _lookup(table.database, column.kind)
            joins.append(f" LEFT JOIN {lookup} l{number} ON c.{_hidden(column)} = l{number}.identifier")
            shown.append(f"l{number}.pseudonym AS {_quoted(column.name)}")
    name = f"extract.{_quoted(table.database)}.{_quoted(table.table)}"
    code = "custody.rows_unreadable" if table.rows is not None else "custody.engine"
    with _quiet(code, place):
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS extract.{_quoted(table.database)}")
        connection.execute(
            f"CREATE TABLE {name} AS"
            f" WITH source AS (SELECT {', '.join(read)} FROM {source}),"
            f" chosen AS (SELECT * FROM source{where})"
            f" SELECT {', '.join(shown)} FROM chosen c{''.join(joins)} ORDER BY ALL"
        )
        person = table.about.person_level
        counted = f"count(DISTINCT {PID}), count(*) - count({PID})" if person else "NULL, 0"
        rows, persons, nameless = connection.execute(f"SELECT count(*), {counted} FROM {name}").fetchone()
    if nameless:
        # Someone of the file is not in the register: the source changed behind the registration's back.
        raise Refused("custody.engine")
    columns = tuple(
        ManifestColumn(c.name, c.engine_type, c.about.role.value, c.about.title, c.about.system, c.coarsen)
        for c in table.shown
    )
    return ManifestTable(table.database, table.table, table.about.title, columns, rows, persons)


# -- places --------------------------------------------------------------------------------------
@contextmanager
def exclusively(locks: Path, name: str, *, shared: bool = False) -> Iterator[None]:
    """One at a time (or many `shared`) per name, across threads and processes; a killed holder lets go."""
    locks.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(locks / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sweep(extracts: Path, provision: str, known: frozenset[int]) -> None:
    """Remove what an interrupted build left: unfinished folders, and finished ones that the vault does not know."""
    home = extracts / provision
    if not home.is_dir():
        return
    for path in home.iterdir():
        if not (path.name.isdecimal() and int(path.name) in known):
            shutil.rmtree(path)


def begin(extracts: Path, provision: str, n: int) -> Path:
    """A fresh folder in which to build, closed to everybody else."""
    home = extracts / provision
    home.mkdir(mode=0o750, exist_ok=True)
    os.chmod(home, 0o750)  # noqa: S103  the gateway reads as a member of the group
    folder = home / f"{BUILDING}{n}"
    folder.mkdir(mode=0o700)
    return folder


def finish(folder: Path, n: int, manifest: Mapping[str, Any]) -> Path:
    """Write the manifest beside the extract and give the folder its name: the group may read, others nothing."""
    path = folder / MANIFEST_FILE
    path.write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    os.chmod(path, 0o640)
    flush(path)
    os.chmod(folder, 0o750)  # noqa: S103  the gateway reads as a member of the group
    _flush_folder(folder)
    placed = folder.rename(folder.parent / str(n))
    _flush_folder(folder.parent)
    return placed


def remove(extracts: Path, provision: str) -> None:
    """Remove every file of a provision. Their key is gone before; again is no error."""
    shutil.rmtree(extracts / provision, ignore_errors=True)
    if (extracts / provision).exists():
        raise Refused("custody.engine")


def flush(path: Path) -> str:
    """Make a file durable; its `sha256:<hex>`."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
        os.fsync(file.fileno())
    return "sha256:" + digest.hexdigest()


def _flush_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# -- the engine ----------------------------------------------------------------------------------
@contextmanager
def _engine(
    reads: Path, spill: Path | None, writes: Path | None = None, key: str | None = None
) -> Iterator[Any]:
    """A private engine that reaches the sources, the file it writes and nothing else of the machine."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
            "memory_limit": MEMORY,
        },
    )
    try:
        allowed = [reads]
        with _quiet("custody.engine", {}):
            if writes is not None:
                extension = files("duckdb_extension_httpfs") / "extensions" / f"v{duckdb.__version__}"
                connection.execute(f"LOAD {_text(str(extension / 'httpfs.duckdb_extension'))}")
                connection.execute(
                    f"ATTACH {_text(str(writes))} AS extract"
                    f" (ENCRYPTION_KEY {_text(key or '')}, ENCRYPTION_CIPHER {_text(CIPHER)})"
                )
                allowed.append(writes.parent)
            if spill is not None:
                spill.mkdir(mode=0o700, parents=True, exist_ok=True)
                connection.execute(f"SET temp_directory = {_text(str(spill))}")
                connection.execute("SET temp_file_encryption = true")
                allowed.append(spill)
            else:
                connection.execute("SET temp_directory = ''")
            # A row condition was compiled from a closed grammar; should that fail, it still reaches no other file.
            connection.execute(
                f"SET allowed_directories = [{', '.join(_text(str(path)) for path in allowed)}]"
            )
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()


@contextmanager
def _quiet(code: str, facts: Mapping[str, object]) -> Iterator[None]:
    """Turn the engine's error, whose text may quote a value, a path or the key, into a code."""
    try:
        yield
    except duckdb.Error:
        raise Refused(code, facts) from None


def _header(place: Mapping[str, str], file: str, path: Path) -> list[str]:
    def opened() -> TextIO:
        if path.suffix == ".gz":
            return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
        return path.open("rt", encoding="utf-8-sig", newline="")

    try:
        with opened() as text:
            return next(csv.reader([text.readline(1 << 20)]))
    except (StopIteration, UnicodeDecodeError, csv.Error, EOFError, gzip.BadGzipFile):
        raise Refused("catalogue.file_unreadable", place) from None
    except OSError:
        raise Refused("catalogue.file_missing", {**place, "file": file}) from None


def _source(path: Path, header: Sequence[str], missing: Sequence[str]) -> str:
    columns = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in header)
    absent = ", ".join(_text(text) for text in ("", *missing))
    return (
        f"read_csv({_text(str(path))}, columns = {{{columns}}}, header = true, auto_detect = false,"
        f" delim = ',', quote = '\"', escape = '\"', nullstr = [{absent}])"
    )


def _typed(column: Column) -> str:
    """The value of a text field in its declared type, NULL where it cannot be read as one. Never rounds."""
    raw = _quoted(column.source)
    match column.type:
        case ColumnType.TEXT | ColumnType.CODE:
            return raw
        case ColumnType.INT:
            whole = f"TRY_CAST(split_part(trim({raw}), '.', 1) AS BIGINT)"
            return f"CASE WHEN regexp_full_match(trim({raw}), '[+-]?[0-9]{{1,18}}([.]0*)?') THEN {whole} END"
        case ColumnType.FLOAT:
            number = f"TRY_CAST({raw} AS DOUBLE)"
            return f"CASE WHEN isfinite({number}) THEN {number} END"
        case ColumnType.BOOL:
            return f"TRY_CAST(lower(trim({raw})) AS BOOLEAN)"
        case ColumnType.DATE:
            day = f"TRY_CAST(trim({raw}) AS DATE)"
            return (
                f"CASE WHEN regexp_full_match(trim({raw}), '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}') THEN {day} END"
            )
        case ColumnType.MONTH:
            digits = f"regexp_replace(trim({raw}), '-', '', 'g')"
            first = f"TRY_CAST(left({digits}, 4) || '-' || right({digits}, 2) || '-01' AS DATE)"
            return f"CASE WHEN regexp_full_match(trim({raw}), '[0-9]{{4}}-?[0-9]{{2}}') THEN {first} END"


def _identifier(column: Column) -> str:
    """The one spelling of an identifier: no white space around it, and `10630.0` is `10630`."""
    raw = f"trim({_quoted(column.source)})"
    return f"nullif(regexp_replace({raw}, '^([0-9]+)[.]0+$', '\\1'), '')"


def _coarsened(column: PlannedColumn) -> str:
    value = f"c.{_quoted(column.name)}"
    if column.coarsen is None:
        return value
    return f"CAST(floor({value} / {column.coarsen}) * {column.coarsen} AS {column.engine_type})"


def _period(period: PlannedPeriod) -> str:
    def end(text: str) -> str:
        if period.type is ColumnType.INT:
            return str(int(text))
        return f"DATE {_text(text if len(text) > 7 else text + '-01')}"

    column = _quoted(period.column)
    return f"({column} >= {end(period.start)} AND {column} < {end(period.end)})"


def _lookup(database: str, kind: Kind) -> str:
    return _quoted(f"{kind.value} of {database}")


def _hidden(column: PlannedColumn) -> str:
    """A source's identifier on its way to the register: a name that no condition can spell."""
    return _quoted(f"identifier of {column.name}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
