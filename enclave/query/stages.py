"""The stages of a question as types. A function asks for the stage it needs, so skipping a check does not type-check.

    text ─parse─▶ Parsed ─facts─▶ Known ─authorise─▶ Authorised ─rewrite─▶ Guarded ─(engine)─▶ answer
                                                         └─(aggregate tier)─▶ Unsettled ─settle─▶ Guarded

Only `Guarded` reaches an engine. The trees inside are never changed in place: each rule returns a new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from sqlglot import exp

from enclave.core.ids import DatabaseId, PersonId, ProjectId, SessionId
from enclave.core.permit import Permit
from enclave.query.schema import Schema, TableName

if TYPE_CHECKING:  # these need the stages' vocabulary for their own types
    from enclave.query.cells import Shape
    from enclave.query.counting import Counting
    from enclave.query.municipal import Municipal
    from enclave.query.slices import Slices

Scalar = str | int | float | bool | None
Params = tuple[Scalar | tuple[Scalar, ...], ...] | Mapping[str, Scalar | tuple[Scalar, ...]]
"""Values for `?`, `$1` (in order) or `$name`. A tuple stands for a list where it is the only entry of an IN list."""

EVIDENCE = "_enclave_"
"""Prefix of every column that the rewriting adds; a researcher's column may not start with it."""


class Form(StrEnum):
    """`rows`: records, inside the workspace. `table`: cells, each to be protected before it is shown."""

    ROWS = "rows"
    TABLE = "table"


@dataclass(frozen=True)
class Used:
    """What the project used today (UTC), before this question."""

    queries: int = 0
    rows: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Session:
    """Who asks, from where, when. `permit` is the reference `p@rev` that the session was opened under.

    `carried`: that revision is an earlier one, and the present one changed nothing but limits.
    """

    id: SessionId
    person: PersonId
    project: ProjectId
    permit: str
    now: datetime
    used: Used = Used()
    carried: bool = False


@dataclass(frozen=True)
class Parsed:
    """One statement of the closed grammar, parameters already put in as literals."""

    tree: exp.Query
    form: Form
    functions: frozenset[str]


@dataclass(frozen=True)
class TableUse:
    """One base table and the columns of it that the question names, in order of name."""

    database: DatabaseId
    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class KeyFact:
    """A grouping key in table form: the base columns it is computed from with their roles, whether it is one of them
    unchanged (then with its engine type), and whether a person identifier is among them."""

    name: str
    columns: tuple[str, ...]
    roles: tuple[str, ...]
    bare: bool
    type: str
    identifies: bool


@dataclass(frozen=True)
class Facts:
    """What the question is about, computed here and judged by the policy. No data value is in it.

    `keys` and `measures` describe the table form (empty in rows form), and so do `sensitive` (the base columns that
    outsiders do not know: how many a cell touches is its arity) and `canonical` (one text for the same question).
    """

    tables: tuple[TableUse, ...]
    functions: tuple[str, ...]
    aggregates: tuple[str, ...]
    keys: tuple[KeyFact, ...] = ()
    measures: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    canonical: str = ""

    @property
    def arity(self) -> int:
        return len(self.sensitive)

    @property
    def databases(self) -> tuple[DatabaseId, ...]:
        return tuple(sorted({use.database for use in self.tables}))


@dataclass(frozen=True)
class Known:
    """A statement whose every name is resolved against permit and schema. `shape` is set in table form."""

    tree: exp.Query
    form: Form
    facts: Facts
    schema: Schema
    permit: Permit
    shape: "Shape | None" = None


class OfKnown(Protocol):
    """Whatever stands for a known statement: authorised, or `Supposed`."""

    @property
    def known(self) -> Known: ...


@dataclass(frozen=True)
class Supposed:
    """A known statement whose decision is on its way. For rows it may be rewritten meanwhile, by rules that depend on
    nothing a decision says; it becomes no `Guarded` without the yes."""

    known: Known


@dataclass(frozen=True)
class Obligations:
    """What the policy's yes binds the answer to. `rule_sets` are the parameters of the sets that bind, by id."""

    rule_sets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    max_rows: int | None = None
    max_bytes: int | None = None
    tier: str = "record"


@dataclass(frozen=True)
class Authorised:
    """A known statement with the policy's explicit yes."""

    known: Known
    obligations: Obligations

    @property
    def aggregate(self) -> bool:
        """Whether the answer is bound by the aggregate tier."""
        return self.obligations.tier == "aggregate"


@dataclass(frozen=True)
class Dimension:
    """A grouping key: its output column, and under ROLLUP, CUBE, GROUPING SETS the column that is 1 where the row
    is a margin over it (null there is *total*, not a missing value)."""

    name: str
    grouping: str | None = None
    type: str = ""
    source: tuple[DatabaseId, str, str] | None = None
    """(database, table, column) where the key is a column itself, else None."""


@dataclass(frozen=True)
class Part:
    """One aggregate call, the unit of protection. Parts with the same id share their cells.

    `aggregate`: `records` (count of rows), `persons` (count of distinct pid), `count`, `count_distinct`, `sum`,
    `avg`, `variance`. `value` and `persons` name output columns: the part's value, and how many distinct persons
    contribute to it (its FILTER holds, its argument is not null and, for sums, means and variances, not zero).

    `rest` names the column with the distinct persons of the row's other records, where subtracting the value from the
    row's would speak of them: with several records a person can be on both sides. `coding` names the columns that tell
    whether a sum is a count in disguise (`sum(CASE … THEN 1 ELSE 0 END)`, `avg(status + 1)`).

    `of`: the base column that a sum, mean or variance is of, carried unchanged; None for anything computed and anything else.
    """

    id: str
    aggregate: str
    value: str
    persons: str
    rest: str | None = None
    coding: "Coding | None" = None
    of: str | None = None


@dataclass(frozen=True)
class Coding:
    """Columns about the values that a sum, mean or variance takes in: how many different ones, how many records, and
    the smallest, largest and sum of them (as DOUBLE)."""

    different: str
    records: str
    low: str
    high: str
    total: str


@dataclass(frozen=True)
class Measure:
    """An output column that is no key. `parts` are the ids of the aggregates in its expression: it may be shown only
    where all of them may. `derived` is False where the column is one bare aggregate (then `value` of its part is it)."""

    name: str
    parts: tuple[str, ...]
    derived: bool


@dataclass(frozen=True)
class Others:
    """Columns about the records that none of several counts (`parts`) takes in. Where the counts overlap nowhere, what
    is left of the row after subtracting all of them is these."""

    parts: tuple[str, ...]
    persons: str
    records: str


@dataclass(frozen=True)
class Apart:
    """Sums under several conditions (`of`: a part's id and the number of its condition): in `together` the most conditions that
    one record fulfils, in `persons` those with a record that fulfils none."""

    of: tuple[tuple[str, int], ...]
    together: str
    persons: str


@dataclass(frozen=True)
class Merge:
    """Values of keys with too few persons to be told apart (small areas). `groups`: tuples of the keys' values that are answered as one,
    under the first of them, and are hidden in the answer."""

    keys: tuple[str, ...]
    groups: tuple[tuple[tuple[object, ...], ...], ...]


Values = tuple[object, ...]
"""One value per key."""


@dataclass(frozen=True)
class Near:
    """Keys that were answered in steps of whole blocks. `blocks`: for each block with several tuples of the keys' values, how
    many of its persons have which: the cells of these are near what was asked, not it. `whole` counts the persons of the
    other blocks. `home` are the places of keys that say where somebody lives. `complete`: nothing that is known but these keys
    is in the statement, so that a value without a line has lost it to its neighbours."""

    keys: tuple[str, ...]
    blocks: tuple[Mapping[Values, int], ...]
    whole: Mapping[Values, int] = field(default_factory=dict)
    home: frozenset[int] = frozenset()
    complete: bool = False


@dataclass(frozen=True)
class Term:
    """One term of the order of a table's rows: a key and its direction. `nulls_first` as the engine was told."""

    key: str
    descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True)
class Members:
    """Columns that tell groups of different rows apart or inside each other: how many persons, in how many records (empty
    where that is not counted), and a sketch of who they are, of at most `full` numbers."""

    persons: str
    records: str
    sketch: str
    full: int


class TallyOf(StrEnum):
    """What is tallied: the values of a sum, mean or variance; their powers of ten; marks of the values of a number of different
    values, the same for the same value."""

    VALUES = "values"
    LENGTHS = "lengths"
    MARKS = "marks"


@dataclass(frozen=True)
class Tally:
    """A column that maps values (powers of ten, marks) to how many records have them. `moments`: how many numbers of the row are
    made of these values; `different`: the column with how many different ones there are."""

    counts: str
    of: TallyOf
    moments: int = 1
    different: str = ""


@dataclass(frozen=True)
class Judged:
    """Numbers of an account that are judged together, by their places. `counts`: a sum to which some add and from which others take
    away tells of neither; `general`: there are sums of measurements among them."""

    places: tuple[int, ...]
    counts: bool
    general: bool = False


@dataclass(frozen=True)
class Account:
    """A column that lists, for the persons of a cell, what they add to each of several numbers of its row: lists of `numbers` and how
    many persons add so much. `parts`: of which calls they are the numbers, so that these are compared in no other way;
    `adding`: which of them (by place) are numbers of different values, and of which call: where what persons have does not add up to
    it, it is no number of the account. `of_missing`: nothing is told but of whom no value is known, if anybody."""

    added: str
    numbers: int
    parts: tuple[str, ...]
    judged: tuple[Judged, ...]
    adding: tuple[tuple[int, str], ...] = ()
    of_missing: bool = False


@dataclass(frozen=True)
class Contributed:
    """Columns about what persons contribute to one number of a cell: how many do, the largest contributions (descending, a list),
    the sum of all of them, and the number itself. A person's contribution is what that person's records in the cell add to it.

    `counts`: one for each record or each different value, of which a rule about contributions speaks only where somebody has
    several. `adds`: a cell's number is the sum of those of its details.
    """

    name: str
    persons: str
    largest: str
    total: str
    sum: str
    counts: bool = False
    adds: bool = True


@dataclass(frozen=True)
class Given:
    """What persons contribute to each cell and to every total of cells that could be asked for, in columns of their own; a line
    without a value in `Cells.persons` is such a total alone. `keys` and `margins` say of which cell a line speaks, in the order
    of the dimensions; `persons` counts those of the cell."""

    keys: tuple[str, ...]
    margins: tuple[str, ...]
    persons: str
    of: tuple[Contributed, ...]


@dataclass(frozen=True)
class Cells:
    """How to read the rows of a table-form answer. `persons` and `records` are columns for the row as a whole;
    `others` is None where fewer than two parts count under a condition; `institutions` are the columns with numbers of different
    institutions, None where no rule asks for them; `municipal` says what to know of small municipalities, None where none
    cuts the table or no rule asks; `members` is empty but where one record may stand in several rows, or several numbers of a row
    may cross, `tallies` but where numbers may be made of few values; `given` is None where no rule asks for contributions. The rest matters in
    the aggregate tier only:
    `merges`, one row of the engine's stands for several of the answer; `near`, which cells are not exactly what was
    asked, and `near_everywhere`, that all are; `order` as the engine was told."""

    dimensions: tuple[Dimension, ...]
    measures: tuple[Measure, ...]
    parts: tuple[Part, ...]
    persons: str
    records: str
    others: Others | None = None
    apart: Apart | None = None
    institutions: tuple[str, ...] | None = None
    members: tuple["Members", ...] = ()
    account: "Account | None" = None
    tallies: tuple["Tally", ...] = ()
    given: Given | None = None
    merges: tuple[Merge, ...] = ()
    near: tuple[Near, ...] = ()
    near_everywhere: bool = False
    order: tuple[Term, ...] = ()
    municipal: "Municipal | None" = None


@dataclass(frozen=True)
class Guarded:
    """What an engine may execute. `sql` is complete (parameters are literals in it) and is the only text executed.

    `names` are the researcher's output columns in order; in table form the evidence columns (`_enclave_*`) follow
    them and are for the protection only. `expected` is every base table and column that the engine's own account of
    `sql` may show; one more is the refusal `query.account_differs`. `max_rows` ends the answer with `query.limit_rows`.
    `counting`: other statements that may tell as much of a large table's cells, sooner. `slices`: how the same columns are
    counted of a large table.
    """

    sql: str
    form: Form
    names: tuple[str, ...]
    expected: Mapping[TableName, tuple[str, ...]]
    facts: Facts
    obligations: Obligations
    cells: Cells | None = None
    max_rows: int | None = None
    counting: "Counting | None" = None
    slices: "Slices | None" = None
