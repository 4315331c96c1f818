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
  query.cancelled = c(ja = "問合せを取り消しました。", en = "The query was cancelled."),
  query.cancelled.hint = c(ja = "取り消しも記録されています。", en = "That it was cancelled is on record, too."),
  shown_cells = c(ja = "表示", en = "shown"),
  hidden_cells = c(ja = "秘匿", en = "hidden"),
  perturbed_cells = c(ja = "攪乱", en = "perturbed"),
  all = c(ja = "計", en = "all"),
  client.hidden = c(
    ja = "秘匿されたセルには値がありません。",
    en = "A hidden cell has no value."
  ),
  client.hidden.hint = c(
    ja = "計算に使うには shown(表) で表示されているセルだけを取り出してください。",
    en = "Take only the shown cells with shown(table) to calculate with them."
  ),
  client.not_a_workspace = c(ja = "ここはワークスペースではありません。", en = "This is no workspace."),
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
  client.answer = c(ja = "ゲートウェイの応答を理解できません。", en = "The gateway's answer makes no sense."),
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
  client.codes = c(ja = "コード表のない列です。", en = "There is no list of codes for this column."),
  client.codes.hint = c(
    ja = "コードの意味がある列は enclave_tables(con) の codes に出ています。",
    en = "enclave_tables(con) shows in its column `codes` where there is one."
  ),
  client.table = c(ja = "この表は承諾に含まれていません。", en = "The permit holds no such table."),
  client.table.hint = c(ja = "dbListTables(con) で確かめてください。", en = "See dbListTables(con).")
)

word <- function(key, language) {
  said <- WORDS[[key]]
  if (is.null(said)) "" else said[[if (identical(language, "ja")) "ja" else "en"]]
}
