# Every sentence that the client itself says, in both languages. What the gateway says comes translated already.

WORDS <- list(
  connected = c(
    ja = "接続しました: %s さん / プロジェクト %s / 承諾 %s（%s）/ %s まで",
    en = "Connected: %s / project %s / permit %s (%s) / until %s"
  ),
  tier.record = c(ja = "個票を閲覧できる段階", en = "record tier"),
  tier.aggregate = c(ja = "集計のみの段階", en = "aggregate tier"),
  refused = c(ja = "承認されませんでした", en = "Refused"),
  running = c(ja = "実行中", en = "running"),
  waiting = c(ja = "順番を待っています", en = "waiting for its turn"),
  query.cancelled = c(ja = "問合せを取り消しました。", en = "The query was cancelled."),
  query.cancelled.hint = c(ja = "取り消しも記録されています。", en = "That it was cancelled is on record, too."),
  shown_cells = c(ja = "表示", en = "shown"),
  hidden_cells = c(ja = "秘匿", en = "hidden"),
  perturbed_cells = c(ja = "攪乱", en = "perturbed"),
  all = c(ja = "計", en = "all"),
  more_rows = c(ja = "ほか {n} 行", en = "{n} more rows"),
  budget.limit = c(ja = "一日の上限", en = "limit a day"),
  budget.used = c(ja = "使った量", en = "used today"),
  budget.left = c(ja = "残り", en = "left today"),
  budget.unlimited = c(ja = "上限なし", en = "no limit"),
  budget.queries_day = c(ja = "問い合わせ（回）", en = "queries"),
  budget.rows_day = c(ja = "行", en = "rows"),
  budget.bytes_day = c(ja = "データ量（バイト）", en = "bytes"),
  budget.renewed = c(ja = "{time} に戻ります。", en = "Renewed at {time}."),
  findings.title = c(ja = "機械による確認", en = "The machine's findings"),
  row = c(ja = "行", en = "row"),
  file = c(ja = "ファイル", en = "file"),
  verdict = c(ja = "判定", en = "verdict"),
  code = c(ja = "コード", en = "code"),
  where = c(ja = "場所", en = "where"),
  sentence = c(ja = "内容", en = "what it means"),
  verdict.pass = c(ja = "合格", en = "pass"),
  verdict.fail = c(ja = "不合格", en = "fail"),
  verdict.human = c(ja = "人の確認が必要", en = "for a person to decide"),
  no_findings = c(ja = "指摘はありません", en = "nothing found"),
  more_findings = c(
    ja = "ほか {n} 件。すべての指摘は enclave_findings(返り値) で見られます。",
    en = "{n} more. All of them are in enclave_findings() of what enclave_submit() returns."
  ),
  next.queued = c(
    ja = "次は: 2 名の確認者が互いの判断を見ずに確認します。承認されると、ポータルからダウンロードできます。状況は enclave_exports(con) で分かります。",
    en = "Next: two checkers look at it, neither seeing the other's vote. Once approved, you download it in the portal. enclave_exports(con) shows how far it is."
  ),
  next.returned = c(
    ja = "次は: 不合格の箇所を直して、もう一度提出してください。小さいセルは enclave_table(con, …) で作り直すと秘匿されます。",
    en = "Next: mend what failed and submit again. A table made with enclave_table(con, …) has its small cells hidden."
  ),
  state.submitted = c(ja = "確認中", en = "being examined"),
  state.queued = c(ja = "確認待ち", en = "waiting for checkers"),
  state.returned = c(ja = "差し戻し", en = "turned back"),
  state.released = c(ja = "承認済み・ダウンロードできます", en = "released: download it in the portal"),
  state.approved = c(ja = "承認済み", en = "approved"),
  state.rejected = c(ja = "不承認", en = "rejected"),
  client.hidden = c(
    ja = "秘匿されたセルには値がありません。",
    en = "A hidden cell has no value."
  ),
  client.hidden.hint = c(
    ja = "計算に使うには shown(表) で表示されているセルだけを取り出してください。",
    en = "Take only the shown cells with shown(table) to calculate with them."
  ),
  client.not_a_workspace = c(
    ja = "ここはワークスペースではありません: {file} がありません。",
    en = "This is no workspace: {file} is missing."
  ),
  client.not_a_workspace.hint = c(
    ja = "ポータルからプロジェクトを選び、ワークスペースを開いてください。",
    en = "Choose a project in the portal and open its workspace."
  ),
  client.unreachable = c(ja = "ゲートウェイに接続できません。", en = "The gateway cannot be reached."),
  client.unreachable.hint = c(
    ja = "しばらくしてからもう一度お試しください。続くときは運用者にお知らせください。",
    en = "Try again in a moment; tell the operator if it goes on."
  ),
  client.incomplete = c(ja = "答えが途中で切れました。", en = "The answer was cut off."),
  client.incomplete.hint = c(
    ja = "途中までの結果は使わずに捨てました。もう一度実行してください。",
    en = "The part that came was thrown away. Run the query again."
  ),
  client.answer = c(
    ja = "ゲートウェイの応答を理解できません（HTTP {status}）。",
    en = "The gateway's answer makes no sense (HTTP {status})."
  ),
  client.answer.hint = c(ja = "続くときは運用者にお知らせください。", en = "Tell the operator if it goes on."),
  client.type = c(ja = "R で表せない型の列があります。", en = "A column has a type that R has no form for."),
  client.type.hint = c(
    ja = "SQL の中で CAST(列 AS VARCHAR) のように変換してください。",
    en = "Convert it in the statement, as with CAST(column AS VARCHAR)."
  ),
  client.parameter = c(ja = "送れないパラメータがあります。", en = "A parameter cannot be sent."),
  client.parameter.hint = c(
    ja = "数、文字列、真偽値、日付、またはそのベクトル（IN ($名前)）を渡してください。",
    en = "Pass a number, a text, true or false, a date, or a vector of them (IN ($name))."
  ),
  client.closed = c(ja = "すでに閉じられています。", en = "This is closed already."),
  client.closed.hint = c(ja = "dbConnect(Enclave()) で作り直してください。", en = "Make another with dbConnect(Enclave())."),
  client.codes = c(ja = "{column} のコード表はありません。", en = "There is no list of codes for {column}."),
  client.codes.hint = c(
    ja = "コードの意味がある列は enclave_tables(con) の codes に出ています。",
    en = "enclave_tables(con) shows in its column `codes` where there is one."
  ),
  client.file = c(ja = "ファイルが読めません: {file}。", en = "The file cannot be read: {file}."),
  client.file.hint = c(
    ja = "UTF-8 の CSV（説明は YAML か JSON）を、ワークスペースの中から指定してください。",
    en = "Name a CSV file in UTF-8 (a description: YAML or JSON) of the workspace."
  ),
  undescribed = c(ja = "（列の説明がなくても残る指摘です。）", en = "(This stands also without the description.)"),
  client.item = c(ja = "提出できない項目です: {kind}。", en = "This cannot be submitted: {kind}."),
  client.item.hint = c(
    ja = "表（data.frame）、enclave_item(…)、enclave_figure(…) を渡してください。",
    en = "Pass a table (data.frame), enclave_item(…) or enclave_figure(…)."
  ),
  client.column = c(ja = "列がありません: {columns}。", en = "No such column: {columns}."),
  client.column.hint = c(ja = "表にある列: {present}。", en = "The table has: {present}."),
  client.table = c(ja = "この表は承諾に含まれていません。", en = "The permit holds no such table."),
  client.table.hint = c(ja = "dbListTables(con) で確かめてください。", en = "See dbListTables(con).")
)

# An RFC 3339 time as the portal writes it: as in Japan, and in English it says so.
in_japan <- function(time, language) {
  at <- as.POSIXlt(as.POSIXct(time, format = "%Y-%m-%dT%H:%M:%OSZ", tz = "UTC") + 9 * 3600, tz = "UTC")
  clock <- format(at, "%H:%M")
  if (language == "ja") return(sprintf("%d\u5e74%d\u6708%d\u65e5 %s", at$year + 1900L, at$mon + 1L, at$mday, clock))
  sprintf("%d %s %d, %s JST", at$mday, month.abb[[at$mon + 1L]], at$year + 1900L, clock)
}

# The sentence for `key`, with `{name}` replaced by the fact of that name; "" where there is none.
word <- function(key, language, facts = list()) {
  said <- WORDS[[key]]
  if (is.null(said)) return("")
  said <- said[[if (identical(language, "ja")) "ja" else "en"]]
  for (name in names(facts)) said <- gsub(paste0("{", name, "}"), paste(unlist(facts[[name]]), collapse = ", "), said, fixed = TRUE)
  said
}
