# What could be written next in a statement: tables and columns of the permit. The same offers as the Python client's
# (`completion.py`), held against them by a test. The gateway decides what is read.
#
# Does not parse SQL or R: it looks at the words before and after the place, which is enough to offer names and cannot be
# wrong in any way that matters.

KEYWORDS <- strsplit(paste(
  "SELECT DISTINCT FROM WHERE JOIN LEFT INNER SEMI ANTI CROSS ON USING GROUP BY HAVING ORDER LIMIT UNION ALL",
  "INTERSECT EXCEPT WITH AS CASE WHEN THEN ELSE END AND OR NOT IN IS NULL BETWEEN LIKE EXISTS OVER PARTITION",
  "QUALIFY FILTER ROLLUP CUBE COUNT SUM AVG MIN MAX CAST DATE INTERVAL ASC DESC"
), " ")[[1]]

NAMED <- "(*UCP)(?i)\\b(?:from|join|,)\\s*([\\w.]+)(?:\\s+(?:as\\s+)?(?!on\\b|using\\b|where\\b|join\\b)(\\w+))?"
PLACE_OF_A_TABLE <- "(*UCP)(?i)\\b(?:from|join)\\s+(?:[\\w.]+(?:\\s+(?:as\\s+)?\\w+)?\\s*,\\s*)*[\\w.]*$"

# list(begun, text, kind): the part already written, which an offer replaces, and the offers with what each is (`table`,
# `column`, `keyword`). `tables`: columns by the table's full name.
offers <- function(before, after, tables) {
  if (in_quotes(before)) return(offered("", character(), character()))
  written <- regmatches(before, regexpr("(*UCP)[\\w.]*$", before, perl = TRUE))
  begun <- sub(".*\\.", "", written)
  if (grepl(".", written, fixed = TRUE)) {
    owner <- sub("\\.[^.]*$", "", written)
    columns <- columns_of(owner, paste0(before, after), tables)
    inside <- last_part(names(tables)[startsWith(names(tables), paste0(owner, "."))])
    return(offered(begun, c(columns, inside), rep(c("column", "table"), c(length(columns), length(inside)))))
  }
  if (grepl(PLACE_OF_A_TABLE, before, perl = TRUE)) return(offered(begun, names(tables), rep("table", length(tables))))
  spoken <- named_in(paste0(before, after))$table
  mentioned <- names(tables)[vapply(names(tables), function(name) any(is_called(name, spoken)), NA)]
  if (!length(mentioned)) mentioned <- names(tables)
  columns <- unique(unlist(tables[mentioned], use.names = FALSE))
  words <- if (nzchar(begun)) KEYWORDS else character()
  kinds <- rep(c("column", "table", "keyword"), c(length(columns), length(tables), length(words)))
  offered(begun, c(columns, names(tables), words), kinds)
}

offered <- function(begun, text, kind) {
  start <- tolower(begun)
  fits <- startsWith(tolower(text), start) | startsWith(last_part(tolower(text)), start)
  list(begun = begun, text = text[fits], kind = kind[fits])
}

last_part <- function(name) sub(".*\\.", "", name)

is_called <- function(name, spoken) tolower(spoken) %in% c(tolower(name), last_part(tolower(name)))

# Of a table by its name, or by what the statement calls it.
columns_of <- function(owner, statement, tables) {
  said <- named_in(statement)
  renamed <- which(tolower(said$alias) == tolower(owner))
  called <- if (length(renamed)) said$table[[max(renamed)]] else owner
  for (name in names(tables)) if (is_called(name, called)) return(tables[[name]])
  character()
}

named_in <- function(statement) {
  found <- regmatches(statement, gregexec(NAMED, statement, perl = TRUE))[[1]]
  if (!length(found)) return(list(table = character(), alias = character()))
  list(table = found[2, ], alias = found[3, ])
}

in_quotes <- function(before) {
  rest <- gsub("(?s)'[^']*(?:''[^']*)*'|--[^\n]*\n|/\\*.*?\\*/", " ", before, perl = TRUE)
  grepl("'|--|/\\*", rest)
}

# -- where a statement stands in a cell of R ----------------------------------------------------------------------
ASKING <- "dbGetQuery|dbSendQuery|enclave_table"
NAMING <- "dbListFields|dbReadTable|dbExistsTable"
OF_CODES <- "enclave_codes|enclave_labels"

# What R reads as one piece: comments, raw and ordinary texts, names in backticks. A text without an end is the last one.
PIECES <- paste0(
  "(*UCP)(?s)#[^\n]*|`[^`]*`",
  "|(?<![\\w.])[rR]([\"'])(-*)(?:\\(.*?\\)|\\[.*?\\]|\\{.*?\\})\\2\\1|(?<![\\w.])[rR][\"']-*[(\\[{](.*)\\z",
  "|\"[^\"\\\\]*+(?:\\\\.[^\"\\\\]*+)*+\"|'[^'\\\\]*+(?:\\\\.[^'\\\\]*+)*+'|[\"'](.*)\\z"
)

# list(call, before, after): the text that is being written as an argument of one of our calls; NULL elsewhere.
text_at <- function(code, place) {
  before <- substr(code, 1L, place)
  pieces <- gregexpr(PIECES, before, perl = TRUE)[[1]]
  begun <- attr(pieces, "capture.start")
  last <- nrow(begun)
  if (pieces[[last]] < 0 || all(begun[last, 3:4] < 1)) return(NULL)
  inside <- max(begun[last, 3:4])
  call <- paste0("(?s)(?<![\\w.])(", ASKING, "|", NAMING, "|", OF_CODES, ")\\s*\\((?:[^()]|\\([^()]*\\))*\\z")
  head <- substr(before, 1L, pieces[[last]] - 1L)
  said <- regmatches(head, gregexec(call, head, perl = TRUE))[[1]]
  if (!length(said)) return(NULL)
  rest <- substr(code, place + 1L, nchar(code))
  list(call = said[2, 1], before = substr(before, inside, place), after = sub("(?s)[\"'].*", "", rest, perl = TRUE))
}

# Offers for a place in a cell, or NULL where R's own completion knows better. `con` is an `EnclaveConnection`.
names_at <- function(code, place, con) {
  here <- text_at(code, place)
  if (is.null(here)) return(NULL)
  tables <- columns_by_table(con)
  if (grepl(ASKING, here$call)) return(offers(here$before, here$after, tables))
  names <- names(tables)
  kind <- "table"
  if (grepl(OF_CODES, here$call)) {
    names <- with_codes(con)
    kind <- "column"
  }
  begun <- tolower(here$before)
  fits <- startsWith(tolower(names), begun) | startsWith(sub("^[^.]*\\.", "", tolower(names)), begun)
  list(begun = here$before, text = names[fits], kind = rep(kind, sum(fits)))
}

columns_by_table <- function(con) {
  tables <- con@gateway$session$tables
  columns <- lapply(tables, function(table) vapply(table$columns, function(column) column$name, ""))
  names(columns) <- vapply(tables, full_name, "")
  columns
}

with_codes <- function(con) {
  as.character(unlist(lapply(con@gateway$session$tables, function(table) {
    named <- Filter(function(column) length(column$values) > 0, table$columns)
    vapply(named, function(column) paste0(full_name(table), ".", column$name), "")
  })))
}
