"""The guide's own sentences, English and Japanese side by side. What a test can print is not said here: examples, refusals,
answers, lists of functions and limits come from the tests and from the product (`page`)."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Said:
    en: str
    ja: str

    def of(self, language: str) -> str:
        return self.ja if language == "ja" else self.en


class Where(StrEnum):
    """Where an example lies, and so how it is asked."""

    HONEST = "honest"
    """tests/unit/query/honest: rows."""
    TWIN = "twin"
    """tests/attacks/sql: the honest twin of an attack."""
    AGGREGATE = "aggregate"
    """tests/unit/query/use_cases/aggregate.sql: `table()` in the aggregate tier."""


@dataclass(frozen=True)
class Example:
    """One question of the tests, by the beginning of its title (or its name)."""

    where: Where
    title: str
    caption: Said


@dataclass(frozen=True)
class Subject:
    title: Said
    text: Said
    examples: tuple[Example, ...]


TITLE = Said("Asking questions", "問い合わせの書き方")

OTHER = Said("[日本語](asking.ja.md)", "[English](asking.md)")

OPENING = Said(
    "What passes the gateway, what does not, why, and what to write instead. Every example here is a test: the questions that "
    "are said to pass are answered, in rows just as the bare engine answers them; those that are said to be refused are refused "
    "with the words shown. The data in the examples is made up. This page is printed by "
    "`python -m tests.asking docs`; do not edit it by hand.",
    "何が通り、何が断られ、それはなぜで、代わりに何を書けばよいかをまとめたページです。例はすべてテストです。通ると書いた問い合わせには実際に"
    "答えが返り、行の答えはデータベースにそのまま尋ねた答えと同じです。断られると書いたものは、実際にここに示す言葉で断られます。例のデータは作りもの"
    "です。このページは `python -m tests.asking docs` が印刷します。手で編集しないでください。",
)

IN_SHORT = Said("In short", "要点")

RULES: tuple[Said, ...] = (
    Said(
        "**Write the SQL that you know.** One `SELECT` per question, in DuckDB's dialect: joins of every kind, `WITH`, "
        "subqueries, windows and `QUALIFY`, `GROUP BY ALL`, `ROLLUP`, `FILTER`, `CASE`, date and text functions.",
        "**使い慣れた SQL をそのまま書けます。** 一回に `SELECT` 文を一つ、DuckDB の方言で書きます。あらゆる結合、`WITH`、副問い合わせ、"
        "ウィンドウ関数と `QUALIFY`、`GROUP BY ALL`、`ROLLUP`、`FILTER`、`CASE`、日付と文字列の関数が使えます。",
    ),
    Said(
        "**`e.sql(…)` gives rows**, if your permit is for records. They stay in the workspace, for modelling and plotting.",
        "**`e.sql(…)` は行を返します**（個票の承諾がある場合）。行はワークスペースの中だけで、モデルや図に使います。",
    ),
    Said(
        "**`e.table(…)` gives cells**: keys, and counts, sums, means or spreads. Small cells are hidden, and as many others as "
        "it takes that none follows by subtraction. A table for publication starts here.",
        "**`e.table(…)` はセルを返します。** 項目と、件数・合計・平均・ばらつきからなる表です。小さいセルは秘匿され、引き算で分からないように"
        "ほかのセルも一緒に秘匿されます。公表する表はここから始めます。",
    ),
    Said(
        "**In the aggregate tier there is only `e.table(…)`.** Sex, age, birth month and area work there in steps of whole "
        "groups of persons: wide bands of an age that is one per person come out exact, finer steps and ages at an event "
        "*perturbed* (near the truth).",
        "**集計段階では `e.table(…)` だけが使えます。** 性・年齢・生年月・地域は、人のまとまりを単位に働きます。一人に一つに決まる"
        "年齢の広い階級は正確で、細かい区切りや事象の時の年齢は *perturbed*（真の値に近い値）になります。",
    ),
    Said(
        "**`pid` is the person.** Join on it, count it with `count(DISTINCT pid)`, group a step by it, and keep it in every "
        "`WITH` that a table is made of. Choose people by what is true of them, never by their number.",
        "**`pid` が人を表します。** 結合に使い、`count(DISTINCT pid)` で数え、人ごとの集計に使い、表のもとになる `WITH` では必ず残して"
        "ください。人は番号ではなく条件で選びます。",
    ),
    Said(
        "**The same question gives the same answer tomorrow.** The clock and chance are not read: write `DATE '2026-04-01'` "
        "for today, and a rule such as `pid % 10 = 3` for a sample of rows.",
        "**同じ問い合わせは明日も同じ答えになります。** 現在時刻と乱数は使えません。今日の代わりに `DATE '2026-04-01'`、行の抽出には "
        "`pid % 10 = 3` のような規則を書きます。",
    ),
    Said(
        "**A no says why.** It has a code, a sentence and a hint, and never a value of the data. This page has them all.",
        "**断るときは理由を示します。** コードと一文と手がかりがあり、データの値は決して含みません。すべてこのページにあります。",
    ),
)

FORMS = Said("The three ways, one example each", "三つの使い方と例")

ROWS_TITLE = Said("Rows: `e.sql`", "行：`e.sql`")
ROWS_TEXT = Said(
    "The first hospital stay of each person. The answer is a pandas data frame; `e.polars(…)` and `e.arrow(…)` give theirs.",
    "各人の最初の入院です。答えは pandas の data frame です。`e.polars(…)` と `e.arrow(…)` もあります。",
)
CELLS_TITLE = Said("Cells: `e.table`", "セル：`e.table`")
CELLS_TEXT = Said(
    "Persons by sex and age, with their mean BMI. Beside each measure stands its status:",
    "性・年齢別の人数と平均 BMI です。値の列ごとに状態の列が付きます。",
)
CELLS_AFTER = Said(
    "*hidden* is neither zero nor missing: the cell is too small to be shown, or would give another one away. A zero is shown "
    "as a zero. A column that you compute (a rate, a difference) is hidden where its parts are.",
    "*hidden* は 0 でも欠測でもありません。小さすぎて見せられないか、ほかのセルを明かしてしまうセルです。0 は 0 と表示されます。計算した列"
    "（率や差）は、そのもとになる値が秘匿される所で秘匿されます。",
)
AGGREGATE_TITLE = Said("The aggregate tier", "集計段階")
AGGREGATE_TEXT = Said(
    "Patient-level steps, windows and linked databases are written as in the record tier; what comes out is cells. New users of one "
    "class of drugs, without the other in the year before, and how many of them have the event:",
    "人ごとの段階、ウィンドウ関数、連結したデータベースは個票の段階と同じように書けます。出てくるのはセルです。ある薬効群の新規使用者（前の一年に別の群を使っていない人）と、"
    "そのうち事象のあった人の数：",
)
AGGREGATE_AFTER = Said(
    "The statuses are *shown* (exact), *perturbed* (near: the number of the whole blocks of persons nearest to what was asked) "
    "and *hidden*. Answers come at whole seconds.",
    "状態は *shown*（正確）、*perturbed*（近い値：尋ねた範囲に最も近い、人のまとまり全体の数）、*hidden*（秘匿）です。答えは秒の区切りで届きます。",
)

SUBJECTS_TITLE = Said("What passes, by subject", "通るもの（主題別）")
SUBJECTS_TEXT = Said(
    "Short examples; every question that is tested stands at the end of the page.",
    "短い例を示します。テストしている問い合わせは、すべてページの終わりにあります。",
)

SUBJECTS: tuple[Subject, ...] = (
    Subject(
        Said("Joins", "結合"),
        Said(
            "Inner, left, right, full, cross, `SEMI`, `ANTI`, `ASOF`, by `ON` or `USING`, and by inequality. Refused are "
            "those that name no columns (`NATURAL`, `POSITIONAL`) and `LATERAL` (write a subquery). In `table()` two tables of persons are joined on `pid`, "
            "whatever else stands beside it.",
            "内部・左・右・完全外部・直積・`SEMI`・`ANTI`・`ASOF` の各結合が、`ON`、`USING`、不等号で書けます。断られるのは列を書かない結合"
            "（`NATURAL`、`POSITIONAL`）と `LATERAL`（副問い合わせで書けます）だけです。`table()` では、人の表どうしは（ほかの条件に加えて）`pid` で結合します。",
        ),
        (
            Example(
                Where.HONEST,
                "active comparator cohort",
                Said("exclusions as anti joins", "ANTI JOIN による除外"),
            ),
            Example(
                Where.HONEST, "ranges of codes joined by inequality", Said("a range of codes", "コードの範囲")
            ),
        ),
    ),
    Subject(
        Said("Steps: WITH and subqueries", "段階に分ける：WITH と副問い合わせ"),
        Said(
            "As many as you need, one inside another, correlated or not; `EXISTS`, `IN`, `ANY`, `ALL`, scalar subqueries. "
            "For `table()` each step that is about persons keeps its `pid`.",
            "いくつでも、入れ子でも、相関していても書けます。`EXISTS`、`IN`、`ANY`、`ALL`、値を一つ返す副問い合わせも使えます。`table()` では、"
            "人についての段階には `pid` を残します。",
        ),
        (
            Example(
                Where.HONEST,
                "persons without a claim in the look-back window",
                Said("a look-back window", "観察前期間"),
            ),
            Example(
                Where.HONEST,
                "the latest value by a subquery with an order",
                Said("instead of LATERAL", "LATERAL の代わり"),
            ),
        ),
    ),
    Subject(
        Said("Windows, episodes, gaps and islands", "ウィンドウ関数、期間の連結"),
        Said(
            "Every frame (`ROWS`, `RANGE` with intervals, `GROUPS`, `EXCLUDE`), named windows, `QUALIFY`, `IGNORE NULLS`. For "
            "`table()` windows stay inside a step and run person by person (`PARTITION BY pid`).",
            "すべてのフレーム（`ROWS`、間隔つきの `RANGE`、`GROUPS`、`EXCLUDE`）、名前付きウィンドウ、`QUALIFY`、`IGNORE NULLS` が使えます。"
            "`table()` では、段階の中で人ごとに（`PARTITION BY pid`）使います。",
        ),
        (
            Example(
                Where.HONEST,
                "islands of consecutive months of care by a date minus",
                Said("consecutive months", "連続する月"),
            ),
            Example(
                Where.HONEST,
                "carry the last known value forward",
                Said("last value carried forward", "最後の値の繰越し"),
            ),
            Example(Where.HONEST, "as-of by a range join", Said("as-of by QUALIFY", "QUALIFY による as-of")),
        ),
    ),
    Subject(
        Said("Dates", "日付"),
        Said(
            "`DATE '…'`, intervals, `date_diff`, `date_trunc`, `extract`, `strftime`, `make_date`, `last_day` and the rest. A "
            "series of constants (`range`, `generate_series`) may stand in `FROM`. The clock may not.",
            "`DATE '…'`、間隔、`date_diff`、`date_trunc`、`extract`、`strftime`、`make_date`、`last_day` などが使えます。定数の系列（`range`、"
            "`generate_series`）は `FROM` に書けます。現在時刻は使えません。",
        ),
        (
            Example(Where.HONEST, "fiscal years that begin in April", Said("fiscal years", "年度")),
            Example(
                Where.HONEST, "follow-up in months as a calendar spine", Said("months as a spine", "月の軸")
            ),
        ),
    ),
    Subject(
        Said("Codes and texts", "コードと文字列"),
        Said(
            "`LIKE`, `SIMILAR TO`, `regexp_…`, `starts_with`, `split_part`, `lpad` and the rest. A code list is written as "
            "`VALUES`, `IN (…)`, `unnest([…])` or a parameter; long ones are better joined from the reference tables of the "
            "extract (up to 10,000 entries may be written).",
            "`LIKE`、`SIMILAR TO`、`regexp_…`、`starts_with`、`split_part`、`lpad` などが使えます。コードの一覧は `VALUES`、`IN (…)`、"
            "`unnest([…])`、パラメータで書けます（1 万件まで）。長い一覧は、抽出データの参照表と結合するほうが確かです。",
        ),
        (
            Example(Where.HONEST, "a list of codes by unnest", Said("a list of codes", "コードの一覧")),
            Example(
                Where.HONEST, "laboratory values with units made one", Said("units made one", "単位の統一")
            ),
        ),
    ),
    Subject(
        Said("Counting persons", "人を数える"),
        Said(
            "`count(*)` counts lines, `count(DISTINCT pid)` persons; both may carry a `FILTER`. In `table()` protection always "
            "counts persons, so that a join with many lines per person makes no crowd of one.",
            "`count(*)` は行、`count(DISTINCT pid)` は人を数えます。どちらにも `FILTER` を付けられます。`table()` の秘匿は常に人を数えるので、"
            "一人に多くの行がある結合をしても、一人が大勢に見えることはありません。",
        ),
        (
            Example(
                Where.HONEST,
                "a flow chart of exclusions as one row",
                Said("a flow chart of exclusions", "除外の流れ図"),
            ),
            Example(
                Where.TWIN,
                "an identifier's number beside a left join's null",
                Said("persons without the event, in `table()`", "事象のない人（`table()`）"),
            ),
        ),
    ),
    Subject(
        Said("Rates, standardisation, survival", "率、標準化、生存"),
        Said(
            "Divide sums by sums; in `table()` too, where a rate is shown if both its parts may be. Weights and reference "
            "populations come from the reference tables or are written as `VALUES`.",
            "合計を合計で割ります。`table()` でも書け、分子と分母の両方が見せられるときに率が表示されます。重みや基準人口は参照表から取るか、"
            "`VALUES` で書きます。",
        ),
        (
            Example(
                Where.AGGREGATE, "UC3d", Said("observed over expected, by extent", "進展度別の観測／期待")
            ),
            Example(
                Where.HONEST,
                "kaplan-meier by windows",
                Said("Kaplan-Meier, in rows", "カプラン・マイヤー（行）"),
            ),
        ),
    ),
    Subject(
        Said("Percentiles, extremes, the first and the last", "百分位、最小・最大、最初と最後"),
        Said(
            "In rows everything: `median`, `quantile_cont`, `percentile_cont … WITHIN GROUP`, `mode`, `min`, `max`, `arg_min`. "
            "In `table()` they are one person's value, so they stay inside a step per person; a cell is a count, sum, mean or "
            "spread. Instead of a median of many persons, count them by bands.",
            "行ではすべて使えます：`median`、`quantile_cont`、`percentile_cont … WITHIN GROUP`、`mode`、`min`、`max`、`arg_min`。`table()` では"
            "これらは一人の値なので、人ごとの段階の中だけで使います。セルになるのは件数・合計・平均・ばらつきです。多くの人の中央値の代わりに、"
            "区分ごとの人数を数えてください。",
        ),
        (
            Example(
                Where.HONEST,
                "length of stay: percentiles by hospital",
                Said("percentiles, in rows", "百分位（行）"),
            ),
            Example(
                Where.AGGREGATE,
                "UC7a",
                Said("the first examination of each, in `table()`", "各人の最初の健診（`table()`）"),
            ),
        ),
    ),
    Subject(
        Said("Totals and crosstabs", "合計とクロス表"),
        Said(
            "`ROLLUP`, `CUBE`, `GROUPING SETS` give totals in one table, and protection sees them together. A pivot is written with "
            "`FILTER` or `CASE`; the statement `PIVOT` is refused, since its columns are values.",
            "`ROLLUP`、`CUBE`、`GROUPING SETS` は合計を一つの表で返し、秘匿もまとめて働きます。ピボットは `FILTER` か `CASE` で書きます。`PIVOT` は"
            "列が値から作られるので断られます。",
        ),
        (
            Example(Where.HONEST, "a pivot by FILTER", Said("a pivot", "ピボット")),
            Example(Where.AGGREGATE, "UC3a", Said("with totals, in `table()`", "合計つき（`table()`）")),
        ),
    ),
    Subject(
        Said("Small cells", "小さいセル"),
        Said(
            "Few, wide bands show more than many narrow ones: each split of a table makes cells smaller and hides others for the "
            "sake of the small ones. Ask for one table with its totals instead of several that differ a little.",
            "細かい区分を多くするより、広い区分を少なくするほうが多く見えます。分けるほどセルは小さくなり、小さいセルのためにほかのセルも秘匿"
            "されます。少しずつ違う表をいくつも求めるより、合計の入った表を一つ求めてください。",
        ),
        (
            Example(
                Where.TWIN,
                "groups that are too fine",
                Said("wide bands, in `table()`", "広い区分（`table()`）"),
            ),
        ),
    ),
)

REFUSED_TITLE = Said(
    "What is refused, why, and what to write instead", "断られるもの、その理由、代わりの書き方"
)
REFUSED_TEXT = Said(
    "By code. What is quoted is what is shown.",
    "コードごとに示します。引用の部分が、実際に表示される文です。",
)
WHY = Said("Why:", "理由：")
INSTEAD = Said("Instead:", "代わりに：")
IN_TABLE = Said(" (in `table()`)", "（`table()`）")
IN_AGGREGATE = Said(" (in the aggregate tier)", "（集計段階）")


@dataclass(frozen=True)
class Chapter:
    """Codes of one kind, in the order of the page."""

    title: Said
    codes: tuple[str, ...]


CHAPTERS: tuple[Chapter, ...] = (
    Chapter(
        Said("While writing", "書くとき"),
        (
            "query.syntax",
            "query.types",
            "query.value",
            "query.column_ambiguous",
            "query.parameter",
            "query.format_character",
            "query.name_taken",
            "query.statement",
            "query.function",
            "query.node",
            "query.limit_list",
        ),
    ),
    Chapter(
        Said("What the permit holds", "承諾の範囲"),
        (
            "query.table_unknown",
            "query.table_not_permitted",
            "query.column_not_permitted",
            "query.not_linked",
            "query.tier_rows",
        ),
    ),
    Chapter(
        Said("In `table()`", "`table()` で"),
        (
            "query.table_shape",
            "query.table_aggregate",
            "query.table_having",
            "query.table_order",
            "query.table_limit",
            "query.table_distinct",
            "query.table_window",
            "query.person_unknown",
            "query.key_identifies",
            "query.key_continuous",
            "query.identifier_condition",
            "hidden",
        ),
    ),
    Chapter(
        Said("In the aggregate tier", "集計段階で"),
        ("query.areas_apart", "query.areas_small", "query.blocks_cut", "perturbed"),
    ),
)

HIDDEN_TITLE = Said("Answered, but hidden", "答えは返るが秘匿される")
PERTURBED_TITLE = Said("Answered, but not exactly", "答えは返るが正確ではない")

REASONS: dict[str, Said] = {
    "query.syntax": Said(
        "What cannot be parsed cannot be judged. The place is told, and a word that may have been meant.",
        "解釈できないものは判定できません。場所と、もしかすると書きたかった言葉を示します。",
    ),
    "query.types": Said(
        "A column of a grouped answer is a key or an aggregate. The engine would have to choose one row's value.",
        "グループ化した答えの列は、項目か集計のどちらかです。そうでないと、どの行の値かを選ばなければなりません。",
    ),
    "query.value": Said(
        "Some row's value does not fit. Which one is not said, because it is somebody's: make it null instead.",
        "どこかの行の値が合いません。それは誰かの値なので、どれかは示しません。合わないものは NULL にしてください。",
    ),
    "query.column_ambiguous": Said(
        "Two tables have the column, and they may differ. A column named in `USING` is one.",
        "二つの表に同じ名前の列があり、値が違うことがあります。`USING` に書いた列は一つです。",
    ),
    "query.parameter": Said(
        'Values come beside the text: `e.sql("… age >= $low", low=65)`. One is missing here.',
        '値は文の外から渡します：`e.sql("… age >= $low", low=65)`。ここでは値がありません。',
    ),
    "query.format_character": Said(
        "Invisible and wide spaces read differently to parser and engine: two readers, two meanings. Within a text "
        "(`'肝臓　線維化'`) a wide space may stand.",
        "見えない文字や全角空白は、解釈する側と実行する側で読み方が違います。文字列の中（`'肝臓　線維化'`）の全角空白はかまいません。",
    ),
    "query.name_taken": Said(
        "Every measure gets a column `…_status` beside it; yours may not have its name.",
        "値の列にはそれぞれ `…_status` という列が付きます。同じ名前は使えません。",
    ),
    "query.statement": Said(
        "A question reads. Steps of your own are `WITH`; what you want to keep stays in a data frame of the workspace.",
        "問い合わせは読むだけです。途中の表は `WITH` で書き、残したいものはワークスペースの data frame に置いてください。",
    ),
    "query.function": Said(
        "The list of functions is closed: it leaves out what reads the clock, chance, settings or files, what guesses where the "
        "exact number is at hand, and what packs rows or texts of any size.",
        "使える関数の一覧は閉じています。時刻・乱数・設定・ファイルを読むもの、正確に数えられるものの近似、行や巨大な文字列を詰め込むものは"
        "入っていません。",
    ),
    "query.node": Said(
        "So is the grammar: what was judged must be what runs. Columns made of values, samples by chance and recursion are not in it.",
        "文法も閉じています。判定したものと実行されるものが同じでなければならないからです。値から作る列、無作為抽出、再帰は入っていません。",
    ),
    "query.limit_list": Said(
        "A list of constants is written out before it runs. Ten thousand entries are enough for the days of 27 years.",
        "定数の一覧は、実行の前に書き下されます。1 万件あれば 27 年分の日数になります。",
    ),
    "query.table_unknown": Said(
        "A slip, mostly: the nearest name is shown.", "多くは書き誤りです。近い名前を示します。"
    ),
    "query.table_not_permitted": Said(
        "The permit names tables and columns, and the extract holds no others. An amendment can add one.",
        "承諾には表と列が書かれていて、抽出データにはそれしか入っていません。追加するには変更申出をします。",
    ),
    "query.column_not_permitted": Said(
        "The same for columns. The refusal lists those of the tables in question.",
        "列も同じです。その表で使える列が示されます。",
    ),
    "query.not_linked": Said(
        "Databases that stand side by side in a permit have numbers of their own for the same person: a join would find nobody, "
        "or the wrong people.",
        "承諾の中で並んでいるだけのデータベースでは、同じ人に別々の番号が付いています。結合しても、誰も見つからないか、別人が見つかります。",
    ),
    "query.tier_rows": Said(
        "A permit of the aggregate tier is for numbers about groups.",
        "集計段階の承諾は、集団についての数のためのものです。",
    ),
    "query.table_shape": Said(
        "Each line of a table is a cell with its keys: every column is a key or an aggregate, and every key is shown, so that it "
        "is clear which cell is which.",
        "表の各行は項目の付いたセルです。列は項目か集計のどちらかで、どのセルか分かるように項目はすべて出力します。",
    ),
    "query.table_aggregate": Said(
        "A minimum, a median or a list is the value of one person, however many stand behind the cell.",
        "最小値・中央値・一覧は、セルに何人いても、一人の値です。",
    ),
    "query.table_having": Said(
        "Whether a line appears would tell whether its count is above the number. Small cells are hidden anyway; filter what you "
        "receive.",
        "行が出るかどうかで、件数がその数を超えるかどうかが分かってしまいます。小さいセルはもともと秘匿されます。受け取った後で絞ってください。",
    ),
    "query.table_order": Said(
        "The order of lines would rank the hidden cells. Sort the data frame.",
        "行の順序で、秘匿したセルの大小が分かってしまいます。data frame を並べ替えてください。",
    ),
    "query.table_limit": Said(
        "A part of a table hides what the rest would give away, and the other way round: it is protected as a whole.",
        "表は全体として秘匿します。一部だけを取ると、残りとの関係で秘匿が崩れます。",
    ),
    "query.table_distinct": Said(
        "That a value occurs at all may be about one person. With its count it can be protected.",
        "ある値があること自体が、一人についての情報になり得ます。件数があれば秘匿できます。",
    ),
    "query.table_window": Said(
        "A window mixes the cells, hidden ones too. `ROLLUP` gives the totals, protected together; divide what you receive.",
        "ウィンドウ関数は、秘匿するセルも混ぜてしまいます。`ROLLUP` が合計を一緒に秘匿して返すので、受け取った後で割ってください。",
    ),
    "query.person_unknown": Said(
        "Protection counts persons, so it must know whose each line is. A step that groups without `pid`, or ranks everybody, "
        "loses that. Group the step by person, count in the outermost SELECT, and write the limits of bands yourself.",
        "秘匿は人を数えるので、各行が誰のものか分からなければなりません。`pid` なしの集計や全員の順位付けでは、それが失われます。段階は人ごとに"
        "集計し、人数は一番外側の SELECT で数え、区分の境界は自分で書いてください。",
    ),
    "query.key_identifies": Said(
        "A line per person is not a table of groups. Count persons by what was counted.",
        "一人一行では集団の表になりません。数えたもので人を分けて数えてください。",
    ),
    "query.key_continuous": Said(
        "A measurement to its last digit is nearly a name. Make it bands.",
        "最後の桁までの測定値は、名前とほとんど同じです。区分にしてください。",
    ),
    "query.identifier_condition": Said(
        "A number chooses one person, or everybody but one. A list of persons is made by a condition.",
        "番号を使うと、一人だけ、あるいは一人以外の全員を選べてしまいます。対象者は条件で選んでください。",
    ),
    "hidden": Said(
        "No refusal: the cells come, with the status *hidden*. A group is too small, or a subtraction from the total would tell "
        "about a small one.",
        "断られはしません。セルは *hidden* という状態で返ります。集団が小さすぎるか、合計からの引き算で小さい集団のことが分かるためです。",
    ),
    "query.areas_apart": Said(
        "Two areas of a person (where they live, where they were registered) cross into very small groups.",
        "一人の二つの地域（居住地と登録地など）を掛け合わせると、とても小さい集団になります。",
    ),
    "query.areas_small": Said(
        "Where somebody lives is answered in whole blocks of persons of one sex and age. An area of fewer persons than a block has "
        "shares its block with the next, and a condition on it would count mostly those.",
        "居住地は、同じ性別・年齢の人のまとまりを単位に答えます。まとまりより人数の少ない地域は隣の地域と同じまとまりに入るので、その地域を条件にすると、"
        "主に隣の地域の人を数えることになります。",
    ),
    "query.blocks_cut": Said(
        "What outsiders may know of a person is answered in whole blocks of persons. A set operation has several tables to look "
        "at for one column, so that no nearest step can be taken.",
        "外部の人が知り得ることは、人のまとまりを単位に答えます。集合演算では一つの列の元の表が複数になり、最も近い区切りを決められません。",
    ),
    "perturbed": Said(
        "No refusal: but an age that moves with the date of an event cuts through the blocks of persons, so the numbers are near "
        "ones. The age on a fixed day is one per person, and mostly exact.",
        "断られはしません。ただし、事象の日によって変わる年齢は人のまとまりの途中を区切るので、近い値になります。決まった日の年齢は一人に一つで、"
        "多くは正確な値になります。",
    ),
}

OWN_WAYS = Said("What to write instead of …", "言い換え一覧")
OWN_WAYS_TEXT = Said(
    "Functions of other dialects and, in italics, parts of a statement by the names that refusals give them; beside each what "
    "says the same here (`x`, `d`, `l`: a value, a date, a list). The refusal shows it too.",
    "ほかの方言の関数と、断られたときの名前で示した文の部分（斜体）、そしてここでの書き方です（`x`、`d`、`l` は値、日付、一覧）。断られたとき"
    "にも表示されます。",
)
WRITTEN = Said("You would write", "書こうとするもの")
PASSES = Said("Write", "こう書きます")
NOTHING = Said("no counterpart", "対応するものなし")

FUNCTIONS_TITLE = Said("Functions", "使える関数")
FUNCTIONS_TEXT = Said(
    "DuckDB's other names for the same pass too (`substr`, `len`, `ifnull`, `datediff`, `min_by`, `array_agg` and the like).",
    "同じ働きをする DuckDB の別名（`substr`、`len`、`ifnull`、`datediff`、`min_by`、`array_agg` など）も使えます。",
)
FUNCTIONS_ROWS = (
    Said("of a value", "値の関数"),
    Said("aggregates", "集計関数"),
    Said("windows (any aggregate can be one, too)", "ウィンドウ関数（集計関数も使えます）"),
    Said("aggregates that may be a cell of `table()`", "`table()` のセルにできる集計関数"),
)

LIMITS_TITLE = Said("Limits", "上限")
LIMITS_TEXT = Said(
    "Far above what a study needs; a question that meets one is usually better written with a reference table or in steps.",
    "研究に必要な量よりずっと大きくしてあります。上限に当たる問い合わせは、参照表や段階を使うとたいてい短くなります。",
)
LIMITS: dict[str, tuple[str, Said]] = {
    "query.too_long": ("MAX_BYTES", Said("bytes of text", "文の長さ（バイト）")),
    "query.limit_tokens": ("MAX_TOKENS", Said("words", "語の数")),
    "query.limit_depth": ("MAX_DEPTH", Said("brackets within brackets", "かっこの深さ")),
    "query.limit_joins": ("MAX_JOINS", Said("joins", "結合の数")),
    "query.limit_queries": ("MAX_QUERIES", Said("SELECTs in one statement", "一文の中の SELECT の数")),
    "query.limit_columns": ("MAX_COLUMNS", Said("columns", "列の数")),
    "query.limit_list": ("MAX_LIST", Said("entries of a list", "一覧の件数")),
}

OTHERS_TITLE = Said("Other codes", "そのほかのコード")
OTHERS_TEXT = Said(
    "Not about how a question is written, or seldom met. `…` stands for a name or a number.",
    "書き方によらないもの、まれなものです。`…` には名前や数が入ります。",
)
CODE = Said("Code", "コード")
SENTENCE = Said("What it says", "表示される文")
HINT = Said("What to do", "すること")

ALL_TITLE = Said("Every question that is tested to pass", "通ることをテストしている問い合わせ")
ALL_TEXT = Said(
    "{honest} questions in rows, {aggregate} in cells of the aggregate tier, besides the 22 queries of TPC-H; {twins} more stand "
    "beside the attacks in `tests/attacks/sql`.",
    "行の問い合わせ {honest} 件、集計段階のセルの問い合わせ {aggregate} 件です。ほかに TPC-H の 22 件があり、`tests/attacks/sql` には攻撃と"
    "並べて {twins} 件あります。",
)
FILES: dict[str, Said] = {
    "cohorts": Said("Cohorts", "コホート"),
    "measures": Said("Measures", "指標"),
    "episodes": Said("Episodes", "期間"),
    "studies": Said("Studies, in many people's habits", "研究の例（さまざまな書き方）"),
    "idioms": Said("Idioms", "書き方"),
    "aggregate": Said("Cells in the aggregate tier", "集計段階のセル"),
}
WHAT = Said("What", "項目")
AT_MOST = Said("At most", "上限")
