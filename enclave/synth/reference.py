"""What lies beside the records: descriptors, reference tables, and the persons' truth.

Decides nothing: descriptors are the catalogue's own, code lists the catalogue's with the codes added that the records
use and the lists lack. `core.pop` counts the invented people on the reference day; `core.muni` their real-scale
population, on which publication rules depend.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml

from enclave.catalogue.packaged import CORE, code_list, packaged
from enclave.core.ids import DatabaseId
from enclave.synth.block import World
from enclave.synth.columns import coded, dates
from enclave.synth.population import REAL_PEOPLE, joint_table
from enclave.synth.write import TableFile


def write(made: World, databases: Sequence[str], out: Path) -> dict[tuple[str, str], int]:
    """Descriptors of the databases and of `core`, the reference tables, `truth/persons.parquet`; rows by table."""
    rows: dict[tuple[str, str], int] = {}
    for database in databases:
        _descriptor(database, out)
    _descriptor(CORE, out)
    for name, table in packaged()[CORE].tables.items():
        if table.file.endswith(".csv"):
            (out / CORE / table.file).write_bytes(code_list(name))
            rows[CORE, name] = sum(1 for _ in csv.reader(io.StringIO(code_list(name).decode()))) - 1
    for key, table in (
        ((CORE, "muni"), _muni(made)),
        ((CORE, "pop"), _pop(made)),
        (("truth", "persons"), _persons(made)),
        (("truth", "run"), _run(made)),
    ):
        file = TableFile(out / key[0] / f"{key[1]}.parquet")
        file.add(table)
        file.close()
        rows[key] = table.num_rows
    return rows


def _descriptor(database: str, out: Path) -> None:
    text = yaml.safe_dump(
        packaged()[DatabaseId(database)].to_json(), allow_unicode=True, sort_keys=False, width=110
    )
    folder = out / database
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "descriptor.yaml").write_text(text, encoding="utf-8")


def _muni(made: World) -> pa.Table:
    places = made.places
    return pa.table(
        {
            "muni_code": pa.array(places.muni_code.tolist()),
            "muni_name": pa.array(places.muni_name.tolist()),
            "sma_code": coded(places.muni_area, tuple(places.area_code)),
            "pref_code": coded(places.area_pref[places.muni_area], tuple(places.pref_code)),
            "population": places.muni_population,
        }
    )


def _pop(made: World) -> pa.Table:
    """Real-scale residents by area, sex and age on the reference day."""
    places = made.places
    share = places.area_weight / np.bincount(places.area_pref, places.area_weight)[places.area_pref]
    table = joint_table()[places.area_pref] * share[:, None, None] * REAL_PEOPLE
    area, sex, age = np.indices(table.shape)
    return pa.table(
        {
            "sma_code": coded(area.ravel(), tuple(places.area_code)),
            "sex": (sex.ravel() + 1).astype(np.int8),
            "age5": (age.ravel() * 5).astype(np.int16),
            "population": np.round(table.ravel()).astype(np.int32),
        }
    )


def _persons(made: World) -> pa.Table:
    """The invented people: for tests of linkage, never read by custody."""
    people, day = made.people, made.window.reference
    return pa.table(
        {
            "true_id": people.id,
            "sex": people.sex,
            "birth_date": dates(people.birth),
            "household": people.house,
            "resident": (people.birth < day) & (people.died_before >= day),
            "muni_code": coded(people.muni, tuple(made.places.muni_code)),
            "moved_to": coded(people.muni_after, tuple(made.places.muni_code)),
        }
    )


def _run(made: World) -> pa.Table:
    """What the comparison with published tables needs to know of the run."""
    window = made.window
    return pa.table(
        {
            "people": [made.persons],
            "seed": [made.seed],
            "first_year": [window.first],
            "last_year": [window.last],
            "reference_day": [window.reference],
            "checkup_year": [window.checkup_year],
            "claims_year": [window.claims_year],
        }
    )
