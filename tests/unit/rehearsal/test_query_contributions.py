"""`enclave query` over a database that only a descriptor describes, bound by the European set: dominance, p %, zeros hidden."""

import random
from collections import defaultdict
from collections.abc import Iterable

import pytest
import yaml

from tests.unit.rehearsal.ground import SHAPES_PERMIT, Ran, Terminal

COLUMNS = {
    "region": {"type": "text", "role": "identifying"},
    "size": {"type": "int", "role": "clinical"},
    "cost": {"type": "int", "role": "measure"},
}
Bill = tuple[int, str, int, int]


def bills() -> list[Bill]:
    """Six hundred firms in four regions, of which one spent two hundred thousand on size 3."""
    draw = random.Random(3)
    found = []
    for number in range(1, 601):
        region = draw.choices("NSWE", (40, 30, 20, 10))[0]
        for _ in range(draw.choice((1, 2, 3))):
            size, cost = draw.randint(1, 3), draw.randint(1, 100)
            found.append((number, region, size, cost))
    return [*found, (7, "N", 3, 200_000)]


@pytest.fixture(scope="module")
def europe(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    folder = tmp_path_factory.mktemp("europe")
    home = folder / "data" / "europe"
    home.mkdir(parents=True)
    table = {"file": "bill.csv", "person": "id", "columns": COLUMNS}
    (home / "descriptor.yaml").write_text(
        yaml.safe_dump(
            {"database": "europe", "title": {"ja": "企業", "en": "Firms"}, "tables": {"bill": table}}
        )
    )
    lines = [",".join(map(str, bill)) for bill in bills()]
    (home / "bill.csv").write_text("\n".join(["id,region,size,cost", *lines]) + "\n")
    return Terminal(folder, folder / "data")


def use(terminal: Terminal, tier: str) -> None:
    shown = {"europe": {"bill": {"columns": ["pid", *COLUMNS]}}}
    sets = ["eu-output", "blocks-2026"] if tier == "aggregate" else ["eu-output"]
    terminal.use(
        {**SHAPES_PERMIT, "databases": shown, "linkage_groups": [["europe"]], "rule_sets": sets, "tier": tier}
    )


def dominated(found: Iterable[Bill]) -> bool:
    """By the European set: of more than 90 % two firms', or the rest below a tenth of the largest."""
    by_firm: dict[int, int] = defaultdict(int)
    for number, _, _, cost in found:
        by_firm[number] += cost
    sizes = sorted(by_firm.values(), reverse=True)
    return 10 * sum(sizes[:2]) > 9 * sum(sizes) or 10 * sum(sizes[2:]) < sizes[0]


def told(ran: Ran, column: str) -> dict[object, object]:
    """By the first key what is shown; nothing where it is hidden."""
    rows, statuses = ran.rows(), ran.json()["statuses"][column]
    place = [one["name"] for one in ran.json()["columns"]].index(column)
    return {row[0]: row[place] for row, status in zip(rows, statuses, strict=True) if status != "hidden"}


@pytest.mark.parametrize("tier", ["record", "aggregate"])
def test_a_dominated_sum_is_hidden_and_does_not_follow_from_others(europe: Terminal, tier: str) -> None:
    """Of three sums one is dominated: it and another are hidden, whether or not the total is asked for; all the rest is what a
    plain sum says."""
    use(europe, tier)
    sums = {size: sum(bill[3] for bill in bills() if bill[2] == size) for size in (1, 2, 3)}
    assert [size for size in sums if dominated(bill for bill in bills() if bill[2] == size)] == [3]
    alone = told(europe.query("SELECT size, sum(cost) AS s FROM bill GROUP BY size", "--form", "table"), "s")
    both = told(
        europe.query("SELECT size, avg(cost) AS s FROM bill GROUP BY ROLLUP (size)", "--form", "table"), "s"
    )
    for shown in (alone, both):
        assert 3 not in shown
        assert len({1, 2} & shown.keys()) == 1
    assert all(value == sums[size] for size, value in alone.items() if isinstance(size, int))
    assert dominated(bills()) == (None not in both)


@pytest.mark.parametrize("tier", ["record", "aggregate"])
def test_sums_to_which_many_contribute_are_answered(europe: Terminal, tier: str) -> None:
    """The same question where nobody stands out, and numbers of firms."""
    use(europe, tier)
    sql = "SELECT size, sum(cost) AS s, count(DISTINCT pid) AS n FROM bill WHERE cost < 1000 GROUP BY size"
    ran = europe.query(sql, "--form", "table")
    for column, count in (
        ("s", lambda found: sum(bill[3] for bill in found)),
        ("n", lambda found: len({bill[0] for bill in found})),
    ):
        assert told(ran, column) == {
            size: count([bill for bill in bills() if bill[2] == size and bill[3] < 1000])
            for size in (1, 2, 3)
        }


def test_a_sum_that_leaves_one_firm_out_is_not_shown_beside_the_whole(europe: Terminal) -> None:
    """What the two leave over is that firm's."""
    use(europe, "record")
    sql = "SELECT sum(cost) AS s, sum(cost) FILTER (WHERE cost < 1000) AS h FROM bill WHERE region = 'N' OR size < 3"
    assert told(europe.query(sql, "--form", "table"), "h") == {}
    sql = "SELECT sum(cost) AS s, sum(cost) FILTER (WHERE size = 1) AS h FROM bill WHERE size < 3"
    assert len(told(europe.query(sql, "--form", "table"), "h")) == 1


def test_more_sums_than_can_be_looked_at_are_refused(europe: Terminal) -> None:
    """Every two and three of them leave something over."""
    use(europe, "record")
    sums = ", ".join(f"sum(cost) FILTER (WHERE cost < {10 * n}) AS s{n}" for n in range(1, 10))
    assert (
        europe.query(f"SELECT {sums} FROM bill", "--form", "table").code() == "query.contributions_uncounted"
    )
