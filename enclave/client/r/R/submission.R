# What became of a submission, as a person reads it: state, findings, and what to do next. Decides nothing.

LINES_SHOWN <- 15L # findings shown at once; all of them are in `enclave_findings()`

#' One line per finding: file, verdict, code, where, what it means and what to do.
enclave_findings <- function(submission) {
  found <- finding_lines(submission)[1:5]
  names(found) <- vapply(c("file", "verdict", "code", "where", "sentence"), word, "", submission$language)
  found
}

finding_lines <- function(submission) {
  language <- submission$language
  spoken <- function(verdict) {
    said <- word(paste0("verdict.", verdict), language)
    if (nzchar(said)) said else verdict
  }
  lines <- lapply(submission$files, function(file) {
    if (!length(file$findings)) {
      return(list(list(file$name, spoken(file$verdict), "", "", word("no_findings", language), file$verdict)))
    }
    lapply(file$findings, function(one) {
      verdict <- if (is.null(one$verdict)) file$verdict else one$verdict
      alone <- if (isTRUE(one$facts$undescribed)) word("undescribed", language)
      sentence <- paste(Filter(nzchar, c(one$title, one$hint, alone)), collapse = " ")
      list(file$name, spoken(verdict), one$code, place_in(submission, file$name, one$where), sentence, verdict)
    })
  })
  lines <- do.call(c, lines)
  columns <- lapply(1:6, function(place) vapply(lines, function(line) as.character(line[[place]]), ""))
  names(columns) <- c("file", "spoken", "code", "where", "sentence", "verdict")
  structure(columns, class = "data.frame", row.names = .set_row_names(length(lines)))
}

# A row is named by its dimensions: `row 1 (sex=f), column=n`.
place_in <- function(submission, file, where) {
  row <- where$row
  if (!is.numeric(row)) return(place_text(where))
  rows <- submission$rows[[file]]
  named <- if (row >= 1 && row <= length(rows) && nzchar(rows[[row]])) paste0(" (", rows[[row]], ")") else ""
  rest <- where[setdiff(names(where), "row")]
  place <- paste0(word("row", submission$language), " ", row, named)
  if (length(rest)) paste0(place, ", ", place_text(rest)) else place
}

place_text <- function(where) {
  if (!is.list(where)) return(paste(as.character(where), collapse = "; "))
  said <- vapply(where, place_text, "")
  if (is.null(names(where))) paste(said, collapse = "; ") else paste0(names(where), "=", said, collapse = ", ")
}

said_of <- function(submission) {
  language <- submission$language
  lines <- finding_lines(submission)
  left <- nrow(lines) - LINES_SHOWN
  state <- word(paste0("state.", submission$state), language)
  list(
    head = sprintf("%s: %s (%s)", word("findings.title", language), if (nzchar(state)) state else submission$state, submission$id),
    lines = utils::head(lines, LINES_SHOWN),
    more = if (left > 0) word("more_findings", language, list(n = left)) else "",
    then = word(paste0("next.", submission$state), language)
  )
}

as_text <- function(submission) {
  said <- said_of(submission)
  lines <- with(said$lines, sprintf("  [%s] %s %s %s %s", spoken, file, code, where, sentence))
  paste(Filter(nzchar, c(said$head, gsub(" +$", "", lines), said$more, said$then)), collapse = "\n")
}

as_html <- function(submission) {
  said <- said_of(submission)
  colours <- c(pass = "#2f6b3a", fail = "#a4262c", human = "#7a5b00")
  left <- "style='text-align:left;white-space:normal;max-width:34em'"
  titles <- vapply(c("file", "verdict", "code", "where", "sentence"), word, "", submission$language)
  body <- with(said$lines, paste0(
    "<tr><td ", left, ">", escaped(file), "</td><td style='text-align:left;white-space:nowrap;font-weight:600;color:",
    ifelse(verdict %in% names(colours), colours[verdict], "inherit"), "'>", escaped(spoken), "</td><td ", left, ">",
    ifelse(nzchar(code), paste0("<code>", escaped(code), "</code>"), ""), "</td><td ", left, ">", escaped(where),
    "</td><td ", left, ">", escaped(sentence), "</td></tr>", collapse = ""
  ))
  paste0(
    "<div><p><strong>", escaped(said$head), "</strong></p><table class='dataframe'><thead><tr>",
    paste0("<th style='text-align:left'>", escaped(titles), "</th>", collapse = ""), "</tr></thead><tbody>", body,
    "</tbody></table>", if (nzchar(said$more)) paste0("<p>", escaped(said$more), "</p>"),
    "<p>", escaped(said$then), "</p></div>"
  )
}

escaped <- function(text) {
  gsub(">", "&gt;", gsub("<", "&lt;", gsub("&", "&amp;", text, fixed = TRUE), fixed = TRUE), fixed = TRUE)
}

show_at_once <- function(submission) {
  if (is.null(notebook$executor)) return(cat(as_text(submission), "\n", sep = ""))
  show_html(as_html(submission), submission$id, FALSE, as_text(submission))
}

print.enclave_submission <- function(x, ...) {
  cat(as_text(x), "\n", sep = "")
  invisible(x)
}
repr_text.enclave_submission <- function(obj, ...) as_text(obj)
repr_html.enclave_submission <- function(obj, ...) as_html(obj)
