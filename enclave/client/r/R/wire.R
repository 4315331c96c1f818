# HTTPS to the gateway: one address, one certificate authority, one token; nothing else is ever contacted.
# Relies on session.json {gateway, token} and ca.pem in one folder (/run/enclave).

ANSWER_SECONDS <- 120L
SUBMIT_SECONDS <- 600L # answers are recomputed and laid beside everything released before

gateway <- function(folder) {
  language <- language_asked()
  files <- file.path(folder, c("session.json", "ca.pem"))
  if (!all(file.exists(files))) {
    refuse("client.not_a_workspace", facts = list(file = files[!file.exists(files)][[1]]), language = language)
  }
  session <- jsonlite::fromJSON(files[[1]], simplifyVector = FALSE)
  if (!startsWith(session$gateway, "https://")) refuse("client.unreachable", language = language)
  gw <- new.env(parent = emptyenv())
  gw$address <- sub("/+$", "", session$gateway)
  gw$token <- session$token
  gw$authority <- files[[2]]
  gw$language <- language
  gw
}

# Before a session says which.
language_asked <- function() {
  if (startsWith(Sys.getenv("ENCLAVE_LANGUAGE", Sys.getenv("LANG", "ja")), "ja")) "ja" else "en"
}

handle <- function(gw, method, path, body = NULL, seconds = ANSWER_SECONDS) {
  h <- curl::new_handle(
    url = paste0(gw$address, path), customrequest = method, timeout = seconds, connecttimeout = 20L,
    # Only the site's authority is believed: the folder of the machine's own list is replaced by one that holds none.
    cainfo = gw$authority, capath = dirname(gw$authority), ssl_verifypeer = 1L, ssl_verifyhost = 2L,
    followlocation = 0L, proxy = "", noproxy = "*"
  )
  headers <- list(Authorization = paste("Bearer", gw$token), "Accept-Language" = gw$language, Expect = "")
  if (!is.null(body)) {
    sent <- charToRaw(enc2utf8(body))
    curl::handle_setopt(h, post = 1L, postfieldsize = length(sent), postfields = sent)
    headers[["Content-Type"]] <- "application/json"
  }
  do.call(curl::handle_setheaders, c(list(h), headers))
  h
}

# One request whose answer is a JSON object.
json <- function(gw, method, path, body = NULL, seconds = ANSWER_SECONDS) {
  answer <- tryCatch(
    curl::curl_fetch_memory(paste0(gw$address, path), handle(gw, method, path, body, seconds)),
    error = function(silent) refuse("client.unreachable", language = gw$language)
  )
  told <- parsed(answer$content)
  if (answer$status_code >= 300) no(told, answer$status_code, gw$language)
  if (!is.list(told)) refuse("client.answer", facts = list(status = answer$status_code), language = gw$language)
  told
}

parsed <- function(content) {
  text <- rawToChar(content)
  Encoding(text) <- "UTF-8"
  tryCatch(jsonlite::fromJSON(text, simplifyVector = FALSE), error = function(broken) NULL)
}

no <- function(told, status, language) {
  if (is.list(told) && !is.null(told$code)) refuse_problem(told, language)
  refuse("client.answer", facts = list(status = status), language = language)
}
