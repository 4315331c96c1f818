"""What a person reads for each `disclosure.*` code, in both languages. Refusals of `table()` first, then findings."""

from enclave.core.refusal import Wording

CODES: dict[str, Wording] = {
    "disclosure.no_safe_pattern": Wording(
        "この表は、安全に公表できる形が見つかりませんでした。",
        "No safe way to show this table was found.",
        "小さなセルが多いか、空のセルが多いためです。区分を粗くするか、次元を減らしてください。",
        "It has many small or empty cells. Use coarser categories or fewer dimensions.",
    ),
    "disclosure.too_large": Wording(
        "表が大きすぎます。",
        "The table is too large.",
        "合計を含めて {limit} セルまでです。区分を粗くするか、次元を減らしてください。",
        "At most {limit} cells with all totals. Use coarser categories or fewer dimensions.",
    ),
    "disclosure.not_finite": Wording(
        "無限大または非数 (NaN) が含まれています。",
        "There is an infinite number or NaN.",
        "列 {column} を確かめてください (0 での割り算など)。",
        "Look at column {column} (a division by 0, for example).",
    ),
    "disclosure.no_evidence": Wording(
        "数値の根拠となる人数がありません。",
        "The number of persons behind the numbers is missing.",
        "各セルの人数の列を加えてください。人数のない表は安全と判定できません。",
        "Add a column with the number of persons per cell. A table without it is never called safe.",
    ),
    "disclosure.evidence_invalid": Wording(
        "人数の根拠が矛盾しています。",
        "The evidence contradicts itself.",
        "{row} 行目の人数を確かめてください。",
        "Look at the numbers of persons of row {row}.",
    ),
    "disclosure.duplicate_row": Wording(
        "同じ区分の行が二つあります。",
        "Two rows have the same categories.",
        "{row} 行目。区分の列がセルを一意に定める必要があります。",
        "Row {row}. The dimensions must name each cell once.",
    ),
    "disclosure.shape": Wording(
        "表の形が正しくありません。",
        "The table is not well-formed.",
        "{row} 行目 (0 は見出し) の列数と列名を確かめてください。",
        "Look at the columns and names of row {row} (0 is the heading).",
    ),
    "disclosure.margin_incomplete": Wording(
        "合計と内訳が合いません。",
        "A total and its details do not fit together.",
        "{row} 行目。HAVING や LIMIT で行を除くと、空のセルと区別できなくなります。",
        "Row {row}. Rows left out by HAVING or LIMIT cannot be told from empty cells.",
    ),
    "disclosure.name_taken": Wording(
        "列名が状態の列と重なっています。",
        "A column has the name of a status column.",
        "列 {column} の名前を変えてください。",
        "Rename column {column}.",
    ),
    "disclosure.no_rules": Wording(
        "適用する公表基準がありません。",
        "No rule set says how many persons a cell needs.",
        "承諾に公表基準が必要です。",
        "The permit needs a rule set.",
    ),
    "disclosure.rule_unknown_key": Wording(
        "公表基準に未知の項目があります。",
        "A rule set has an unknown key.",
        "{where} の {key}。綴りを確かめてください。",
        "{key} in {where}. Check its spelling.",
    ),
    "disclosure.rule_invalid": Wording(
        "公表基準の値が正しくありません。",
        "A rule set has an invalid value.",
        "{where} は {needs} です。",
        "{where} needs {needs}.",
    ),
    "disclosure.rule_unsupported": Wording(
        "この基準を表に適用する機能がまだありません。",
        "A binding rule cannot be applied to tables yet.",
        "基準 {rule}。適用できない基準がある間は何も表示しません。",
        "Rule {rule}. Nothing is shown while a binding rule cannot be applied.",
    ),
    "disclosure.rule_unknown": Wording(
        "この公表基準は存在しません。",
        "There is no such rule set.",
        "{rule_set} は見つかりません。",
        "{rule_set} was not found.",
    ),
    "disclosure.small_cell": Wording(
        "{threshold} 人未満のセルがあります。",
        "A cell has fewer than {threshold} persons.",
        "table() の結果を使うか、区分を粗くしてください。",
        "Use the result of table(), or coarser categories.",
    ),
    "disclosure.small_group": Wording(
        "隠したセルを合わせても {threshold} 人未満で、引き算で一つのセルとして読めます。",
        "The hidden cells under one total are together fewer than {threshold} persons, readable by subtraction.",
        "同じ合計のもとでもう一つのセルを隠すか、区分を粗くしてください。",
        "Hide one more cell under the same total, or use coarser categories.",
    ),
    "disclosure.small_difference": Wording(
        "同じ行の二つの人数の差が {threshold} 人未満です。",
        "Two counts of a row differ by fewer than {threshold} persons.",
        "一方が他方の一部なら、差も小さなセルです。",
        "If one is a part of the other, the difference is a small cell too.",
    ),
    "disclosure.recomputable": Wording(
        "隠したセルが、他のセルの引き算で正確に求まります。",
        "A hidden cell can be had exactly by subtraction.",
        "table() の結果は引き算に耐えます。手で隠した表にはもう一つ以上の隠しセルが必要です。",
        "What table() gives withstands this. A table hidden by hand needs further hidden cells.",
    ),
    "disclosure.maybe_recomputable": Wording(
        "隠したセルが、引き算で求まるかもしれません。",
        "A hidden cell can perhaps be had by subtraction.",
        "最大の行が合計かどうか確かめてください。",
        "See whether the largest row is a total.",
    ),
    "disclosure.beside_hidden": Wording(
        "隠した人数の隣に、割合や平均などの数値があります。",
        "A rate, mean or sum stands beside a hidden count.",
        "人数が逆算できます。同じ行の数値も隠してください。",
        "The count can be worked out from it. Hide the row's other numbers too.",
    ),
    "disclosure.hidden_written": Wording(
        "「hidden」とされたセルに値が書かれています。",
        "A cell marked hidden has a value.",
        "値を空にしてください。",
        "Leave the value empty.",
    ),
    "disclosure.not_a_count": Wording(
        "人数の列に、負の値か、数値でも秘匿の印でもない文字があります。",
        "A count is negative, or neither a number nor a mark for a hidden one.",
        "人数は数字で書き、隠すセルは空にしてください。",
        "Write counts in digits, and leave a hidden one empty.",
    ),
    "disclosure.maybe_count": Wording(
        "人数と並ぶ列が、{threshold} 人未満の人数、またはそれを与える割合かもしれません。",
        "A column beside a count may be a count below {threshold}, or a share that gives one.",
        "人数なら counts に指定してください。割合なら分子が {threshold} 人以上か確かめてください。",
        "If it counts, name it in counts. If it is a share, see that its numerator is {threshold} or more.",
    ),
    "disclosure.not_additive": Wording(
        "合計が内訳の和になっていません。",
        "The totals are not the sums of their details.",
        "一人が複数の行に入るか、行が除かれています。引き算の検査は人が行います。",
        "A person stands in several rows, or rows were left out. A person checks the subtraction.",
    ),
    "disclosure.row_level": Wording(
        "集計表ではなく個票のように見えます。",
        "This looks like records of persons, not a table.",
        "個人を単位とする行と識別子の列は持ち出せません。",
        "Rows of single persons and columns of identifiers may not leave.",
    ),
    "disclosure.repeated_cell": Wording(
        "同じ区分の行が複数あります。",
        "Several rows have the same categories.",
        "区分の列をすべて指定してください。",
        "Name all the dimensions.",
    ),
    "disclosure.population_unknown": Wording(
        "市区町村の人口がわからないため、基準を判定できません。",
        "The population of the municipalities is not known here.",
        "人口 2,000 人未満・25,000 人未満の基準は人が確かめます。",
        "A person checks the tiers by population.",
    ),
    "disclosure.more": Wording(
        "同じ指摘がほかに {more} 件あります。",
        "There are {more} more findings of this kind.",
    ),
}
