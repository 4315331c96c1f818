"""What to write instead of what the grammar does not have: pieces of SQL, the same in every language.

Only data. Each piece that is an expression is itself within the grammar (a test asks), so that a refusal never sends a
researcher to another refusal. What has no counterpart says so by a dash.
"""

NONE = "–"

FUNCTIONS: dict[str, str] = {
    # the clock and chance
    **dict.fromkeys(
        ("now", "today", "current_date", "current_timestamp", "current_time", "get_current_timestamp", "get_current_time",
         "transaction_timestamp", "localtime", "localtimestamp", "current_localtime", "current_localtimestamp"),
        "DATE '2026-04-01'",
    ),
    "age": "age(DATE '2026-04-01', birth)",
    **dict.fromkeys(("random", "rand", "setseed", "uuid", "gen_random_uuid", "uuidv4", "uuidv7"), "pid % 10 = 3"),
    # approximations of what is counted exactly
    "approx_count_distinct": "count(DISTINCT x)",
    "approx_distinct": "count(DISTINCT x)",
    "approx_quantile": "quantile_cont(x, 0.5)",
    "reservoir_quantile": "quantile_cont(x, 0.5)",
    "approx_top_k": "SELECT x, count(*) AS n FROM t GROUP BY x ORDER BY n DESC LIMIT 5",
    "histogram": "SELECT x, count(*) AS n FROM t GROUP BY x",
    "histogram_values": "SELECT x, count(*) AS n FROM t GROUP BY x",
    "entropy": "-sum(p * ln(p))",
    # sums and products
    "product": "exp(sum(ln(x)))",
    "weighted_avg": "sum(x * w) / sum(w)",
    "wavg": "sum(x * w) / sum(w)",
    **dict.fromkeys(("fsum", "kahan_sum", "sumkahan", "sum_no_overflow"), "sum(x)"),
    "favg": "avg(x)",
    "count_star": "count(*)",
    "sumif": "sum(x) FILTER (WHERE c)",
    "avgif": "avg(x) FILTER (WHERE c)",
    "countdistinct": "count(DISTINCT x)",
    "percentile": "quantile_cont(x, 0.5)",
    "percentile_approx": "quantile_cont(x, 0.5)",
    **dict.fromkeys(("bit_and", "bit_or", "bit_xor", "bitstring_agg", "checksum"), "count(DISTINCT x)"),
    **dict.fromkeys(("map_agg", "json_group_array", "json_group_object", "json_agg", "xmlagg"), "string_agg(x, ',')"),
    # other dialects' names
    "nvl2": "CASE WHEN x IS NULL THEN b ELSE a END",
    "isnull": "x IS NULL",
    "decode": "CASE x WHEN 1 THEN 'a' ELSE 'b' END",
    "iif": "CASE WHEN c THEN a ELSE b END",
    "choose": "CASE x WHEN 1 THEN 'a' ELSE 'b' END",
    "dateadd": "d + INTERVAL 1 DAY",
    "add_months": "d + INTERVAL 1 MONTH",
    "adddate": "d + INTERVAL 1 DAY",
    "subdate": "d - INTERVAL 1 DAY",
    "months_between": "date_diff('month', a, b)",
    "timestampdiff": "date_diff('month', a, b)",
    "timestampadd": "d + INTERVAL 1 MONTH",
    "to_date": "strptime(x, '%Y-%m-%d')::DATE",
    "to_timestamp": "strptime(x, '%Y-%m-%d')",
    "str_to_date": "strptime(x, '%Y-%m-%d')::DATE",
    "eomonth": "last_day(d)",
    "to_char": "strftime(d, '%Y-%m')",
    "date_format": "strftime(d, '%Y-%m')",
    "format_date": "strftime(d, '%Y-%m')",
    "from_unixtime": "TIMESTAMP '1970-01-01 00:00:00' + to_seconds(x)",
    "getdate": "DATE '2026-04-01'",
    "sysdate": "DATE '2026-04-01'",
    "curdate": "DATE '2026-04-01'",
    "charindex": "strpos(x, 'a')",
    "locate": "strpos(x, 'a')",
    "substring_index": "split_part(x, '-', 1)",
    "substring_grapheme": "substring(x, 1, 4)",
    "initcap": "upper(x)",
    "regexp_substr": "regexp_extract(x, '[0-9]+')",
    "regexp_like": "regexp_matches(x, '^E1')",
    "rlike": "regexp_matches(x, '^E1')",
    "regexp_count": "length(x) - length(replace(x, 'a', ''))",
    "regexp_extract_all": "regexp_extract(x, '[0-9]+')",
    "regexp_split_to_array": "string_split(x, '-')",
    "array_size": "len(l)",
    "array_length": "len(l)",
    "cardinality": "len(l)",
    "width_bucket": "floor(x / 10) * 10",
    "safe_divide": "a / nullif(b, 0)",
    "div0": "a / nullif(b, 0)",
    "safe_cast": "TRY_CAST(x AS INTEGER)",
    "to_number": "CAST(x AS DOUBLE)",
    "convert": "CAST(x AS DOUBLE)",
    "ratio_to_report": "x / sum(x) OVER ()",
    "conditional_true_event": "sum(CASE WHEN c THEN 1 ELSE 0 END) OVER (PARTITION BY pid ORDER BY d)",
    # texts made of texts
    **dict.fromkeys(("format", "printf"), "round(x, 1)::VARCHAR"),
    "repeat": "lpad('', 3, x)",
    "bar": "lpad('', 3, '*')",
    "ascii": "left(x, 1) = 'E'",
    "unicode": "left(x, 1) = 'E'",
    "ord": "left(x, 1) = 'E'",
    "chr": "x || '-'",
    **dict.fromkeys(("md5", "sha1", "sha256", "hash", "md5_number"), "count(DISTINCT x)"),
    **dict.fromkeys(("hex", "bin", "to_base", "to_base64", "base64", "encode", "from_base64", "unhex"), "x || '-'"),
    # rows and lists made of lists
    **dict.fromkeys(("unnest", "explode", "posexplode", "flatten", "unnest_ordinality"), "SELECT v FROM (VALUES (1), (2)) AS t(v)"),
    **dict.fromkeys(("range", "generate_series", "generateseries", "sequence"), "FROM range(2018, 2023) AS y(y)"),
    "repeat_row": "FROM range(2018, 2023) AS y(y)",
    **dict.fromkeys(("list_transform", "list_apply", "array_transform", "apply", "transform"), "CASE WHEN x > 1 THEN 1 ELSE 0 END"),
    **dict.fromkeys(("list_filter", "array_filter", "filter"), "list(x) FILTER (WHERE x > 1)"),
    **dict.fromkeys(("list_aggregate", "list_aggr", "array_aggregate", "list_reduce", "reduce", "list_sum", "list_max", "list_min",
                     "list_avg", "list_count"), "max(x)"),
    **dict.fromkeys(("list_zip", "map", "map_from_entries", "map_entries", "element_at", "row", "struct", "struct_pack",
                     "list_value", "list_pack", "array_value"), "string_agg(x, ',')"),
    **dict.fromkeys(("to_json", "json_object", "json_array", "json_extract", "json_extract_string", "json_value", "row_to_json"),
                    "concat_ws(',', a, b)"),
    "columns": "SELECT * EXCLUDE (a) FROM t",
    **dict.fromkeys(("typeof", "stats", "alias", "pg_typeof"), "CAST(x AS VARCHAR)"),
    "error": "CASE WHEN x IS NULL THEN 1 END",
    "try": "TRY_CAST(x AS INTEGER)",
}  # fmt: skip
"""Function, as it may be written → what to write."""

NODES: dict[str, str] = {
    "struct": "SELECT a, b FROM t",
    "pivot": "SELECT pid, max(CASE WHEN k = 'a' THEN v END) AS a FROM t GROUP BY pid",
    "table pivots": "SELECT pid, max(CASE WHEN k = 'a' THEN v END) AS a FROM t GROUP BY pid",
    "subquery pivots": "SELECT pid, max(CASE WHEN k = 'a' THEN v END) AS a FROM t GROUP BY pid",
    "table sample": "SELECT pid FROM t WHERE pid % 10 = 3",
    "select sample": "SELECT pid FROM t WHERE pid % 10 = 3",
    "subquery sample": "SELECT pid FROM t WHERE pid % 10 = 3",
    "with recursive": "FROM range(2018, 2023) AS y(y)",
    "lateral": "SELECT (SELECT max(v) FROM u WHERE u.pid = t.pid) AS v FROM t",
    "select laterals": "SELECT (SELECT max(v) FROM u WHERE u.pid = t.pid) AS v FROM t",
    "natural join": "JOIN u USING (pid)",
    "positional join": "JOIN u USING (pid)",
    "glob": "starts_with(x, 'E1')",
    "limit expression": "LIMIT 100",
    "limit limit options": "LIMIT 100",
    "at time zone": "d + INTERVAL 9 HOUR",
    "collate": "upper(x)",
    "bracket": "list_extract(l, 1)",
    "list": "quantile_cont(x, [0.25, 0.75])",
    "lambda": "CASE WHEN x > 1 THEN 1 ELSE 0 END",
    "bitwise or": "a + b",
    "bitwise xor": "a <> b",
    "is": "(x) IS TRUE",
    "table joins": "SELECT t.v FROM t LEFT JOIN (SELECT u.pid FROM u JOIN w USING (pid)) AS x USING (pid)",
    "table alias columns": "SELECT c FROM (SELECT a FROM t) AS x(c)",
    "catalog": "ndb.rcpt",
    "into": "WITH x AS (SELECT 1 AS a) SELECT a FROM x",
    "select into": "WITH x AS (SELECT 1 AS a) SELECT a FROM x",
}
"""Node, as a refusal names it → what to write."""


def for_function(name: str) -> str:
    return FUNCTIONS.get(name.lower(), NONE)


def for_node(name: str) -> str:
    return NODES.get(name, NONE)
