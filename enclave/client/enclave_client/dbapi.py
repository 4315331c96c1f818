"""The permit as a Python database (PEP 249), for tools that speak to one: `pandas.read_sql(sql, dbapi.connect())`.

Read-only: there is nothing to commit, and `rollback` has nothing to undo. Parameters: `$name` with a mapping, `?` or
`$1` with a sequence; they never become text of the statement. Every error is a `Refused` with code and hint, and
belongs to the hierarchy of PEP 249 by whose affair it is (`KINDS`). An interrupt cancels at the gateway.
"""

import datetime
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from enclave_client.params import sent
from enclave_client.query import Answer, ask
from enclave_client.refusal import Refused
from enclave_client.session import RUN, enter
from enclave_client.wire import Gateway, Json

apilevel = "2.0"
threadsafety = 1
paramstyle = "named"
"""Nearest to `$name` in the standard's list; `?` with a sequence works as well."""

Date, Time, Timestamp, Binary = datetime.date, datetime.time, datetime.datetime, bytes
DateFromTicks, TimestampFromTicks = datetime.date.fromtimestamp, datetime.datetime.fromtimestamp


def TimeFromTicks(ticks: float) -> datetime.time:  # noqa: N802  the standard's name
    return datetime.datetime.fromtimestamp(ticks).time()


class Warning(Exception):  # noqa: N818  the standard's name
    """Never raised: what is not a whole answer is an error."""


class Error(Refused):
    """Everything that goes wrong here."""


class InterfaceError(Error):
    """Used wrongly: a closed cursor, a fetch before an execute."""


class DatabaseError(Error):
    """The gateway's no."""


class DataError(DatabaseError): ...


class OperationalError(DatabaseError):
    """Nobody's fault who wrote the statement: session, permit's end, budget, time, a service that is silent."""


class IntegrityError(DatabaseError): ...


class InternalError(DatabaseError): ...


class ProgrammingError(DatabaseError):
    """The statement: it does not parse, or asks for what the permit does not show."""


class NotSupportedError(DatabaseError):
    """What a read-only database of single questions has no use for."""


KINDS: tuple[tuple[str, type[DatabaseError]], ...] = (
    *((f"query.{code}", OperationalError) for code in (
        "budget_", "time_limit", "out_of_memory", "busy", "engine_unavailable", "extract_",
        "cancelled", "disconnected", "abandoned", "failed",
    )),
    ("query.account_differs", InternalError),
    ("query.value", DataError),
    ("query.", ProgrammingError),
    ("client.parameter", ProgrammingError),
    ("internal", InternalError),
    ("", OperationalError),
)  # fmt: skip
"""The first beginning of a code that fits tells the kind."""


def _as_error(no: Refused) -> DatabaseError:
    kind = next(kind for beginning, kind in KINDS if no.code.startswith(beginning))
    return kind(no.code, no.title, no.facts, no.hint, no.language)


def connect(folder: Path | str = RUN) -> "Connection":
    """The session of this workspace. Raises `OperationalError` where there is none."""
    # pandas warns of every connection but SQLAlchemy's; it reads this one by the same standard.
    warnings.filterwarnings("ignore", message="pandas only supports SQLAlchemy", category=UserWarning)
    try:
        return Connection(enter(folder)[0])
    except Refused as no:
        raise _as_error(no) from None


class TypeCode:
    """A type of the standard; compares equal to itself and to what it is called."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypeCode) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return self.name


STRING, BINARY, NUMBER, DATETIME, ROWID = (
    TypeCode(name) for name in ("STRING", "BINARY", "NUMBER", "DATETIME", "ROWID")
)


def _code(kind: pa.DataType) -> TypeCode:
    t = pa.types
    if t.is_integer(kind) or t.is_floating(kind) or t.is_decimal(kind) or t.is_boolean(kind):
        return NUMBER
    if t.is_temporal(kind):
        return DATETIME
    return BINARY if t.is_binary(kind) or t.is_large_binary(kind) else STRING


class Connection:
    """One session at the gateway. Cursors are independent of each other."""

    Warning, Error, InterfaceError, DatabaseError, DataError = (
        Warning,
        Error,
        InterfaceError,
        DatabaseError,
        DataError,
    )
    OperationalError, IntegrityError, InternalError = OperationalError, IntegrityError, InternalError
    ProgrammingError, NotSupportedError = ProgrammingError, NotSupportedError

    def __init__(self, gateway: Gateway) -> None:
        self._gateway: Gateway | None = gateway
        self._language = gateway.language

    def cursor(self) -> "Cursor":
        self._open()
        return Cursor(self)

    def close(self) -> None:
        self._gateway = None

    def commit(self) -> None:
        """Nothing is written here."""

    def rollback(self) -> None:
        """Nothing was written here."""

    def _open(self) -> Gateway:
        if self._gateway is None:
            raise InterfaceError.own("client.closed", self._language)
        return self._gateway

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Cursor:
    """One question and its answer, which is there as a whole when `execute` returns."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.arraysize = 1
        self._answer: Answer | None = None
        self._rows: Iterator[tuple[Any, ...]] = iter(())
        self._closed = False
        self.rownumber: int | None = None

    # -- asking -------------------------------------------------------------------------------
    def execute(
        self, operation: str, parameters: Mapping[str, object] | Sequence[object] | None = None
    ) -> Self:
        """Ask. Raises `ProgrammingError` or another `DatabaseError`, all of them `Refused`."""
        gateway = self._open()
        try:
            params = sent(parameters, gateway.language)
            self._answer = ask(gateway, {"sql": operation, "params": params, "form": "rows"})
        except Refused as no:
            self._answer, self._rows = None, iter(())
            raise _as_error(no) from None
        self._rows, self.rownumber = _rows(self._answer.data), 0
        return self

    def executemany(self, operation: str, seq_of_parameters: Sequence[object]) -> None:
        """Not supported: one question, one record in the log."""
        raise NotSupportedError.own("client.unsupported", self.connection._language, what="executemany")

    def callproc(self, procname: str, parameters: Sequence[object] = ()) -> None:
        """Not supported: there are no procedures."""
        raise NotSupportedError.own("client.unsupported", self.connection._language, what="callproc")

    def setinputsizes(self, sizes: object) -> None:
        """Needed by nobody here."""

    def setoutputsize(self, size: object, column: object = None) -> None:
        """Needed by nobody here."""

    # -- what came ----------------------------------------------------------------------------
    @property
    def description(self) -> tuple[tuple[str, TypeCode, None, None, None, None, bool], ...] | None:
        """Name, type and nullability of each column; None before the first answer."""
        if self._answer is None:
            return None
        return tuple(
            (field.name, _code(field.type), None, None, None, None, True)
            for field in self._answer.data.schema
        )

    @property
    def rowcount(self) -> int:
        return -1 if self._answer is None else int(self._answer.data.num_rows)

    @property
    def receipt(self) -> Json:
        """What the gateway says it answered (its id, places in the log)."""
        return self._asked().receipt

    def fetchone(self) -> tuple[Any, ...] | None:
        self._asked()
        row = next(self._rows, None)
        if row is not None and self.rownumber is not None:
            self.rownumber += 1
        return row

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        wanted = self.arraysize if size is None else size
        found: list[tuple[Any, ...]] = []
        while len(found) < wanted and (row := self.fetchone()) is not None:
            found.append(row)
        return found

    def fetchall(self) -> list[tuple[Any, ...]]:
        self._asked()
        return list(self)

    def fetch_arrow_table(self) -> pa.Table:
        """The whole answer as it came."""
        return self._asked().data

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        while (row := self.fetchone()) is not None:
            yield row

    def close(self) -> None:
        self._closed, self._answer, self._rows = True, None, iter(())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> Gateway:
        if self._closed:
            raise InterfaceError.own("client.closed", self.connection._language)
        return self.connection._open()

    def _asked(self) -> Answer:
        self._open()
        if self._answer is None:
            raise InterfaceError.own("client.not_asked", self.connection._language)
        return self._answer


def _rows(data: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Row by row as Python values; a whole decimal (a sum of whole numbers) is an int."""
    whole = [pa.types.is_decimal(kind) and kind.scale == 0 for kind in data.schema.types]
    for batch in data.to_batches(max_chunksize=10_000):
        columns = [
            [None if value is None else int(value) for value in column.to_pylist()]
            if is_whole
            else column.to_pylist()
            for column, is_whole in zip(batch.columns, whole, strict=True)
        ]
        yield from zip(*columns, strict=True)
