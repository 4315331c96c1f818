# Arrow to R, column by column: text is UTF-8, days are Dates, whole numbers stay exact.
#
# R has no 64-bit integer. By default ("exact") a column of them becomes numeric where every number fits without loss
# (up to 2^53), and integer64 (package bit64) where one does not: a pseudonym that lost its last digits would join
# nobody or somebody else. Relies on nanoarrow, which reads no decimals and no dictionaries.

EXACT <- 2^53
BIGINT <- c("exact", "integer64", "numeric", "character")

frame_of <- function(bytes, bigint = "exact", language = "en") {
  read <- tryCatch(
    {
      stream <- nanoarrow::read_nanoarrow(bytes)
      schema <- stream$get_schema()
      batches <- list()
      while (!is.null(batch <- stream$get_next())) batches[[length(batches) + 1L]] <- batch
      list(schema = schema, batches = batches)
    },
    error = function(broken) refuse("client.type", facts = list(why = conditionMessage(broken)), language = language)
  )
  names <- names(read$schema$children)
  columns <- lapply(seq_along(names), function(place) {
    arrays <- lapply(read$batches, function(batch) batch$children[[place]])
    column_of(arrays, read$schema$children[[place]], names[[place]], bigint, language)
  })
  rows <- sum(vapply(read$batches, function(batch) as.double(batch$length), 0))
  names(columns) <- enc2utf8(names)
  structure(columns, class = "data.frame", row.names = .set_row_names(rows))
}

column_of <- function(arrays, schema, name, bigint, language) {
  parsed <- nanoarrow::nanoarrow_schema_parse(schema)
  type <- parsed$type
  impossible <- function(e) refuse("client.type", facts = list(column = name, type = type), language = language)
  converted <- function(to) lapply(arrays, function(array) nanoarrow::convert_array(array, to))
  tryCatch(
    switch(type,
      int64 = whole(joined(converted(bit64::integer64()), bit64::integer64()), bigint),
      uint64 = unsigned(joined(lapply(arrays, as_int64), bit64::integer64()), bigint),
      decimal128 = decimal(arrays, parsed$decimal_scale, bigint),
      time32 = , time64 = time_of_day(arrays, parsed$time_unit),
      na = rep(NA, sum(vapply(arrays, function(array) as.double(array$length), 0))),
      date32 = , date64 = joined(converted(as.Date(numeric())), as.Date(numeric())),
      timestamp = moment(joined(converted(as.POSIXct(numeric(), tz = "UTC")), as.POSIXct(numeric(), tz = "UTC")), parsed$timezone),
      string = , large_string = joined(converted(character()), character()),
      bool = joined(converted(logical()), logical()),
      int8 = , uint8 = , int16 = , uint16 = , int32 = joined(converted(integer()), integer()),
      uint32 = , half_float = , float = , double = joined(converted(double()), double()),
      joined(lapply(arrays, function(array) unclass(nanoarrow::convert_array(array))), list())
    ),
    enclave_refused = function(no) stop(no),
    error = impossible
  )
}

joined <- function(chunks, none) if (length(chunks)) do.call(c, chunks) else none

whole <- function(x, bigint) {
  switch(bigint,
    integer64 = x,
    numeric = suppressWarnings(as.double(x)),
    character = as.character(x),
    if (all(is.na(x) | (x <= bit64::as.integer64(EXACT) & x >= -bit64::as.integer64(EXACT)))) as.double(x) else x
  )
}

as_int64 <- function(array) {
  nanoarrow::nanoarrow_array_set_schema(array, nanoarrow::na_int64())
  nanoarrow::convert_array(array, bit64::integer64())
}

# `x` holds the bits of unsigned numbers; from 2^63 on they read as negative, and become text as a column.
unsigned <- function(x, bigint) {
  high <- !is.na(x) & x < 0L
  if (!any(high)) return(whole(x, bigint))
  if (bigint == "numeric") return(as.double(x) + ifelse(high, 2^64, 0))
  text <- as.character(x)
  half <- bit64::as.integer64("4611686018427387904") # 2^62
  rest <- x[high] + half + half # less 2^63, which is 9223372036 * 10^9 + 854775808
  billion <- bit64::as.integer64(1e9)
  low <- rest %% billion + bit64::as.integer64(854775808)
  high_part <- rest %/% billion + bit64::as.integer64(9223372036) + low %/% billion
  text[high] <- paste0(as.character(high_part), sprintf("%09.0f", as.double(low %% billion)))
  text
}

# 128-bit decimals from their bytes. Whole ones (the engine's sums) are exact like 64-bit integers where they fit.
decimal <- function(arrays, scale, bigint) {
  parts <- lapply(arrays, function(array) {
    bytes <- matrix(as.raw(array$buffers[[2]]), nrow = 16L)[, array$offset + seq_len(array$length), drop = FALSE]
    bits <- function(rows) structure(readBin(as.vector(bytes[rows, ]), "double", array$length, 8L), class = "integer64")
    low <- bits(1:8)
    high <- bits(9:16)
    valid <- as.raw(array$buffers[[1]])
    if (length(valid)) {
      missing <- !as.logical(rawToBits(valid))[array$offset + seq_len(array$length)]
      low[missing] <- high[missing] <- bit64::NA_integer64_
    }
    list(low = low, high = high)
  })
  low <- joined(lapply(parts, `[[`, "low"), bit64::integer64())
  high <- joined(lapply(parts, `[[`, "high"), bit64::integer64())
  fits <- is.na(high) | (high == 0L & (is.na(low) | low >= 0L)) | (high == -1L & !is.na(low) & low < 0L)
  if (scale == 0L && all(fits)) return(whole(low, bigint))
  unsigned_low <- suppressWarnings(as.double(low))
  unsigned_low <- unsigned_low + ifelse(!is.na(unsigned_low) & unsigned_low < 0 & !fits, 2^64, 0)
  value <- ifelse(fits, unsigned_low, suppressWarnings(as.double(high)) * 2^64 + unsigned_low)
  value / 10^scale
}

time_of_day <- function(arrays, unit) {
  seconds <- joined(lapply(arrays, function(array) {
    kind <- if (unit %in% c("s", "ms")) nanoarrow::na_int32() else nanoarrow::na_int64()
    nanoarrow::nanoarrow_array_set_schema(array, kind)
    nanoarrow::convert_array(array, double()) / c(s = 1, ms = 1e3, us = 1e6, ns = 1e9)[[unit]]
  }), double())
  as.difftime(seconds, units = "secs")
}

# A time without a zone is shown as it stands.
moment <- function(x, zone) {
  attr(x, "tzone") <- if (is.null(zone) || !nzchar(zone)) "UTC" else zone
  x
}
