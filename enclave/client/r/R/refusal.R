# A no as a condition: `tryCatch(..., enclave_refused = function(no) no$code)`. The words are the gateway's, in the
# session's language; only what the client itself finds is worded here.

lines_of <- function(code, title, facts, hint, language) {
  facts <- Filter(function(fact) length(fact) > 0 && !identical(fact, ""), facts)
  said <- vapply(names(facts), function(name) {
    paste0(name, ": ", paste(unlist(facts[[name]]), collapse = ", "))
  }, "")
  head <- if (code == "query.cancelled") "\u25a0" else word("refused", language)
  lines <- c(paste0(head, ": ", code), title, said, if (nzchar(hint)) paste("\u2192", hint))
  unname(lines[nzchar(lines)])
}

# Raises the condition `enclave_refused` with `code`, `title`, `facts` (never a data value) and `hint`.
refuse <- function(code, title = word(code, language, facts), facts = list(),
                   hint = word(paste0(code, ".hint"), language, facts), language = "en", more = character()) {
  stop(structure(
    class = c(more, "enclave_refused", "error", "condition"),
    list(
      message = paste(lines_of(code, title, facts, hint, language), collapse = "\n"), call = NULL,
      code = code, title = title, facts = facts, hint = hint, language = language
    )
  ))
}

# From the gateway's problem+json {type, status, code, title, facts, hint}.
refuse_problem <- function(problem, language) {
  text <- function(name) if (is.null(problem[[name]])) "" else as.character(problem[[name]])
  refuse(text("code"), text("title"), as.list(problem$facts), text("hint"), language)
}

toString.enclave_refused <- function(x, ...) conditionMessage(x)

print.enclave_refused <- function(x, ...) {
  cat(conditionMessage(x), "\n", sep = "")
  invisible(x)
}
