"""Linking the records of a population: the tiers of `enclave.custody.linkage` as SQL over all observations.

Decides nothing of its own. Relies on DuckDB for grouping (out of core: what does not fit is spilled, encrypted) and on
eight bytes of memory per record for the labels. Every step's cost grows with the number of observations, not with pairs:
records that share a value are joined to the first of them.

Input, a relation `observed(node UINTEGER, database, id1, id2, id4, id5 UUID, sex, birth_ym, first_seen, last_seen)` with
nodes 0 … n-1. Output, a label per node: equal labels are one person.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from enclave.custody.linkage import OVERLAP_DAYS, TIERS, Guard, Tier

Labels = NDArray[np.uint32]


def link(connection: Any, observed: str, nodes: int, tiers: Sequence[Tier] = TIERS) -> Labels:
    """The label of each node: the least node of its person. Raises duckdb.Error."""
    labels = np.arange(nodes, dtype=np.uint32)
    for tier in tiers:
        labels = _tier(connection, observed, labels, tier)
    return labels


def _tier(connection: Any, observed: str, labels: Labels, tier: Tier) -> Labels:
    """1. Which persons-so-far share a value. 2. What a guard contradicts is left out. 3. Join the rest.
    4. A chain of links that would give one person two ID5 is not made."""
    _share_labels(connection, labels)
    keys = ", ".join(f"o.{key}" for key in tier.keys)
    there = " AND ".join(f"o.{key} IS NOT NULL" for key in tier.keys)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE sharing AS SELECT hash({keys}) AS value, c.label,"
        " min(o.sex) AS sex, max(o.sex) AS sex2, min(o.birth_ym) AS born, max(o.birth_ym) AS born2"
        f" FROM {observed} o JOIN label_of c USING (node) WHERE {there} GROUP BY ALL"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE candidate AS SELECT value FROM sharing GROUP BY value HAVING count(*) > 1"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE member AS SELECT s.* FROM sharing s SEMI JOIN candidate USING (value)"
    )
    for guard in tier.guards:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE contradicted AS {_CONTRADICTED[guard].format(observed=observed)}"
        )
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE member AS SELECT m.* FROM member m ANTI JOIN contradicted USING (value)"
        )
    found = connection.execute(
        "SELECT label AS a, min(label) OVER (PARTITION BY value) AS b FROM member QUALIFY a <> b"
    ).to_arrow_table()
    a, b = (found.column(name).to_numpy().astype(np.uint32) for name in ("a", "b"))
    joined = _components(labels, a, b)
    if Guard.ONE_ID5 in tier.guards:
        joined = _without_contradictions(connection, observed, labels, joined)
    return joined


def _share_labels(connection: Any, labels: Labels, name: str = "label_of") -> None:
    nodes = pa.table({"node": pa.array(np.arange(len(labels), dtype=np.uint32)), "label": pa.array(labels)})
    connection.register("labels_now", nodes)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM labels_now")
    connection.unregister("labels_now")


_ID5S = """
SELECT m.value FROM member m JOIN label_of c USING (label) JOIN {observed} o USING (node)
WHERE o.id5 IS NOT NULL GROUP BY m.value HAVING count(DISTINCT o.id5) > 1
"""
_SPANS = """
WITH span AS (
  SELECT m.value, o.database, m.label, min(o.first_seen) AS came, max(o.last_seen) AS went
  FROM member m JOIN label_of c USING (label) JOIN {observed} o USING (node) GROUP BY ALL
), next AS (
  SELECT value, went, lead(came) OVER w AS came, max(went) OVER (w ROWS UNBOUNDED PRECEDING) AS latest
  FROM span WINDOW w AS (PARTITION BY value, database ORDER BY came, label)
)
SELECT DISTINCT value FROM next WHERE latest - came > """ + str(OVERLAP_DAYS)
_NAMES = (
    """
WITH name AS (
  SELECT DISTINCT m.value, m.label, o.id2, o.id4
  FROM member m JOIN label_of c USING (label) JOIN {observed} o USING (node)
), span AS (
  SELECT m.value, m.label, min(o.first_seen) AS came, max(o.last_seen) AS went
  FROM member m JOIN label_of c USING (label) JOIN {observed} o USING (node) GROUP BY ALL
)
SELECT DISTINCT x.value FROM span x JOIN span y ON x.value = y.value AND x.label < y.label
WHERE least(x.went, y.went) - greatest(x.came, y.came) > """
    + str(OVERLAP_DAYS)
    + """
  AND NOT EXISTS (SELECT 1 FROM name a JOIN name b ON a.value = b.value AND (a.id2 = b.id2 OR a.id4 = b.id4)
                  WHERE a.value = x.value AND a.label = x.label AND b.label = y.label)
  AND EXISTS (SELECT 1 FROM name a WHERE a.value = x.value AND a.label = x.label AND coalesce(a.id2, a.id4) IS NOT NULL)
  AND EXISTS (SELECT 1 FROM name b WHERE b.value = x.value AND b.label = y.label AND coalesce(b.id2, b.id4) IS NOT NULL)
"""
)
_CONTRADICTED = {
    Guard.ONE_SEX: "SELECT value FROM member GROUP BY value HAVING min(sex) <> max(sex2)",
    Guard.ONE_BIRTH_MONTH: "SELECT value FROM member GROUP BY value HAVING min(born) <> max(born2)",
    Guard.ONE_ID5: _ID5S,
    Guard.ONE_AT_A_TIME: _SPANS,
    Guard.NAMES_AGREE: _NAMES,
}
"""Values whose sharing contradicts itself, by guard."""


def _components(labels: Labels, a: Labels, b: Labels) -> Labels:
    """Labels after joining a[i] with b[i]; each is the least of its person. Linear steps, logarithmically many."""
    parent = np.arange(len(labels), dtype=np.uint32)
    while True:
        least = np.minimum(parent[a], parent[b])
        before = parent.copy()
        np.minimum.at(parent, parent[a], least)
        np.minimum.at(parent, parent[b], least)
        np.minimum.at(parent, a, least)
        np.minimum.at(parent, b, least)
        while True:
            jumped = parent[parent]
            if np.array_equal(jumped, parent):
                break
            parent = jumped
        if np.array_equal(before, parent):
            return parent[labels]


def _without_contradictions(connection: Any, observed: str, before: Labels, after: Labels) -> Labels:
    """Where a chain of links gives one person two ID5, none of the chain's links is made."""
    _share_labels(connection, after, "label_after")
    found = connection.execute(
        f"SELECT c.label FROM {observed} o JOIN label_after c USING (node) WHERE o.id5 IS NOT NULL"
        " GROUP BY c.label HAVING count(DISTINCT o.id5) > 1"
    ).to_arrow_table()
    wrong = np.zeros(len(after), dtype=bool)
    wrong[found.column("label").to_numpy()] = True
    # A person who had two ID5 before this tier keeps them: that link is not this tier's.
    return np.where(wrong[after], before, after)
