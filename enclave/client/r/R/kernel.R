# The R kernel of a notebook: IRkernel, whose display of a refusal is the refusal and not the calls that led to it, in
# which a running query shows how far it is, names of the permit are completed inside statements, and `?` prefers the
# pages of this package where another has one of the same name (`?dbGetQuery`).

notebook <- new.env(parent = emptyenv())

kernel <- function() {
  running <- IRkernel:::Kernel$new(connection_file = commandArgs(TRUE)[[1]])
  executor <- running$executor
  notebook$executor <- executor
  executor$is_silent # a method is there for others once it was asked for
  usual <- executor$handle_error
  told <- as.function(alist(e = , {
    if (inherits(e, "enclave_refused")) {
      said <- conditionMessage(e)
      err <<- list(ename = e$code, evalue = said, traceback = list(said))
      if (!is_silent()) send_response("error", current_request, "iopub", err)
      return(invisible())
    }
  }), envir = as.environment(executor))
  # One body and not one function around another: IRkernel counts the calls down to itself.
  body(told) <- as.call(c(as.list(body(told)), body(usual)))
  assign("handle_error", told, envir = as.environment(executor))
  complete_names(running)
  prefer_own_pages()
  running$run()
}

complete_names <- function(running) {
  usual <- running$complete
  completed <- as.function(alist(request = , {
    found <- enclave:::completions_at(request$content$code, request$content$cursor_pos)
    if (!is.null(found)) {
      send_response("complete_reply", request, "shell", found)
      return(invisible())
    }
  }), envir = as.environment(running))
  body(completed) <- as.call(c(as.list(body(completed)), body(usual)))
  assign("complete", completed, envir = as.environment(running))
}

# The content of a `complete_reply`, or NULL: then R completes as it would. Never asks the gateway.
completions_at <- function(code, place) {
  con <- notebook$con
  if (is.null(con) || !dbIsValid(con)) return(NULL)
  # A completion that fails must not take R's own with it.
  found <- tryCatch(names_at(code, place, con), error = function(failed) NULL)
  if (is.null(found)) return(NULL)
  begin <- place - nchar(found$begun)
  kinds <- Map(function(text, kind) list(start = begin, end = place, text = text, type = kind), found$text, found$kind)
  list(
    matches = as.list(found$text), status = "ok", cursor_start = begin, cursor_end = place,
    metadata = list("_jupyter_types_experimental" = unname(kinds))
  )
}

# repr shows the first page of those that a topic has, and their order is that of a hash table.
prefer_own_pages <- function() {
  for (form in c("repr_html", "repr_text", "repr_latex")) {
    local({
      usual <- utils::getS3method(form, "help_files_with_topic", envir = asNamespace("repr"))
      own_first <- function(obj, ...) {
        obj[] <- obj[order(!grepl("/enclave/help/", obj, fixed = TRUE))]
        usual(obj, ...)
      }
      registerS3method(form, "help_files_with_topic", own_first, envir = asNamespace("repr"))
    })
  }
}

# Shows HTML in the notebook at once; shown again under the same name it replaces what was there.
show_html <- function(html, name, again, text = "") {
  executor <- notebook$executor
  nothing <- structure(list(), names = character())
  executor$send_response(if (again) "update_display_data" else "display_data", executor$current_request, "iopub", list(
    data = list("text/html" = html, "text/plain" = text), metadata = nothing, transient = list(display_id = name)
  ))
}
