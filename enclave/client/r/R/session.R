# What the permit says and what is left of it, as a researcher reads it. Relies on GET /v1/session. Decides nothing.

#' GET /v1/session as it is now: the permit in words, its limits, what of them is used and left, when they are renewed.
enclave_session <- function(con) {
  gw <- open_gateway(con)
  gw$session <- json(gw, "GET", "/v1/session")
  structure(gw$session, class = "enclave_session")
}

#' The project's limits of a day beside what is used and left, in words; when they are renewed, how to apply for more.
#' `lines`: limit, used, left of queries, rows and bytes; NA where the permit sets no limit.
enclave_budget <- function(con) {
  session <- enclave_session(con)
  number <- function(kind, name) if (is.null(session[[kind]][[name]])) NA_real_ else as.double(session[[kind]][[name]])
  names <- c("queries_day", "rows_day", "bytes_day")
  lines <- lapply(c(limit = "limits", used = "used", left = "left"), function(kind) vapply(names, number, 0, kind = kind))
  structure(class = "enclave_budget", list(
    lines = data.frame(lines, row.names = names), renewed = in_japan(session$renewed, con@gateway$language),
    more = if (is.null(session$more)) "" else session$more, language = con@gateway$language
  ))
}

budget_table <- function(budget) {
  said <- function(number) ifelse(is.na(number), word("budget.unlimited", budget$language), with_commas(number))
  numbers <- vapply(budget$lines, said, character(nrow(budget$lines)))
  heads <- vapply(paste0("budget.", names(budget$lines)), word, "", budget$language)
  rbind(c("", heads), cbind(vapply(paste0("budget.", rownames(budget$lines)), word, "", budget$language), numbers))
}

below_budget <- function(budget) c(word("budget.renewed", budget$language, list(time = budget$renewed)), budget$more)

with_commas <- function(number) format(number, big.mark = ",", scientific = FALSE, digits = 15, trim = TRUE)

print.enclave_budget <- function(x, ...) {
  writeLines(c(apply(budget_table(x), 1, paste, collapse = "\t"), below_budget(x)))
  invisible(x)
}
repr_text.enclave_budget <- function(obj, ...) paste(utils::capture.output(print(obj)), collapse = "\n")
repr_html.enclave_budget <- function(obj, ...) {
  table <- budget_table(obj)
  cells <- function(tag, side, texts) paste0("<", tag, " style='text-align:", side, "'>", escaped(texts), "</", tag, ">", collapse = "")
  body <- apply(table[-1, , drop = FALSE], 1, function(line) {
    paste0("<tr>", cells("th", "left", line[[1]]), cells("td", "right", line[-1]), "</tr>")
  })
  paste0(
    "<table class='dataframe'><thead><tr>", cells("th", "right", table[1, ]), "</tr></thead><tbody>",
    paste(body, collapse = ""), "</tbody></table>", paste0("<p>", escaped(below_budget(obj)), "</p>", collapse = "")
  )
}

session_lines <- function(session) {
  shown <- unclass(session)[setdiff(names(session), c("tables", "language"))]
  data.frame(name = names(shown), value = vapply(shown, in_words, "", USE.NAMES = FALSE))
}

in_words <- function(value) {
  if (is.null(value)) return("\u2013")
  if (!is.list(value)) {
    number <- is.numeric(value) && !is.logical(value)
    return(if (number) with_commas(value) else as.character(value))
  }
  if (is.null(names(value))) {
    return(paste(vapply(value, function(part) in_words(if (is.null(names(part)) || is.null(part$id)) part else part$id), ""), collapse = "; "))
  }
  paste(paste0(names(value), ": ", vapply(value, in_words, "")), collapse = " \u00b7 ")
}

print.enclave_session <- function(x, ...) {
  lines <- session_lines(x)
  cat(paste0(format(lines$name), "  ", lines$value, "\n"), sep = "")
  invisible(x)
}
repr_text.enclave_session <- function(obj, ...) paste(utils::capture.output(print(obj)), collapse = "\n")
repr_html.enclave_session <- function(obj, ...) {
  lines <- session_lines(obj)
  left <- "style='text-align:left;white-space:normal'"
  paste0(
    "<table class='dataframe'><tbody>",
    paste0("<tr><th ", left, ">", escaped(lines$name), "</th><td ", left, ">", escaped(lines$value), "</td></tr>", collapse = ""),
    "</tbody></table>"
  )
}
