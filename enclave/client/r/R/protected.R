# Tables of protected cells. Hidden is neither zero nor missing: a column whose cells have statuses is a vector of class
# `enclave_cells`, and a sum, comparison or plot that would need a hidden value is refused.

STATUS <- "_status"
LABEL <- "\u79d8\u533f hidden"
MARGIN <- c("detail", "total")
ROWS_SHOWN <- 40L
KEPT <- c("language", "receipt", "columns") # what a part of an answer still knows of it

cells <- function(values, status, language = "en") {
  # Even if a value came beside the status, a hidden cell stays hidden here.
  if (any(status == "hidden")) values[status == "hidden"] <- NA
  structure(as.vector(values, "double"), status = status, language = language, class = "enclave_cells")
}

protected_frame <- function(frame, language) {
  for (name in values_of(frame)) {
    value <- frame[[name]]
    if (inherits(value, "integer64")) value <- suppressWarnings(as.double(value))
    if (is.numeric(value) || is.logical(value)) {
      frame[[name]] <- cells(as.double(value), frame[[paste0(name, STATUS)]], language)
    }
  }
  structure(frame, class = c("enclave_table", "data.frame"), language = language)
}

companions <- function(frame) names(frame)[paste0(names(frame), STATUS) %in% names(frame)]

is_margin <- function(frame, name) nrow(frame) > 0 && all(frame[[paste0(name, STATUS)]] %in% MARGIN)

values_of <- function(frame) Filter(function(name) !is_margin(frame, name), companions(frame))

margins_of <- function(frame) Filter(function(name) is_margin(frame, name), companions(frame))

#' Which cells are hidden, as a logical vector.
hidden <- function(x) {
  status <- attr(x, "status")
  if (is.null(status)) rep(FALSE, length(x)) else status == "hidden"
}

#' Only the rows in which every value is shown, as a plain data frame with numbers and without their statuses.
shown <- function(table) {
  values <- values_of(table)
  keep <- rep(TRUE, nrow(table))
  for (name in values) keep <- keep & table[[paste0(name, STATUS)]] != "hidden"
  plain <- as.data.frame(unclass_table(table))[keep, , drop = FALSE]
  for (name in values) plain[[name]] <- bare(plain[[name]])
  plain <- plain[setdiff(names(plain), paste0(values, STATUS))]
  rownames(plain) <- NULL
  with_kept(plain, table)
}

#' Only the rows that are no total of others, without the companions that tell totals apart.
details <- function(table) {
  margins <- margins_of(table)
  keep <- rep(TRUE, nrow(table))
  for (name in margins) keep <- keep & table[[paste0(name, STATUS)]] != "total"
  kept <- table[keep, setdiff(names(table), paste0(margins, STATUS)), drop = FALSE]
  rownames(kept) <- NULL
  kept
}

#' How many cells are shown, hidden, perturbed.
statuses <- function(table) {
  said <- unlist(lapply(values_of(table), function(name) table[[paste0(name, STATUS)]]))
  table(factor(said, levels = c("shown", "hidden", "perturbed")), dnn = NULL)
}

unclass_table <- function(table) structure(table, class = "data.frame")

bare <- function(x) {
  if (!inherits(x, "enclave_cells")) return(x)
  attributes(x) <- NULL
  x
}

no_value <- function(x) {
  if (any(hidden(x))) refuse("client.hidden", language = attr(x, "language"))
  bare(x)
}

`[.enclave_cells` <- function(x, i, ...) {
  if (missing(i)) return(x)
  status <- attr(x, "status")
  if (is.character(i)) i <- match(i, names(x))
  structure(bare(x)[i], status = status[i], language = attr(x, "language"), class = "enclave_cells")
}

`[[.enclave_cells` <- function(x, i, ...) x[i]

`[.enclave_table` <- function(x, ...) {
  part <- unclass_table(x)[...]
  if (!is.data.frame(part)) return(part)
  structure(with_kept(part, x), class = c("enclave_table", "data.frame"))
}

with_kept <- function(part, whole) {
  for (name in KEPT) attr(part, name) <- attr(whole, name)
  part
}

c.enclave_cells <- function(...) {
  parts <- list(...)
  status <- unlist(lapply(parts, function(x) if (inherits(x, "enclave_cells")) attr(x, "status") else rep("shown", length(x))))
  structure(unlist(lapply(parts, bare)), status = status, language = attr(parts[[1]], "language"), class = "enclave_cells")
}

rep.enclave_cells <- function(x, ...) x[rep(seq_along(x), ...)]

format.enclave_cells <- function(x, ...) {
  value <- bare(x)
  whole <- all(is.na(value) | value == trunc(value))
  said <- if (whole) format(value, big.mark = ",", scientific = FALSE, trim = TRUE) else format(value, trim = TRUE, digits = 4)
  ifelse(hidden(x), LABEL, ifelse(is.na(value), "\u2013", said))
}

as.character.enclave_cells <- function(x, ...) ifelse(hidden(x), LABEL, as.character(bare(x)))

print.enclave_cells <- function(x, ...) {
  print(noquote(format(x)))
  invisible(x)
}

is.na.enclave_cells <- function(x) is.na(bare(x)) & !hidden(x)
as.double.enclave_cells <- function(x, ...) as.double(no_value(x))
as.integer.enclave_cells <- function(x, ...) as.integer(no_value(x))
mean.enclave_cells <- function(x, ...) mean(no_value(x), ...)
median.enclave_cells <- function(x, na.rm = FALSE, ...) median(no_value(x), na.rm = na.rm, ...)

Ops.enclave_cells <- function(e1, e2) {
  operation <- get(.Generic, mode = "function")
  one <- if (inherits(e1, "enclave_cells")) no_value(e1) else e1
  if (missing(e2)) return(operation(one))
  operation(one, if (inherits(e2, "enclave_cells")) no_value(e2) else e2)
}

Math.enclave_cells <- function(x, ...) get(.Generic, mode = "function")(no_value(x), ...)

Summary.enclave_cells <- function(..., na.rm = FALSE) {
  parts <- lapply(list(...), function(x) if (inherits(x, "enclave_cells")) no_value(x) else x)
  do.call(.Generic, c(parts, na.rm = na.rm))
}

# -- shown to a person --------------------------------------------------------------------------------------------
view <- function(whole) {
  table <- utils::head(whole, ROWS_SHOWN)
  language <- attr(table, "language")
  names <- setdiff(names(table), paste0(companions(table), STATUS))
  columns <- lapply(names, function(name) {
    value <- table[[name]]
    if (inherits(value, "enclave_cells")) return(format(value))
    said <- ifelse(is.na(value), "\u2013", as.character(value))
    if (name %in% margins_of(whole)) said[table[[paste0(name, STATUS)]] == "total"] <- word("all", language)
    said
  })
  names(columns) <- names
  structure(columns, class = "data.frame", row.names = .set_row_names(nrow(table)))
}

caption <- function(table) {
  language <- attr(table, "language")
  counts <- statuses(table)
  counts <- counts[counts > 0 | names(counts) != "perturbed"]
  said <- paste(vapply(paste0(names(counts), "_cells"), word, "", language), counts)
  if (nrow(table) > ROWS_SHOWN) said <- c(said, word("more_rows", language, list(n = nrow(table) - ROWS_SHOWN)))
  paste(c(said, attr(table, "receipt")$id), collapse = " \u00b7 ")
}

print.enclave_table <- function(x, ...) {
  print(view(x), row.names = FALSE, ...)
  cat("[", caption(x), "]\n", sep = "")
  invisible(x)
}

repr_text.enclave_table <- function(obj, ...) paste(utils::capture.output(print(obj)), collapse = "\n")

repr_html.enclave_table <- function(obj, ...) {
  shown <- view(obj)
  heads <- paste0("<th>", escaped(names(shown)), "</th>", collapse = "")
  rows <- vapply(seq_len(nrow(shown)), function(place) {
    texts <- vapply(shown, function(column) column[[place]], "")
    style <- ifelse(texts == LABEL, " style='color:#8a3b12;background:#fbeee4'", "")
    paste0("<tr>", paste0("<td", style, ">", escaped(texts), "</td>", collapse = ""), "</tr>")
  }, "")
  paste0(
    "<div><table class='dataframe'><thead><tr>", heads, "</tr></thead><tbody>", paste(rows, collapse = ""),
    "</tbody></table><div style='opacity:.75;font-size:90%'>", escaped(caption(obj)), "</div></div>"
  )
}
