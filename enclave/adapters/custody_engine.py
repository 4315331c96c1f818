"""Custody's private DuckDB: opened for one piece of work, with the files that the work needs and no others.

Decides nothing. Relies on DuckDB's packaged httpfs extension for OpenSSL's cipher (the bundled one has a weak generator
and may only read). Once the files are attached, the engine reaches nothing else of the machine, and its settings are
locked: a row condition was compiled from a closed grammar; should that fail, it still opens no other file.

What the engine says of an error quotes values and statements, so no engine message ever leaves this module (`quiet`).
"""

import errno
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from enclave.core.refusal import Refused

CIPHER = "GCM"

MEMORY = 4 << 30
"""Bytes that one piece of work may hold in memory before it spills (encrypted) to custody's own folder."""


@dataclass(frozen=True)
class Attached:
    """A file of the engine's own format, encrypted under `key` (base64 of 32 bytes), known in SQL as `name`."""

    path: Path
    name: str
    key: str
    writable: bool = False

    def __repr__(self) -> str:
        return f"Attached({self.name})"


def version() -> str:
    """`duckdb 1.5.5`: extracts are written and read by one version."""
    return f"duckdb {duckdb.__version__}"


@contextmanager
def engine(
    attached: Sequence[Attached] = (),
    *,
    reads: Sequence[Path] = (),
    spill: Path | None = None,
    memory: int = MEMORY,
) -> Iterator[Any]:
    """A connection over the attached files and the folders `reads`; without `spill` nothing is written beside them.

    Raises Refused `custody.engine`, `custody.disk_full`.
    """
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
            "memory_limit": f"{memory}B",
        },
    )
    try:
        with quiet("custody.engine", {}):
            extension = files("duckdb_extension_httpfs") / "extensions" / f"v{duckdb.__version__}"
            connection.execute(f"LOAD {text(str(extension / 'httpfs.duckdb_extension'))}")
            for one in attached:
                options = f"ENCRYPTION_KEY {text(one.key)}, ENCRYPTION_CIPHER {text(CIPHER)}"
                mode = "" if one.writable else ", READ_ONLY"
                connection.execute(f"ATTACH {text(str(one.path))} AS {quoted(one.name)} ({options}{mode})")
            allowed = [*reads, *(one.path.parent for one in attached)]
            if spill is not None:
                spill.mkdir(mode=0o700, parents=True, exist_ok=True)
                connection.execute(f"SET temp_directory = {text(str(spill))}")
                connection.execute("SET temp_file_encryption = true")
                allowed.append(spill)
            else:
                connection.execute("SET temp_directory = ''")
            places = ", ".join(text(str(path)) for path in allowed)
            connection.execute(f"SET allowed_directories = [{places}]")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()


_FULL = re.compile(
    rf"{re.escape(os.strerror(errno.ENOSPC))}|max_temp_directory_size|exceeds? .*temp_directory", re.I
)


@contextmanager
def quiet(
    code: str, facts: Mapping[str, object], learn: Callable[[str], Mapping[str, object]] | None = None
) -> Iterator[None]:
    """Turn the engine's error, whose text may quote a value, a path or the key, into a code.

    A disk without room is told apart (`custody.disk_full`): the operator can mend it, and nothing else is wrong.
    `learn` may take facts that are no values (a line's number) from the message.
    """
    try:
        yield
    except duckdb.Error as error:
        if _FULL.search(str(error)):
            raise Refused("custody.disk_full") from None
        raise Refused(code, {**facts, **(learn(str(error)) if learn else {})}) from None
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise Refused("custody.disk_full") from None
        raise


def quoted(name: str) -> str:
    """A name as SQL spells it."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text as SQL spells it."""
    return "'" + value.replace("'", "''") + "'"
