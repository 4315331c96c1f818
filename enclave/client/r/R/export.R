# Submitting: tables and figures become items, the gateway's machine looks at them at once, and its findings are shown.
#
# Decides nothing about disclosure. What it owes the machine is honesty about columns: which are dimensions, and which
# hold counts. Every column of whole numbers that is not declared a dimension is declared a count, so it is examined.

#' A table to submit: a data frame, an answer of `enclave_table()`, or a table of counts (`table()`, `xtabs()`).
#' Statuses stay, hidden cells become empty. Without `dimensions`, columns of text, truth values, days and factors are
#' dimensions (in a protected table: whatever has no status); without `counts`, every other column of whole numbers is a
#' count. A CSV file leaves exactly as it is, with the description that lies beside it (`table.yaml`, `table.json`).
#' `description`: what the columns are, as `enclave check` reads it: a list, or a YAML or JSON file. `evidence`: the table of
#' evidence (a data frame or a CSV file), which does not leave. The checkers see both; they add findings and take none away.
#' Refused: `client.column` for unknown columns, `client.item` for what is no table, `client.file`.
enclave_item <- function(x, name = "", dimensions = NULL, counts = NULL, description = NULL, evidence = NULL) {
  language <- language_here(x)
  file <- if (is.character(x) && length(x) == 1L && is.null(dim(x))) x
  if (is.null(description) && !is.null(evidence)) refuse("client.item", facts = list(kind = "evidence"), language = language)
  if (!is.null(file)) {
    text <- text_of(file, language)
    x <- tryCatch(
      utils::read.csv(text = text, check.names = FALSE, encoding = "UTF-8"),
      error = function(no) refuse("client.file", facts = list(file = basename(file)), language = language)
    )
    if (!nzchar(name)) name <- basename(file)
    if (is.null(description)) description <- beside(file)
  }
  said <- if (!is.null(description)) description_of(description, evidence, language)
  frame <- flat(x, language)
  columns <- names(frame)
  unknown <- setdiff(c(dimensions, counts), columns)
  if (length(unknown)) {
    facts <- list(columns = paste(unknown, collapse = ", "), present = paste(columns, collapse = ", "))
    refuse("client.column", facts = facts, language = language)
  }
  values <- values_of(frame)
  others <- setdiff(columns, paste0(companions(frame), STATUS))
  free <- Filter(function(name) !said_of_column(said, name), others)
  if (is.null(dimensions)) {
    dimensions <- intersect(names(said$said$dimensions), columns)
    # Of a description that cannot be read here the gateway takes the dimensions.
    if (!length(dimensions) && (is.null(said) || !is.null(said$said))) {
      dimensions <- Filter(function(name) is_dimension(frame, name, values), free)
    }
  }
  if (is.null(counts)) {
    counts <- Filter(function(name) !name %in% dimensions && whole_numbers(frame[[name]]), free)
    counts <- c(intersect(as.character(unlist(said$said$counts)), columns), counts)
  }
  texts <- lapply(frame, cells_as_text)
  rows <- do.call(paste, c(lapply(dimensions, function(name) paste0(name, "=", ifelse(is.na(texts[[name]]), "", texts[[name]]))), sep = ", "))
  structure(class = "enclave_item", list(
    kind = "table", name = name, csv = if (is.null(file)) csv(columns, texts) else text, described = said, dimensions = as.character(dimensions),
    counts = as.character(counts), receipt = receipt_of(x, columns), png = NULL, title = "", rows = as.character(rows)
  ))
}

#' A figure to submit, with the table that it was drawn from: the checkers look at both. `plot`: a plot of ggplot2 or
#' lattice, a plot of `recordPlot()`, or a function that draws. `width`, `height`: inches.
enclave_figure <- function(plot, data, name = "", title = "", width = 7, height = 5) {
  item <- if (inherits(data, "enclave_item")) data else enclave_item(data)
  item[c("kind", "name", "title")] <- list("figure", name, title)
  item$png <- drawn(plot, width, height, language_here(data))
  item
}

#' Hands items over for checking and shows the machine's findings at once. `items`: one or a list of tables,
#' `enclave_item()`s and `enclave_figure()`s. `output`: the planned output's id ("t1"). Refused where nothing was taken
#' in; a submission that was turned back is an answer like another.
enclave_submit <- function(con, items, output, purpose = "") {
  gw <- open_gateway(con)
  several <- if (identical(class(items), "list")) items else list(items)
  items <- lapply(several, function(thing) if (inherits(thing, "enclave_item")) thing else enclave_item(thing))
  kinds <- vapply(items, `[[`, "", "kind")
  numbers <- stats::ave(seq_along(kinds), kinds, FUN = seq_along)
  sent <- Map(wire, items, numbers)
  body <- list(output = one_text(output), purpose = one_text(purpose), items = unname(sent))
  text <- as.character(jsonlite::toJSON(body, null = "null", digits = NA))
  answer <- json(gw, "POST", "/v1/exports", text, SUBMIT_SECONDS)
  tables <- vapply(sent, function(item) as.character(if (is.null(item$data)) item$name else item$data$name), "")
  rows <- lapply(items, `[[`, "rows")
  names(rows) <- tables
  submission <- structure(class = "enclave_submission", list(
    id = answer$id, state = answer$state, passed = !identical(answer$state, "returned"), files = answer$files,
    language = gw$language, rows = rows
  ))
  show_at_once(submission)
  invisible(submission)
}

#' What this project has submitted, and how far each is.
enclave_exports <- function(con) {
  gw <- open_gateway(con)
  found <- json(gw, "GET", "/v1/exports")$exports
  told <- function(name) vapply(found, function(one) if (is.null(one[[name]])) NA_character_ else as.character(one[[name]]), "")
  states <- told("state")
  words <- vapply(paste0("state.", states), word, "", gw$language, USE.NAMES = FALSE)
  data.frame(
    id = told("id"), output = told("output"), state = ifelse(nzchar(words), words, states), submitted = told("submitted"),
    files = vapply(found, function(one) paste(vapply(one$files, function(file) file$name, ""), collapse = ", "), "")
  )
}

print.enclave_item <- function(x, ...) {
  named <- if (nzchar(x$name)) x$name else "\u2013"
  cat(sprintf("<%s %s: %s \u2192 %s>\n", x$kind, named, paste(x$dimensions, collapse = ", "), paste(x$counts, collapse = ", ")))
  invisible(x)
}

# -- what an item says of its columns -----------------------------------------------------------------------------
flat <- function(x, language) {
  if (inherits(x, "ftable")) x <- stats::as.table(x)
  if (is.table(x)) x <- as.data.frame(x, responseName = "n")
  if (!is.data.frame(x)) refuse("client.item", facts = list(kind = class(x)[[1]]), language = language)
  plain <- vapply(x, function(column) is.atomic(column) && is.null(dim(column)), NA)
  if (!all(plain)) refuse("client.item", facts = list(kind = class(x[[which(!plain)[[1]]]])[[1]]), language = language)
  structure(as.list(x), class = "data.frame", row.names = .set_row_names(nrow(x)), names = enc2utf8(names(x)))
}

is_dimension <- function(frame, name, values) {
  if (length(values)) return(!name %in% values)
  column <- frame[[name]]
  !(is.numeric(column) || inherits(column, c("integer64", "enclave_cells")))
}

# Whether a column holds whole numbers (hidden and missing cells aside): what a count looks like. Counting what is perhaps
# no count only makes the machine look at more cells.
whole_numbers <- function(column) {
  if (inherits(column, "integer64") || is.integer(column) && !is.factor(column)) return(TRUE)
  column <- bare(column)
  is.double(column) && !inherits(column, c("Date", "POSIXct", "difftime")) && all(is.na(column) | is_whole(column))
}

is_whole <- function(x) is.finite(x) & x == trunc(x)

# The query that a table came from, while it is still that table: the gateway holds it against the answer. A table that
# was calculated further (other columns), or that was counted from rows, has no receipt, and its numbers are examined by
# the rules instead.
receipt_of <- function(x, columns) {
  answered <- attr(x, "columns")
  if (length(answered) && all(columns %in% answered)) attr(x, "receipt")$id
}

language_here <- function(x = NULL) {
  if (!is.null(attr(x, "language"))) return(attr(x, "language"))
  if (is.null(notebook$con)) language_asked() else notebook$con@gateway$language
}

# -- as a file ----------------------------------------------------------------------------------------------------
# A value in the one spelling that the gateway knows as "shortened": no digit that says nothing, none left out.
cells_as_text <- function(column) {
  if (inherits(column, "enclave_cells")) {
    value <- bare(column)
    value[hidden(column)] <- NA
    return(cells_as_text(value))
  }
  text <- if (is.logical(column)) {
    tolower(as.character(column))
  } else if (inherits(column, "integer64")) {
    as.character(column)
  } else if (inherits(column, "POSIXct")) {
    time_text(column)
  } else if (inherits(column, "difftime")) {
    number_text(as.double(column, units = "secs"))
  } else if (is.numeric(column)) {
    number_text(as.double(column))
  } else {
    as.character(column)
  }
  text <- enc2utf8(text)
  text[is.na(column)] <- NA
  text
}

# The fewest digits that give the same number again; whole numbers as such.
number_text <- function(x) {
  text <- sprintf("%.15g", x)
  for (digits in 16:17) {
    short <- !is.na(x) & is.finite(x) & suppressWarnings(as.double(text)) != x
    text[short] <- sprintf(paste0("%.", digits, "g"), x[short])
  }
  whole <- is_whole(x) & abs(x) < EXACT
  text[whole] <- sprintf("%.0f", x[whole] + 0) # no minus before nought
  text
}

time_text <- function(x) {
  part <- round((as.double(x) %% 1) * 1e6)
  text <- format(as.POSIXct(floor(as.double(x)), tz = attr(x, "tzone")), "%Y-%m-%d %H:%M:%S")
  fine <- !is.na(part) & part > 0 & part < 1e6
  text[fine] <- paste0(text[fine], sprintf(".%06.0f", part[fine]))
  text
}

# RFC 4180 with LF and a header.
csv <- function(columns, texts) {
  quoted <- function(text) {
    text[is.na(text)] <- ""
    needs <- grepl("[\",\n\r]", text)
    text[needs] <- paste0("\"", gsub("\"", "\"\"", text[needs], fixed = TRUE), "\"")
    if (length(columns) == 1L) text[!nzchar(text)] <- "\"\"" # an empty line would be none
    text
  }
  lines <- if (length(texts) && length(texts[[1]])) do.call(paste, c(unname(lapply(texts, quoted)), sep = ","))
  paste0(paste(c(paste(quoted(columns), collapse = ","), lines), collapse = "\n"), "\n")
}

one_text <- function(text) jsonlite::unbox(enc2utf8(as.character(text)[[1]]))

# As POST /v1/exports takes it; an item without a name is called by its kind and place.
wire <- function(item, number) {
  stem <- sub("\\.(csv|png)$", "", item$name)
  if (!nzchar(stem)) stem <- paste0(item$kind, "-", number)
  table <- list(
    kind = one_text("table"), name = one_text(paste0(stem, ".csv")), csv = one_text(item$csv),
    dimensions = enc2utf8(item$dimensions), counts = enc2utf8(item$counts),
    receipt = if (!is.null(item$receipt)) one_text(item$receipt)
  )
  if (!is.null(item$described)) {
    table$description <- item$described$sent
    if (!is.null(item$described$evidence)) table$evidence <- one_text(item$described$evidence)
  }
  if (is.null(item$png)) return(table)
  table$name <- one_text(paste0(stem, "-data.csv")) # a name of its own: the table may be submitted besides
  png <- one_text(gsub("\n", "", jsonlite::base64_enc(item$png), fixed = TRUE))
  figure <- list(kind = one_text("figure"), name = one_text(paste0(stem, ".png")), png = png, data = table)
  if (nzchar(item$title)) figure$title <- one_text(item$title)
  figure
}

drawn <- function(plot, width, height, language) {
  known <- is.function(plot) || inherits(plot, c("ggplot", "trellis", "recordedplot", "gtable", "grob"))
  if (!known) refuse("client.item", facts = list(kind = class(plot)[[1]]), language = language)
  file <- tempfile(fileext = ".png")
  on.exit(unlink(file))
  before <- grDevices::dev.cur()
  grDevices::png(file, width = width, height = height, units = "in", res = 144, type = "cairo") # which writes pixels only
  mine <- grDevices::dev.cur()
  tryCatch(
    {
      if (is.function(plot)) plot()
      else if (inherits(plot, "recordedplot")) grDevices::replayPlot(plot)
      else if (inherits(plot, c("gtable", "grob"))) grid::grid.draw(plot)
      else print(plot)
    },
    finally = {
      grDevices::dev.off(mine)
      if (before > 1L) grDevices::dev.set(before)
    }
  )
  readBin(file, "raw", file.size(file))
}
