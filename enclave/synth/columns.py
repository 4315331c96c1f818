"""Columns as Arrow: codes as dictionaries, days as dates, absent values as nulls. Decides nothing."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from enclave.synth.draws import Array
from enclave.synth.period import NEVER


def coded(index: Array, codes: Sequence[str | None], missing: Array | None = None) -> pa.DictionaryArray:
    """Text by position in a list. A position whose text is None, or below 0, is null. The list may repeat texts."""
    distinct: dict[str, int] = {}
    place = np.empty(len(codes) + 1, dtype=np.int32)
    for number, code in enumerate(codes):
        place[number] = -1 if code is None else distinct.setdefault(code, len(distinct))
    place[-1] = -1
    found = (
        place[np.where(index < 0, len(codes), index)] if len(codes) else np.zeros(len(index), dtype=np.int32)
    )
    mask = found < 0
    if missing is not None:
        mask |= missing
    dictionary = pa.array(list(distinct), pa.string())
    if not mask.any():
        return pa.DictionaryArray.from_arrays(pa.array(found, pa.int32()), dictionary)
    return pa.DictionaryArray.from_arrays(pa.array(found, pa.int32(), mask=mask), dictionary)


def dates(days: Array, missing: Array | None = None) -> pa.Array:
    """Days since 1970; NEVER and negative ones in `missing` are null."""
    days = days.astype(np.int32, copy=False)
    absent = days >= NEVER
    if missing is not None:
        absent = absent | missing
    if absent.any():
        return pa.array(np.where(absent, 0, days).astype(np.int32), mask=absent).cast(pa.date32())
    return pa.array(days).cast(pa.date32())


def some(values: Array, missing: Array) -> pa.Array:
    """Numbers of which some are null."""
    return pa.array(values, mask=missing)


def month_dates(era_months: Array) -> pa.Array:
    """Months since the year 0 → their first days."""
    days = (era_months.astype(np.int64) - 1970 * 12).astype("datetime64[M]").astype("datetime64[D]")
    return pa.array(days.astype(np.int32)).cast(pa.date32())
