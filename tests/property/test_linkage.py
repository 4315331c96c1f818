"""Whatever the holders observed: what must not be joined is not, and what was joined does not depend on order."""

import duckdb
import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from enclave.adapters.person_linkage import Labels, link
from enclave.custody.linkage import TIERS, Guard, Tier

DATABASES = ("ndb", "kaigo", "welfare")
key = st.sampled_from([None, 1, 2, 3])
observation = st.tuples(
    st.integers(0, 7), key, key, key, key, st.sampled_from([None, 1, 2]), st.sampled_from([None, "1960-05-01", "1961-06-01"]),
    st.integers(0, 4), st.integers(0, 3),
)  # fmt: skip
NODES = 8


def linked(rows: list[tuple[object, ...]], tiers: tuple[Tier, ...] = TIERS) -> Labels:
    """Labels of eight records, two or three in each database, of what was observed."""
    # One thread: eight records are no work to be shared out.
    with duckdb.connect(config={"threads": 1}) as connection:
        columns = ("node", "id1", "id2", "id4", "id5", "sex", "birth_ym", "came", "years")
        table = pa.table(
            {
                name: pa.array(
                    [row[place] for row in rows], pa.string() if name == "birth_ym" else pa.int64()
                )
                for place, name in enumerate(columns)
            }
        )
        connection.register("told", table)
        keys = ", ".join(
            f"CASE WHEN {name} IS NOT NULL THEN md5('{name}' || {name})::UUID END AS {name}"
            for name in ("id1", "id2", "id4", "id5")
        )
        connection.execute(
            f"""CREATE TEMP TABLE observed AS SELECT node::UINTEGER AS node,
            ['ndb', 'kaigo', 'welfare'][(node % 3 + 1)::INTEGER] AS database, {keys}, sex::TINYINT AS sex,
            birth_ym::DATE AS birth_ym, DATE '2018-04-01' + (came * 365)::INTEGER AS first_seen,
            DATE '2018-04-01' + ((came + years) * 365 + 364)::INTEGER AS last_seen FROM told"""
        )
        return link(connection, "observed", NODES, tiers)


def id5s(rows: list[tuple[object, ...]], labels: Labels) -> dict[int, set[object]]:
    found: dict[int, set[object]] = {}
    for row in rows:
        if row[4] is not None:
            found.setdefault(int(labels[int(str(row[0]))]), set()).add(row[4])
    return found


@settings(max_examples=150, deadline=None)
@given(st.lists(observation, max_size=14))
def test_no_link_but_the_holders_own_gives_a_person_two_oldest_numbers(
    rows: list[tuple[object, ...]],
) -> None:
    """Two ID5 meet in one person only where one record, or records that share an ID5, already bear both."""
    first = linked(rows, TIERS[:1])
    whole = linked(rows)
    for found in id5s(rows, whole).values():
        if len(found) > 1:
            # Then the ID5 tier itself, which joins equal numbers only, had joined them through one record.
            assert found in [there for there in id5s(rows, first).values() if len(there) > 1]


@settings(max_examples=100, deadline=None)
@given(st.lists(observation, max_size=14), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows: list[tuple[object, ...]], chance: object) -> None:
    """The same observations in another order: the same persons."""
    shuffled = list(rows)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert linked(rows).tolist() == linked(shuffled).tolist()


@settings(max_examples=100, deadline=None)
@given(st.lists(observation, max_size=14))
def test_a_later_tier_undoes_nothing(rows: list[tuple[object, ...]]) -> None:
    """Who was one person after the stronger keys is one after the weaker; a label is its person's least record."""
    before = linked(rows, TIERS[:3])
    after = linked(rows)
    for node in range(NODES):
        same = before == before[node]
        assert len(set(after[same].tolist())) == 1
    assert all(after[label] == label for label in after)
    assert (after <= np.arange(NODES)).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(observation, max_size=14))
def test_who_shares_no_value_is_nobody_elses(rows: list[tuple[object, ...]]) -> None:
    """Records that are joined are connected by equal values, observed in both."""
    labels = linked(rows)
    bonds = {node: {node} for node in range(NODES)}
    for one in rows:
        for other in rows:
            if any(a is not None and a == b for a, b in zip(one[1:5], other[1:5], strict=True)):
                bonds[int(str(one[0]))].add(int(str(other[0])))
    for node in range(NODES):
        reached, waiting = {node}, [node]
        while waiting:
            for other_node in bonds[waiting.pop()] - reached:
                reached.add(other_node)
                waiting.append(other_node)
        assert {other_node for other_node in range(NODES) if labels[other_node] == labels[node]} <= reached


@settings(max_examples=100, deadline=None)
@given(st.lists(observation, max_size=14), st.sampled_from([Guard.ONE_SEX, Guard.ONE_BIRTH_MONTH]))
def test_a_weak_key_joins_no_two_sexes_and_no_two_birth_months(
    rows: list[tuple[object, ...]], guard: Guard
) -> None:
    """Of two records that were one nobody before: joined by one shared value they agree where both are known."""
    place = 5 if guard is Guard.ONE_SEX else 6
    single = list({row[0]: row for row in rows}.values())
    labels = linked(single, (TIERS[-1],))
    for one in single:
        for other in single:
            directly = one[3] is not None and one[3] == other[3]
            joined = labels[int(str(one[0]))] == labels[int(str(other[0]))]
            if directly and joined and one[place] is not None and other[place] is not None:
                assert one[place] == other[place]
