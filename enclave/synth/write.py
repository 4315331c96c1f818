"""Databases on disk: one Parquet file per table, row groups of fixed size, the same bytes every time.

Decides the file format's settings. Relies on blocks arriving in their order. A file grows under another name and takes
its own when all blocks are in it.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 262_144
"""Rows of a row group. Part of what makes the bytes."""

SORTED = frozenset({"rcpt_id", "data_id"})
"""Rising numbers, stored as differences."""


class TableFile:
    """One table's file. Rows are gathered until a row group is full."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._part = path.with_name(f".{path.name}.part")
        self._writer: pq.ParquetWriter | None = None
        self._schema: pa.Schema | None = None
        self._held: list[pa.Table] = []
        self._size = 0

    def add(self, table: pa.Table) -> None:
        if self._schema is None:
            self._open(table.schema)
        if table.num_rows == 0:
            return
        self.rows += table.num_rows
        self._held.append(table)
        self._size += table.num_rows
        if self._size >= ROWS:
            self._flush(whole=False)

    def _open(self, schema: pa.Schema) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._schema = schema
        rising = [name for name in schema.names if name in SORTED]
        self._writer = pq.ParquetWriter(
            self._part,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=[name for name in schema.names if name not in rising],
            column_encoding=dict.fromkeys(rising, "DELTA_BINARY_PACKED") or None,
            write_statistics=True,
            store_schema=False,
        )

    def _flush(self, *, whole: bool) -> None:
        if self._writer is None or not self._held:
            return
        table = pa.concat_tables(self._held) if len(self._held) > 1 else self._held[0]
        table = table.unify_dictionaries()
        full = table.num_rows if whole else table.num_rows // ROWS * ROWS
        for start in range(0, full, ROWS):
            self._writer.write_table(table.slice(start, min(ROWS, full - start)), row_group_size=ROWS)
        rest = table.slice(full)
        self._held = [rest] if rest.num_rows else []
        self._size = rest.num_rows

    def close(self) -> None:
        """Write what is left and give the file its name."""
        if self._writer is None:
            return
        self._flush(whole=True)
        self._writer.close()
        self._part.replace(self.path)

    def abandon(self) -> None:
        """Leave nothing behind."""
        if self._writer is not None:
            self._writer.close()
            self._part.unlink(missing_ok=True)
