# One query: sent, followed while it runs, and believed only when the gateway says that it is done.
#
# 1. the statement is sent; the answer's headers come when it is authorised, with the query's id
# 2. pieces of the Arrow stream are collected, while the state is asked for and shown
# 3. an interrupt tells the gateway to cancel before the notebook goes on
# 4. a stream that ends says nothing: the state decides, and a cut answer is thrown away as a whole

POLL_SECONDS <- 0.25
PATIENCE_SECONDS <- 0.6
SETTLE_SECONDS <- 15
SHORTEST <- 0.002
LONGEST <- 0.1 # seconds between two looks at the connection while nothing comes

since <- function(then, now) as.numeric(now - then, units = "secs")

# list(id, bytes, receipt). Raises `enclave_refused`, or `enclave_cancelled` when the person interrupts.
ask <- function(gw, sql, params = NULL, form = "rows") {
  body <- question(sql, params, form, gw$language)
  h <- handle(gw, "POST", "/v1/queries", body, seconds = 0L)
  pieces <- list()
  status <- NULL
  broken <- FALSE
  pool <- curl::new_pool()
  curl::multi_add(h,
    done = function(answer) status <<- answer$status_code,
    fail = function(message) broken <<- TRUE,
    data = function(bytes, final) if (length(bytes)) pieces[[length(pieces) + 1L]] <<- bytes,
    pool = pool
  )
  tryCatch(
    {
      began <- looked <- Sys.time()
      pause <- SHORTEST
      while (is.null(status) && !broken) {
        had <- length(pieces)
        curl::multi_run(timeout = 0, pool = pool) # with a time it would not come back within a second
        if (!is.null(status) || broken) break
        now <- Sys.time()
        if (since(began, now) > PATIENCE_SECONDS && since(looked, now) > POLL_SECONDS && !is.null(id_of(h))) {
          show_progress(gw, id_of(h), since(began, now))
          looked <- Sys.time()
        }
        pause <- if (length(pieces) > had) 0 else min(max(2 * pause, SHORTEST), LONGEST)
        if (pause > 0) Sys.sleep(pause)
      }
      clear_progress()
      id <- id_of(h)
      content <- unlist(pieces, use.names = FALSE)
      if (is.null(content)) content <- raw()
      if (!is.null(status) && status >= 300) no(parsed(content), status, gw$language)
      if (is.null(id)) refuse("client.unreachable", language = gw$language)
      state <- settled(gw, id)
    },
    interrupt = function(stopped) {
      clear_progress()
      id <- id_of(h)
      if (!is.null(id)) tryCatch(json(gw, "DELETE", paste0("/v1/queries/", id)), error = function(silent) NULL)
      curl::multi_cancel(h)
      refuse("query.cancelled", facts = list(query = id), language = gw$language, more = "enclave_cancelled")
    }
  )
  if (!identical(state$state, "done")) {
    if (!is.null(state$problem)) refuse_problem(state$problem, gw$language)
    refuse("client.incomplete", language = gw$language)
  }
  if (broken) refuse("client.incomplete", language = gw$language)
  list(id = id, bytes = content, receipt = c(list(id = id), state$receipt[setdiff(names(state$receipt), "id")]))
}

id_of <- function(h) curl::parse_headers_list(curl::handle_data(h)$headers)[["enclave-query"]]

settled <- function(gw, id) {
  until <- Sys.time() + SETTLE_SECONDS
  repeat {
    state <- json(gw, "GET", paste0("/v1/queries/", id))
    if (!identical(state$state, "running") || Sys.time() > until) return(state)
    Sys.sleep(0.02)
  }
}

# -- parameters ---------------------------------------------------------------------------------------------------
question <- function(sql, params, form, language) {
  sent <- lapply(as.list(params), function(value) scalars(value, language))
  if (is.null(names(sent)) && length(sent) == 0) sent <- structure(list(), names = character())
  body <- list(sql = jsonlite::unbox(enc2utf8(as.character(sql))), params = sent, form = jsonlite::unbox(form))
  as.character(jsonlite::toJSON(body, digits = NA, na = "null", null = "null"))
}

# A vector of one is a scalar; of more, or `I(...)`, or a list, a list for IN (…). Dates travel as ISO text.
scalars <- function(value, language) {
  many <- is.list(value) || inherits(value, "AsIs") || length(value) > 1
  if (is.list(value)) value <- unlist(value)
  if (inherits(value, "AsIs")) class(value) <- setdiff(class(value), "AsIs")
  if (is.factor(value)) value <- as.character(value)
  if (inherits(value, "Date")) value <- format(value, "%Y-%m-%d")
  if (inherits(value, "POSIXt")) value <- format(value, "%Y-%m-%d %H:%M:%S")
  if (is.null(value)) return(NULL)
  plain <- is.character(value) || is.logical(value) || is.numeric(value) || inherits(value, "integer64")
  if (!plain || any(is.infinite(suppressWarnings(as.numeric(if (is.character(value)) 0 else value))))) {
    refuse("client.parameter", facts = list(kind = class(value)[[1]]), language = language)
  }
  if (is.character(value)) value <- enc2utf8(value)
  if (is.double(value) && !inherits(value, "integer64") && all(is.na(value) | (value == trunc(value) & abs(value) < 2^53))) {
    value <- bit64::as.integer64(value) # never 1e+05
  }
  if (many) value else jsonlite::unbox(value)
}

# -- progress -----------------------------------------------------------------------------------------------------
# Seen only when a query takes long enough for someone to wonder. It carries no data.
bar <- new.env(parent = emptyenv())

show_progress <- function(gw, id, waited) {
  state <- tryCatch(json(gw, "GET", paste0("/v1/queries/", id)), error = function(silent) NULL)
  if (is.null(state) || !identical(state$state, "running")) return(invisible())
  share <- sprintf("%.0f%%", 100 * min(max(as.numeric(state$progress), 0), 1))
  line <- sprintf("%s %s \u00b7 %.0f s", word(if (isTRUE(state$waiting)) "waiting" else "running", gw$language), share, waited)
  if (!is.null(notebook$executor)) {
    html <- sprintf(paste0(
      "<div role='progressbar' aria-valuenow='%s' style='display:flex;gap:.8em;align-items:center'>",
      "<div style='width:18em;height:.5em;border-radius:.25em;background:var(--jp-layout-color2,#ddd)'>",
      "<div style='width:%s;height:100%%;border-radius:.25em;background:#1f5a7a'></div></div><span>%s</span></div>"
    ), share, share, line)
    show_html(html, id, !is.null(bar$id))
  } else if (isatty(stderr())) {
    cat("\r", line, sep = "", file = stderr())
  } else {
    return(invisible())
  }
  bar$id <- id
}

clear_progress <- function() {
  if (is.null(bar$id)) return(invisible())
  if (!is.null(notebook$executor)) show_html("", bar$id, TRUE) else cat("\r", strrep(" ", 60), "\r", sep = "", file = stderr())
  bar$id <- NULL
}
