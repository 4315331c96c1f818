# What the permit says and what is left of it, as a researcher reads it. Relies on GET /v1/session. Decides nothing.

#' GET /v1/session as it is now: the permit in words, its limits, what of them is used and left, when they are renewed.
enclave_session <- function(con) {
  gw <- open_gateway(con)
  gw$session <- json(gw, "GET", "/v1/session")
  structure(gw$session, class = "enclave_session")
}

session_lines <- function(session) {
  shown <- unclass(session)[setdiff(names(session), c("tables", "language"))]
  data.frame(name = names(shown), value = vapply(shown, in_words, "", USE.NAMES = FALSE))
}

in_words <- function(value) {
  if (is.null(value)) return("\u2013")
  if (!is.list(value)) {
    number <- is.numeric(value) && !is.logical(value)
    return(if (number) format(value, big.mark = ",", scientific = FALSE, digits = 15) else as.character(value))
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
