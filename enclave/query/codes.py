"""What a person reads for each `query.*` code, in both languages, and for the few codes of its policy.

A hint says what to do instead. `{name}` is filled from the refusal's facts, which hold names and limits, never values.
"""

from enclave.core.refusal import Wording

CODES: dict[str, Wording] = {
    # -- the text -----------------------------------------------------------------------------
    "query.syntax": Wording(
        "SQL を解釈できません（{line} 行 {column} 文字目付近）。",
        "The SQL does not parse (near line {line}, column {column}).",
        "この付近の綴りと括弧を確かめてください。もしかして: {suggestion}",
        "Check spelling and brackets there. Perhaps: {suggestion}",
        400,
    ),
    "query.too_long": Wording(
        "問い合わせが長すぎます（{bytes} バイト、上限 {limit}）。",
        "The query is too long ({bytes} bytes, at most {limit}).",
        "長いコードの一覧は参照表との結合にしてください。",
        "Join a reference table instead of writing out a long list of codes.",
    ),
    "query.format_character": Wording(
        "目に見えない文字または特殊な空白 {character} が含まれています（{line} 行 {column} 文字目）。",
        "The query contains an invisible character or a special space, {character} (line {line}, column {column}).",
        "その文字を消して、通常の空白を使ってください。",
        "Delete it and use an ordinary space.",
    ),
    "query.limit_tokens": Wording(
        "問い合わせが大きすぎます（{tokens} 語、上限 {limit}）。",
        "The query is too large ({tokens} words, at most {limit}).",
        "問い合わせを分けてください。",
        "Split it into several queries.",
    ),
    "query.limit_depth": Wording(
        "入れ子が深すぎます（上限 {limit}）。",
        "The query is nested too deeply (at most {limit} levels).",
        "WITH で段階に分けてください。",
        "Use WITH to write it in steps.",
    ),
    "query.limit_joins": Wording(
        "結合が多すぎます（{joins}、上限 {limit}）。",
        "There are too many joins ({joins}, at most {limit}).",
        "問い合わせを分けてください。",
        "Split it into several queries.",
    ),
    "query.limit_queries": Wording(
        "SELECT が多すぎます（{queries}、上限 {limit}）。",
        "There are too many SELECTs in one statement ({queries}, at most {limit}).",
        "問い合わせを分けてください。",
        "Split it into several queries.",
    ),
    "query.limit_columns": Wording(
        "列が多すぎます（{columns}、上限 {limit}）。",
        "There are too many columns ({columns}, at most {limit}).",
        "必要な列だけを選んでください。",
        "Select the columns that you need.",
    ),
    "query.limit_list": Wording(
        "一覧が長すぎます（{entries}、上限 {limit}）。",
        "The list is too long ({entries} entries, at most {limit}).",
        "参照表との結合にしてください。",
        "Join a reference table instead.",
    ),
    "query.statement": Wording(
        "SELECT 文 1 つだけが実行できます。",
        "Only one SELECT statement can be run.",
        "データの変更、設定、複数の文は受け付けません。",
        "Statements that change, describe or configure, and several statements at once, are not accepted.",
    ),
    "query.node": Wording(
        "「{node}」はこの文法にありません。",
        "“{node}” is not part of the grammar here.",
        "代わりの書き方: {instead}。結合、WITH、副問い合わせ、集計、ウィンドウ関数は使えます。一覧は説明書にあります。",
        "Instead: {instead}. Joins, WITH, subqueries, aggregates and windows pass. The guide lists what does.",
    ),
    "query.function": Wording(
        "関数 {function} は使えません。",
        "The function {function} cannot be used.",
        "代わりの書き方: {instead}。使える関数の一覧は説明書にあります。",
        "Instead: {instead}. The guide lists the functions that can be used.",
    ),
    "query.parameter": Wording(
        "パラメータ {parameter} の値が足りないか、余っているか、型が使えません。",
        "The parameter {parameter} is missing, left over, or of a type that cannot be used.",
        "? には順に、$name には名前で、文字列・数・真偽・NULL を渡してください。",
        "Pass texts, numbers, truth values or NULL: in order for ?, by name for $name.",
        400,
    ),
    "query.name_taken": Wording(
        "名前 {name} は使えません。",
        "The name {name} cannot be used.",
        "同じ名前が 2 つあるか、システムが加える名前（_enclave_…、…_status）です。別の名前を付けてください。",
        "It occurs twice, or the system adds it itself (_enclave_…, …_status). Choose another.",
    ),
    # -- what it is about ---------------------------------------------------------------------
    "query.table_unknown": Wording(
        "表 {table} はありません。",
        "There is no table {table}.",
        "利用できる表: {permitted}。近い名前: {nearest}。",
        "Tables of your permit: {permitted}. Nearest: {nearest}.",
    ),
    "query.table_not_permitted": Wording(
        "表 {table} はこの承諾に含まれていません。",
        "The table {table} is not in your permit.",
        "利用できる表: {permitted}。追加には変更申出が必要です。",
        "Tables of your permit: {permitted}. Adding one needs an amendment.",
    ),
    "query.table_ambiguous": Wording(
        "表の名前 {table} は一つに決まりません。",
        "The table name {table} is not unique in your permit.",
        "次のどれかで書いてください: {choices}。",
        "Write one of: {choices}.",
    ),
    "query.column_not_permitted": Wording(
        "列 {column} はこの承諾で見られる列にありません。",
        "The column {column} is not among the columns of your permit.",
        "見られる列: {permitted}。近い名前: {nearest}。",
        "Columns you may use here: {permitted}. Nearest: {nearest}.",
    ),
    "query.column_ambiguous": Wording(
        "列 {column} がどの表のものか決まりません。",
        "It is not clear which table the column {column} belongs to.",
        "表の名前を付けて書いてください（例: p.age）。",
        "Write it with its table, such as p.age.",
    ),
    # -- the table form -----------------------------------------------------------------------
    "query.table_shape": Wording(
        "表の形になっていません（見直す所：{reason}）。",
        "This is not a table of cells (look at: {reason}).",
        "table() では、GROUP BY の項目をすべて出力し、それ以外の列は集計にしてください。",
        "For table(), show every GROUP BY key, and make every other column an aggregate.",
    ),
    "query.table_having": Wording(
        "table() では HAVING を使えません。",
        "HAVING cannot be used in table().",
        "ある行が出るか出ないかも情報になるためです。受け取った後で絞ってください。",
        "Whether a row appears is itself an answer. Filter after you have the table.",
    ),
    "query.table_limit": Wording(
        "table() では LIMIT と OFFSET を使えません。",
        "LIMIT and OFFSET cannot be used in table().",
        "受け取った後で絞ってください。「最初の 1 件」は arg_min で書けます。",
        "Filter after you have the table. Write “the first one” with arg_min.",
    ),
    "query.table_distinct": Wording(
        "table() では SELECT DISTINCT を使えません。",
        "SELECT DISTINCT cannot be used in table().",
        "GROUP BY を使ってください。",
        "Use GROUP BY.",
    ),
    "query.table_window": Wording(
        "table() の一番外側ではウィンドウ関数を使えません。",
        "Window functions cannot be used in the outermost SELECT of table().",
        "WITH の中で人ごとに（PARTITION BY pid）使うことはできます。",
        "Within WITH they can, person by person (PARTITION BY pid).",
    ),
    "query.table_order": Wording(
        "table() では集計値で並べ替えられません。",
        "A table cannot be ordered by a measure.",
        "行の順序が隠された値を示すためです。項目で並べるか、受け取った後で並べ替えてください。",
        "The order of rows would show hidden numbers. Order by keys, or sort what you receive.",
    ),
    "query.table_aggregate": Wording(
        "集計関数 {function} は table() で使えません。",
        "The aggregate {function} cannot make a cell of a table.",
        "count、sum、avg、stddev、variance が使えます。最小値や中央値は一人の値です。",
        "count, sum, avg, stddev and variance can. A minimum or a median is one person's value.",
    ),
    "query.person_unknown": Wording(
        "各行がどの人のデータか決められません。",
        "It cannot be told whose data each row is.",
        "人ごとの表どうしは pid で結合し、WITH の中では pid を出力に残してください。",
        "Join person-level tables on pid, and keep pid in the output of every WITH and subquery.",
    ),
    "query.key_identifies": Wording(
        "人の識別子は集計の項目にできません。",
        "A person identifier cannot be a key of a table.",
        "年齢階級、性別、地域などの項目を使ってください。",
        "Use keys such as age band, sex or area.",
    ),
    "query.identifier_condition": Wording(
        "table() では、人の識別子を条件や計算に使えません。",
        "In table(), a person identifier cannot be compared or computed with.",
        "識別子は、表どうしの結合（a.pid = b.pid）、人数（count(DISTINCT pid)）、人ごとの集計（GROUP BY pid）に使えます。"
        "対象は年齢や病名などの条件で選んでください。",
        "It joins tables (a.pid = b.pid), counts persons (count(DISTINCT pid)) and groups a step by person (GROUP BY pid). "
        "Choose a cohort by conditions such as age or diagnosis.",
    ),
    "query.key_continuous": Wording(
        "測定値をそのまま集計の項目にできません。",
        "A measurement as it stands cannot be a key of a table.",
        "CASE や floor で区分にしてください（例: floor(bmi / 5) * 5）。",
        "Make it bands with CASE or floor, such as floor(bmi / 5) * 5.",
    ),
    # -- the policy ---------------------------------------------------------------------------
    "query.tier_rows": Wording(
        "この段階では個票を表示できません。",
        "Records cannot be shown in this tier.",
        "table() を使ってください。",
        "Use table().",
    ),
    "query.tier_wider": Wording(
        "承諾より広い段階は求められません。",
        "A tier wider than the permit's cannot be asked for.",
        "tier の指定を外してください。",
        "Leave out the tier.",
    ),
    "query.aggregate_unprepared": Wording(
        "この抽出データは集計段階の準備ができていません。",
        "This extract is not prepared for the aggregate tier.",
        "データ管理者にお問い合わせください。",
        "Ask the data custodian.",
    ),
    "query.institutions_uncounted": Wording(
        "公表基準は施設数を求めますが、この問い合わせのセルの背後にある施設を数えられません（{databases}）。",
        "A rule asks how many institutions stand behind each cell, and this question does not let them be counted ({databases}).",
        "施設の列が許可されていれば、その列を副問い合わせの外まで運び、FROM の表として使ってください。列がなければ、申出の変更で加えてください。",
        "Where the column that names the institution is permitted, carry it through to the outer FROM unchanged; else have it "
        "added to the permit.",
    ),
    "query.contributions_uncounted": Wording(
        "合計が多すぎ、それぞれの差に誰がどれだけ寄与しているかを確かめきれません。",
        "There are too many sums to know who contributes how much to each of their differences.",
        "公表基準は、合計を少数の人の値が占めていないことを求めます。一つの表では、差し引きできる合計を {sums} 個まで、区分を {keys} 個までにし、残りは別の表にしてください。",
        "A rule set asks that no few persons make up most of a sum. Ask for at most {sums} sums that can be subtracted from each other and {keys} keys in one table, and for the rest in another.",
    ),
    "query.municipality_unknown": Wording(
        "公表基準は市区町村の人口によりますが、この抽出データには人口を示す市区町村の参照表がありません。",
        "A rule goes by the population of a municipality, and this extract has no reference table that tells it.",
        "参照表 core.muni を含めるようデータ管理者に依頼するか、二次医療圏または都道府県で集計してください。",
        "Ask the data custodian to include the reference table core.muni, or tabulate by medical area or prefecture.",
    ),
    "query.municipality_unclear": Wording(
        "セルがどの市区町村についての数値か判断できず、人口の少ない市区町村の数値は示せません。",
        "It cannot be told which municipality a cell is about, and nothing may be shown of the smallest ones.",
        "市区町村コードの列をそのまま分類に使うか、= または IN でコードを指定してください。より広い地域は参照表 core.muni の列で集計できます。",
        "Group by the municipality's code itself, or name codes with = or IN. Wider areas are columns of core.muni.",
    ),
    "query.blocks_cut": Wording(
        "この条件または分類（{columns}）は、人のまとまり（ブロック）の途中で区切っています。",
        "This condition or grouping ({columns}) cuts through blocks of persons.",
        "集計段階では、年齢・性別などは5歳階級のような広い区切りで使ってください。イベント時の年齢ではなく、"
        "人ごとに一つに決まる値（例：min(age) を人ごとに求めたもの）で区切ってください。",
        "In the aggregate tier use age, sex and the like in wide steps such as bands of five years, and cut by one value "
        "per person (such as min(age) per person), not by age at an event.",
    ),
    "query.areas_small": Wording(
        "この地域の条件（{columns}）では、主に別の地域の人が数えられてしまいます。",
        "This condition on an area ({columns}) would count mostly people of other areas.",
        "この地域は性別・年齢ごとの人数が少なく、隣の地域と同じまとまり（ブロック）に入っています。都道府県など、より広い地域を使ってください。",
        "By sex and age the area holds few persons, who are in one block with those of the next. Use a wider area, such as the "
        "prefecture.",
    ),
    "query.cut_unknown": Wording(
        "{columns} をどの人の行で見ればよいかを決められません。",
        "It cannot be told over which persons' rows {columns} is to be looked at.",
        "pid を残したまま、表または人ごとの集計から直接使ってください。",
        "Use it from a table, or from one line per person that keeps pid.",
    ),
    "query.areas_apart": Wording(
        "地域（{columns}）は、一つの表のものだけを使ってください。",
        "Use areas ({columns}) of one table only.",
        "複数の表の地域を組み合わせると、少数の人が特定されます。",
        "Areas of several tables together single people out.",
    ),
    "query.not_linked": Wording(
        "これらのデータベースは連結が認められていません。",
        "These databases may not be linked under your permit.",
        "別々に問い合わせてください。連結には変更申出が必要です。",
        "Ask them separately. Linking needs an amendment.",
    ),
    "query.extract_differs": Wording(
        "抽出データが現在の承諾のものではありません。",
        "The extract was not built for this permit.",
        "データ管理者が作り直すまでお待ちください。",
        "Wait until the custodian has built it again.",
    ),
    "query.rule_set_missing": Wording(
        "このデータベースに適用できる公表基準がありません。",
        "No rule set in force covers this database.",
        "事務局にお問い合わせください。",
        "Ask the secretariat.",
    ),
    "query.budget_queries": Wording(
        "プロジェクトの今日の問い合わせ回数を使い切りました。",
        "The project's queries of today are used up.",
        "毎日、日本時間の午前 9 時（協定世界時 0 時）に戻ります。上限を増やすには、ポータルのプロジェクトのページから変更を申し出てください。残りは session() で分かります。",
        "They are renewed every day at 09:00 in Japan (00:00 UTC). To raise the limit, apply for a larger budget on the project's page in the portal. session() shows what is left.",
    ),
    "query.budget_rows": Wording(
        "プロジェクトの今日の行数を使い切りました。",
        "The project's rows of today are used up.",
        "毎日、日本時間の午前 9 時（協定世界時 0 時）に戻ります。問い合わせの中で集計すると行数をほとんど使いません。上限を増やすには、ポータルのプロジェクトのページから変更を申し出てください。",
        "They are renewed every day at 09:00 in Japan (00:00 UTC). Aggregating in the query uses few rows. To raise the limit, apply for a larger budget on the project's page in the portal.",
    ),
    "query.budget_bytes": Wording(
        "プロジェクトの今日のデータ量を使い切りました。",
        "The project's bytes of today are used up.",
        "毎日、日本時間の午前 9 時（協定世界時 0 時）に戻ります。必要な列だけを選ぶか、問い合わせの中で集計してください。上限を増やすには、ポータルのプロジェクトのページから変更を申し出てください。",
        "They are renewed every day at 09:00 in Japan (00:00 UTC). Select only the columns you need, or aggregate in the query. To raise the limit, apply for a larger budget on the project's page in the portal.",
    ),
    "session.permit_changed": Wording(
        "このワークスペースは別の承諾または古い版で開かれています。",
        "This workspace was opened under another permit or an older revision.",
        "ワークスペースを一度終了し、開き直してください。",
        "Stop the workspace and start it again.",
    ),
    "policy.undefined": Wording(
        "方針から明確な許可が得られませんでした。",
        "The policy gave no explicit yes.",
        "何も実行されていません。運用担当者にお問い合わせください。",
        "Nothing was done. Tell the operator.",
    ),
    # -- the engine ---------------------------------------------------------------------------
    "query.account_differs": Wording(
        "実行計画が、認められた範囲と一致しませんでした。",
        "The engine's account of the query differs from what was permitted.",
        "実行されていません。問い合わせを簡単にして、運用担当者にお知らせください。",
        "It was not run. Simplify the query, and tell the operator.",
    ),
    "query.out_of_memory": Wording(
        "この問い合わせには使えるメモリが足りません。",
        "The query needs more memory than it may use.",
        "条件で絞るか、先に集計してから結合してください。",
        "Filter earlier, or aggregate before joining.",
    ),
    "query.time_limit": Wording(
        "制限時間内に終わりませんでした。",
        "The query did not finish in time.",
        "結合の条件を確かめ、期間や対象を絞ってください。",
        "Check the join conditions; narrow the period or the cohort.",
    ),
    "query.limit_rows": Wording(
        "答えの行数が、プロジェクトの今日の残りを超えます。",
        "The answer has more rows than are left to the project today.",
        "問い合わせの中で集計するか、条件で絞ってください。残りは session() で分かり、毎日、日本時間の午前 9 時（協定世界時 0 時）に戻ります。上限を増やすには、ポータルのプロジェクトのページから変更を申し出てください。",
        "Aggregate or filter in the query. session() shows what is left; it is renewed every day at 09:00 in Japan (00:00 UTC). To raise the limit, apply for a larger budget on the project's page in the portal.",
    ),
    "query.cancelled": Wording(
        "問い合わせは取り消されました。",
        "The query was cancelled.",
        "もう一度実行できます。",
        "You can run it again.",
        409,
    ),
    "query.value": Wording(
        "ある値を変換または計算できませんでした。",
        "A value could not be converted or computed.",
        "TRY_CAST や nullif を使ってください。値は表示されません。",
        "Use TRY_CAST or nullif. The value is not shown.",
        400,
    ),
    "query.types": Wording(
        "型が合わないか、集計の書き方に誤りがあります。",
        "Types do not fit, or a column is neither grouped nor aggregated.",
        "CAST で型を合わせ、GROUP BY を確かめてください。",
        "Use CAST, and check GROUP BY.",
        400,
    ),
    "query.failed": Wording(
        "問い合わせを実行できませんでした。",
        "The query could not be run.",
        "書き方を変えてお試しください。続く場合は運用担当者にお知らせください。",
        "Try another way of writing it; tell the operator if it persists.",
    ),
    "query.busy": Wording(
        "いま問い合わせが混み合っています。",
        "All workers are busy.",
        "しばらくしてからもう一度お試しください。",
        "Try again in a moment.",
        503,
    ),
    "query.engine_unavailable": Wording(
        "データベースを起動できません。",
        "The engine does not start.",
        "しばらくしてからもう一度お試しください。",
        "Try again in a moment; the operator has been told.",
        503,
    ),
    "query.extract_unreadable": Wording(
        "抽出データを開けません。",
        "The extract cannot be opened.",
        "鍵が合わないか、ファイルが変わっています。データ管理者にお問い合わせください。",
        "Its key does not fit, or the file was changed. Ask the data custodian.",
        503,
    ),
    "query.extract_closed": Wording(
        "抽出データは閉じられました。",
        "The extract was closed.",
        "もう一度お試しください。続く場合はデータ管理者にお問い合わせください。",
        "Try again; ask the data custodian if it persists.",
        503,
    ),
}  # fmt: skip
