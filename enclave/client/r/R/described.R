# What the columns of a table are, in its maker's words: a list, or a file (YAML or JSON) that is sent as it is.
#
# Decides nothing: the gateway reads it, judges by it and by everything that stands without it. Here it only says which
# columns need no guess; of a file that cannot be read here, those whose names stand in its text.

LISTED <- c("counts", "largest") # what is a list of columns even where it names one

description_of <- function(told, evidence, language) {
  folder <- "."
  if (is.list(told)) {
    said <- told
    sent <- in_form(told)
  } else {
    folder <- dirname(told)
    sent <- one_text(text_of(told, language))
    said <- tryCatch(jsonlite::fromJSON(sent, simplifyVector = FALSE), error = function(no) NULL)
    if (!is.list(said)) said <- NULL
  }
  named <- if (is.null(said)) named_evidence(sent) else said$evidence
  if (is.null(evidence) && is.character(named)) evidence <- file.path(folder, named)
  if (is.data.frame(evidence)) {
    evidence <- csv(names(evidence), lapply(flat(evidence, language), cells_as_text))
  } else if (!is.null(evidence)) {
    evidence <- text_of(evidence, language)
  }
  list(sent = sent, said = said, evidence = evidence)
}

# `evidence: name` of a file in YAML, on a line of its own or within braces.
named_evidence <- function(text) {
  found <- regmatches(text, regexec("(?:^|[\n{,])\\s*evidence\\s*:\\s*[\"']?([^\"'\n,}#]+)", text, perl = TRUE))[[1]]
  if (length(found) == 2L) trimws(found[[2]])
}

# Whether a description mentions a column.
said_of_column <- function(described, column) {
  if (is.null(described)) return(FALSE)
  if (is.null(described$said)) return(grepl(column, described$sent, fixed = TRUE))
  said <- described$said
  words <- c("is", "width", "hours", "statistic", "route")
  rows <- c(said$dimensions, said$values)
  about <- unlist(lapply(rows, function(row) row[setdiff(names(row), words)]))
  column %in% c(names(rows), unlist(said$counts), said$institutions, said$group, as.character(about))
}

# As JSON has it: one text is one text, a list of columns is a list, nothing said is an empty object.
in_form <- function(told, name = "") {
  if (name %in% LISTED) return(as.list(vapply(unlist(told), enc2utf8, "", USE.NAMES = FALSE)) |> lapply(jsonlite::unbox))
  if (!is.list(told)) return(if (length(told) == 1L) jsonlite::unbox(if (is.character(told)) enc2utf8(told) else told) else told)
  if (!length(told)) return(structure(list(), names = character()))
  structure(Map(in_form, told, names(told)), names = enc2utf8(names(told)))
}

# The file that describes a table's file: of the same name, with another ending.
beside <- function(file) {
  stem <- sub("\\.[^.]*$", "", file)
  found <- Filter(file.exists, paste0(stem, c(".yaml", ".yml", ".json")))
  if (length(found)) found[[1]]
}

# The text of a file, as it is.
text_of <- function(file, language) {
  unreadable <- function(...) refuse("client.file", facts = list(file = basename(file)), language = language)
  text <- tryCatch(
    suppressWarnings({
      bytes <- readBin(file, "raw", file.size(file))
      if (any(bytes == 0L)) stop("no text")
      rawToChar(bytes)
    }),
    error = unreadable
  )
  Encoding(text) <- "UTF-8"
  if (!validUTF8(text)) unreadable()
  text
}
