# The permit as a database of DBI: `con <- dbConnect(Enclave())`, `dbGetQuery(con, sql, params = list(...))`.
# Read-only. Every yes and no is the gateway's.

RUN <- "/run/enclave"

setClass("EnclaveDriver", contains = "DBIDriver")
setClass("EnclaveConnection", contains = "DBIConnection", slots = c(gateway = "environment", bigint = "character"))
setClass("EnclaveResult", contains = "DBIResult", slots = c(state = "environment"))

#' The driver: `dbConnect(Enclave())`.
Enclave <- function() new("EnclaveDriver")

#' The session of this workspace. `bigint`: "exact" (numeric where nothing is lost, else integer64), or one kind always.
setMethod("dbConnect", "EnclaveDriver", function(drv, folder = RUN, bigint = BIGINT, ...) {
  gw <- gateway(folder)
  gw$session <- json(gw, "GET", "/v1/session")
  if (gw$session$language %in% c("ja", "en")) gw$language <- gw$session$language
  con <- new("EnclaveConnection", gateway = gw, bigint = match.arg(bigint))
  notebook$con <- con # whose names are completed
  # In a notebook what goes to the error stream looks like an error.
  if (is.null(notebook$executor)) message(described(con)) else cat(described(con), "\n", sep = "")
  con
})

setMethod("dbCanConnect", "EnclaveDriver", function(drv, folder = RUN, ...) {
  tryCatch({
    json(gateway(folder), "GET", "/v1/session")
    TRUE
  }, enclave_refused = function(no) structure(FALSE, reason = conditionMessage(no)))
})

setMethod("dbGetInfo", "EnclaveDriver", function(dbObj, ...) {
  list(driver.version = utils::packageVersion("enclave"), client.version = utils::packageVersion("enclave"))
})
setMethod("dbIsValid", "EnclaveDriver", function(dbObj, ...) TRUE)
setMethod("dbUnloadDriver", "EnclaveDriver", function(drv, ...) invisible(TRUE))
setMethod("show", "EnclaveDriver", function(object) cat("<EnclaveDriver>\n"))

described <- function(con) {
  gw <- con@gateway
  session <- gw$session
  until <- in_japan(session$valid_to, gw$language)
  tier <- word(paste0("tier.", session$tier), gw$language)
  sprintf(word("connected", gw$language), session$person, session$project, session$permit, tier, until)
}

open_gateway <- function(con) {
  gw <- con@gateway
  if (isTRUE(gw$closed)) refuse("client.closed", language = gw$language)
  gw
}

# -- connection ---------------------------------------------------------------------------------------------------
setMethod("show", "EnclaveConnection", function(object) cat(described(object), "\n", sep = "")) # never the token
setMethod("dbIsValid", "EnclaveConnection", function(dbObj, ...) !isTRUE(dbObj@gateway$closed))
setMethod("dbDisconnect", "EnclaveConnection", function(conn, ...) {
  conn@gateway$closed <- TRUE
  conn@gateway$token <- ""
  invisible(TRUE)
})
setMethod("dbGetInfo", "EnclaveConnection", function(dbObj, ...) {
  session <- dbObj@gateway$session
  list(dbname = session$project, username = session$person, db.version = session$permit, host = NA, port = NA)
})

setMethod("dbListTables", "EnclaveConnection", function(conn, ...) {
  vapply(open_gateway(conn)$session$tables, full_name, "")
})
setMethod("dbExistsTable", signature("EnclaveConnection", "character"), function(conn, name, ...) {
  !is.null(table_named(conn, name))
})
setMethod("dbListFields", signature("EnclaveConnection", "character"), function(conn, name, ...) {
  table <- table_named(conn, name)
  if (is.null(table)) refuse("client.table", facts = list(table = name), language = conn@gateway$language)
  vapply(table$columns, function(column) column$name, "")
})
setMethod("dbReadTable", signature("EnclaveConnection", "character"), function(conn, name, ...) {
  fields <- DBI::dbQuoteIdentifier(conn, dbListFields(conn, name))
  place <- full_name(table_named(conn, name))
  dbGetQuery(conn, paste("SELECT", paste(fields, collapse = ", "), "FROM", place), ...)
})

full_name <- function(table) {
  if (is.null(table$database) || grepl(".", table$name, fixed = TRUE)) table$name else paste0(table$database, ".", table$name)
}

table_named <- function(con, name) {
  for (table in open_gateway(con)$session$tables) {
    if (tolower(name) %in% tolower(c(full_name(table), sub(".*\\.", "", full_name(table))))) return(table)
  }
  NULL
}

title <- function(con, title) {
  if (is.list(title)) title <- title[[con@gateway$language]]
  if (is.null(title)) "" else as.character(title)
}

#' Every column that the permit shows: table, column, title, type, role, unit, codes.
enclave_tables <- function(con) {
  lines <- lapply(open_gateway(con)$session$tables, function(table) {
    do.call(rbind, lapply(table$columns, function(column) {
      codes <- vapply(names(column$values), function(code) paste0(code, ": ", title(con, column$values[[code]])), "")
      or_nothing <- function(text) if (is.null(text)) "" else as.character(text)
      data.frame(
        table = full_name(table), column = column$name, title = title(con, column$title), type = or_nothing(column$type),
        role = or_nothing(column$role), unit = or_nothing(column$unit), codes = paste(codes, collapse = " \u00b7 ")
      )
    }))
  })
  do.call(rbind, lines)
}

#' What the codes of `table.column` mean: titles by code, in the session's language.
enclave_codes <- function(con, column) {
  table <- table_named(con, sub("\\.[^.]*$", "", column))
  for (one in table$columns) {
    if (one$name == sub(".*\\.", "", column) && length(one$values)) {
      return(vapply(one$values, function(said) title(con, said), ""))
    }
  }
  refuse("client.codes", facts = list(column = column), language = con@gateway$language)
}

#' A column of codes as a factor whose levels are the codes' titles.
enclave_labels <- function(con, x, column) {
  codes <- enclave_codes(con, column)
  factor(as.character(x), levels = names(codes), labels = unname(codes))
}

#' Protected cells: small ones are hidden by the rule sets of the permit. See `shown()`, `details()`, `statuses()`.
enclave_table <- function(con, sql, params = NULL) {
  gw <- open_gateway(con)
  answer <- ask(gw, sql, params, "table")
  table <- protected_frame(checked(answer, "exact", gw$language), gw$language)
  attr(table, "receipt") <- answer$receipt
  attr(table, "columns") <- names(table)
  table
}

#' What the gateway says it answered: of an answer of `dbGetQuery`, `enclave_table`, or of a result.
enclave_receipt <- function(x) if (is(x, "EnclaveResult")) x@state$receipt else attr(x, "receipt")

# An answer with fewer rows than its receipt is not taken.
checked <- function(answer, bigint, language) {
  frame <- frame_of(answer$bytes, bigint, language)
  if (!is.null(answer$receipt$rows) && answer$receipt$rows != nrow(frame)) refuse("client.incomplete", language = language)
  frame
}

# -- result -------------------------------------------------------------------------------------------------------
#' Ask. `params`: a named list for `$name`, an unnamed one for `?`. Without them a statement with places for parameters
#' waits for `dbBind()`.
setMethod("dbSendQuery", signature("EnclaveConnection", "character"), function(conn, statement, params = NULL, ...) {
  open_gateway(conn)
  state <- new.env(parent = emptyenv())
  state$connection <- conn
  state$statement <- statement
  result <- new("EnclaveResult", state = state)
  if (!is.null(params) || !has_places(statement)) run(state, params)
  result
})

has_places <- function(statement) {
  bare <- gsub("'([^']|'')*'|\"([^\"]|\"\")*\"|--[^\n]*|/\\*([^*]|\\*[^/])*\\*/", " ", statement, perl = TRUE)
  grepl("[?]|\\$[A-Za-z0-9_]", bare)
}

run <- function(state, params) {
  gw <- open_gateway(state$connection)
  answer <- ask(gw, state$statement, params)
  state$frame <- checked(answer, state$connection@bigint, gw$language)
  state$receipt <- answer$receipt
  state$place <- 0
}

live <- function(result) {
  state <- result@state
  if (isTRUE(state$cleared)) refuse("client.closed", language = state$connection@gateway$language)
  if (is.null(state$frame)) run(state, NULL) # the gateway says which parameter is missing
  state
}

setMethod("dbBind", "EnclaveResult", function(res, params, ...) {
  run(res@state, params)
  invisible(res)
})

setMethod("dbFetch", "EnclaveResult", function(res, n = -1, ...) {
  state <- live(res)
  left <- nrow(state$frame) - state$place
  many <- if (n < 0 || is.infinite(n)) left else min(n, left)
  part <- if (state$place == 0 && many == left) state$frame else state$frame[state$place + seq_len(many), , drop = FALSE]
  rownames(part) <- NULL
  state$place <- state$place + many
  attr(part, "receipt") <- state$receipt
  part
})

setMethod("dbHasCompleted", "EnclaveResult", function(res, ...) {
  state <- live(res)
  state$place >= nrow(state$frame)
})
setMethod("dbGetRowCount", "EnclaveResult", function(res, ...) live(res)$place)
setMethod("dbGetRowsAffected", "EnclaveResult", function(res, ...) 0)
setMethod("dbGetStatement", "EnclaveResult", function(res, ...) res@state$statement)
setMethod("dbColumnInfo", "EnclaveResult", function(res, ...) {
  frame <- live(res)$frame
  data.frame(name = names(frame), type = vapply(frame, function(column) class(column)[[1]], "", USE.NAMES = FALSE))
})
setMethod("dbIsValid", "EnclaveResult", function(dbObj, ...) !isTRUE(dbObj@state$cleared))
setMethod("dbClearResult", "EnclaveResult", function(res, ...) {
  res@state$cleared <- TRUE
  res@state$frame <- NULL
  invisible(TRUE)
})
setMethod("show", "EnclaveResult", function(object) {
  cat("<EnclaveResult> ", object@state$receipt$id, "\n  ", object@state$statement, "\n", sep = "")
})
