"""The closed grammar: which node types, which of their parts, and which functions a question may use.

Everything that is not listed is refused (`query.node`, `query.function`): the engine has some 1,000 functions and a
statement for every occasion, so a deny-list is never complete (THREATS, SQL by class). Types are compared exactly,
not by inheritance, so that a new subclass in the parser's next version starts out refused.

Function names are the engine's; `policies/grammar/data.yaml` holds the same names for the policy, and a test keeps
the two equal. Left out on purpose: functions that read the clock, chance, settings, files or the catalogue; that
raise texts of the caller's making (`error`); that run SQL from strings; that hash or pack whole rows.
"""

from sqlglot import exp

# -- functions --------------------------------------------------------------------------------------------------------

SCALARS: dict[type[exp.Expr], str] = {
    exp.Abs: "abs", exp.Ceil: "ceil", exp.Floor: "floor", exp.Round: "round", exp.Trunc: "trunc", exp.Sign: "sign",
    exp.Sqrt: "sqrt", exp.Cbrt: "cbrt", exp.Ln: "ln", exp.Log: "log", exp.Exp: "exp", exp.Pow: "power",
    exp.Sin: "sin", exp.Cos: "cos", exp.Tan: "tan", exp.Asin: "asin", exp.Acos: "acos", exp.Atan: "atan",
    exp.Atan2: "atan2", exp.Pi: "pi", exp.Factorial: "factorial",
    exp.Degrees: "degrees", exp.Radians: "radians", exp.IsNan: "isnan", exp.IsInf: "isinf",
    exp.Greatest: "greatest", exp.Least: "least", exp.Coalesce: "coalesce", exp.Nullif: "nullif", exp.If: "if",
    exp.Substring: "substring", exp.Left: "left", exp.Right: "right", exp.Lower: "lower", exp.Upper: "upper",
    exp.Trim: "trim", exp.Length: "length", exp.Replace: "replace", exp.Translate: "translate",
    exp.Concat: "concat", exp.ConcatWs: "concat_ws", exp.Reverse: "reverse", exp.Pad: "lpad",
    exp.StartsWith: "starts_with", exp.EndsWith: "ends_with", exp.Contains: "contains", exp.StrPosition: "strpos",
    exp.SplitPart: "split_part", exp.Split: "string_split", exp.Levenshtein: "levenshtein",
    exp.JarowinklerSimilarity: "jaro_winkler_similarity",
    exp.RegexpLike: "regexp_matches", exp.RegexpFullMatch: "regexp_full_match",
    exp.RegexpExtract: "regexp_extract", exp.RegexpReplace: "regexp_replace",
    exp.DateDiff: "date_diff", exp.TimestampTrunc: "date_trunc", exp.DateTrunc: "date_trunc", exp.Extract: "extract",
    exp.Year: "year", exp.Month: "month", exp.Day: "day", exp.DayOfMonth: "dayofmonth", exp.Quarter: "quarter",
    exp.Week: "week", exp.WeekOfYear: "weekofyear", exp.DayOfWeek: "dayofweek", exp.DayOfWeekIso: "isodow",
    exp.DayOfYear: "dayofyear", exp.Hour: "hour", exp.Minute: "minute", exp.DateFromParts: "make_date",
    exp.LastDay: "last_day", exp.TimeToStr: "strftime", exp.StrToTime: "strptime", exp.DateAdd: "date_add",
    exp.DateBin: "time_bucket", exp.Date: "date", exp.Monthname: "monthname", exp.Dayname: "dayname",
    exp.ToDays: "to_days", exp.Second: "second", exp.TimeToUnix: "epoch", exp.TimestampFromParts: "make_timestamp",
    exp.ArrayContains: "list_contains", exp.ArrayOverlaps: "list_has_any", exp.ArrayDistinct: "list_distinct",
    exp.ArraySort: "list_sort", exp.ArrayToString: "array_to_string",
}  # fmt: skip

SCALAR_NAMES = frozenset(
    [
        "prefix",
        "suffix",
        "date_sub",
        "datesub",
        "date_part",
        "isoyear",
        "yearweek",
        "weekday",
        "try_strptime",
        "age",
        "to_months",
        "to_years",
        "isfinite",
        "strip_accents",
        "nfc_normalize",
        "damerau_levenshtein",
        "jaccard",
        "jaro_similarity",
        "hamming",
        "lgamma",
        "gamma",
        "fdiv",
        "fmod",
        "datepart",
        "decade",
        "century",
        "julian",
        "to_weeks",
        "to_hours",
        "to_minutes",
        "to_seconds",
        "list_has_all",
        "list_position",
        "list_extract",
    ]
)
"""Functions that the parser knows by name only."""

AGGREGATES: dict[type[exp.Expr], str] = {
    exp.Count: "count", exp.CountIf: "count_if", exp.Sum: "sum", exp.Avg: "avg", exp.Min: "min", exp.Max: "max",
    exp.ArgMin: "arg_min", exp.ArgMax: "arg_max", exp.AnyValue: "any_value", exp.First: "first", exp.Last: "last",
    exp.Median: "median", exp.Quantile: "quantile", exp.PercentileCont: "quantile_cont",
    exp.PercentileDisc: "quantile_disc", exp.Mode: "mode",
    exp.Stddev: "stddev", exp.StddevSamp: "stddev_samp", exp.StddevPop: "stddev_pop",
    exp.Variance: "variance", exp.VariancePop: "var_pop",
    exp.Corr: "corr", exp.CovarSamp: "covar_samp", exp.CovarPop: "covar_pop", exp.RegrSlope: "regr_slope",
    exp.RegrIntercept: "regr_intercept", exp.RegrR2: "regr_r2", exp.RegrCount: "regr_count",
    exp.RegrAvgx: "regr_avgx", exp.RegrAvgy: "regr_avgy", exp.RegrSxx: "regr_sxx", exp.RegrSxy: "regr_sxy",
    exp.RegrSyy: "regr_syy",
    exp.Skewness: "skewness", exp.Kurtosis: "kurtosis",
    exp.GroupConcat: "string_agg", exp.ArrayAgg: "list", exp.LogicalAnd: "bool_and", exp.LogicalOr: "bool_or",
    exp.Grouping: "grouping",
}  # fmt: skip

AGGREGATE_NAMES = frozenset({"mean", "sem", "mad", "geomean", "geometric_mean"})

WINDOWS: dict[type[exp.Expr], str] = {
    exp.RowNumber: "row_number", exp.Rank: "rank", exp.DenseRank: "dense_rank", exp.PercentRank: "percent_rank",
    exp.CumeDist: "cume_dist", exp.Ntile: "ntile", exp.Lag: "lag", exp.Lead: "lead",
    exp.FirstValue: "first_value", exp.LastValue: "last_value", exp.NthValue: "nth_value",
}  # fmt: skip

TABLE_AGGREGATES: dict[type[exp.Expr], str] = {
    exp.Count: "count", exp.CountIf: "count", exp.Sum: "sum", exp.Avg: "avg",
    exp.Stddev: "variance", exp.StddevSamp: "variance", exp.StddevPop: "variance",
    exp.Variance: "variance", exp.VariancePop: "variance",
}  # fmt: skip
"""Aggregates that may make a cell, with the kind of protection they need. A minimum, a median or a list is one
person's value, however many persons stand behind the cell; they stay in the record tier's rows."""

FUNCTIONS: dict[type[exp.Expr], str] = {**SCALARS, **AGGREGATES, **WINDOWS}
FUNCTION_NAMES = SCALAR_NAMES | AGGREGATE_NAMES
ALL_NAMES = frozenset(FUNCTIONS.values()) | FUNCTION_NAMES | {"cast", "case"}
"""Every name that `Facts.functions` can hold."""

# -- node types and their parts ----------------------------------------------------------------------------------------

_SELECT = frozenset(
    [
        "with_",
        "expressions",
        "from_",
        "joins",
        "where",
        "group",
        "having",
        "qualify",
        "windows",
        "distinct",
        "order",
        "limit",
        "offset",
        "kind",
    ]
)
_SET = frozenset(["with_", "this", "expression", "distinct", "by_name", "order", "limit", "offset"])

NODES: dict[type[exp.Expr], frozenset[str]] = {
    # statements
    exp.Select: _SELECT - {"kind"},
    exp.Union: _SET, exp.Except: _SET, exp.Intersect: _SET,
    exp.Subquery: frozenset({"this", "alias", "with_", "joins", "order", "limit", "offset"}),
    exp.With: frozenset({"expressions"}),
    exp.CTE: frozenset({"this", "alias", "materialized"}),
    exp.From: frozenset({"this"}),
    exp.Join: frozenset({"this", "on", "using", "side", "kind", "method"}),
    exp.Table: frozenset({"this", "db", "alias"}),
    exp.TableAlias: frozenset({"this", "columns"}),
    exp.Where: frozenset({"this"}), exp.Having: frozenset({"this"}), exp.Qualify: frozenset({"this"}),
    exp.Group: frozenset({"expressions", "all", "rollup", "cube", "grouping_sets"}),
    exp.Rollup: frozenset({"expressions"}), exp.Cube: frozenset({"expressions"}),
    exp.GroupingSets: frozenset({"expressions"}),
    exp.Order: frozenset({"this", "expressions"}),
    exp.Ordered: frozenset({"this", "desc", "nulls_first"}),
    exp.Limit: frozenset({"expression"}), exp.Offset: frozenset({"expression"}),
    exp.Distinct: frozenset({"expressions", "on"}),
    exp.Values: frozenset({"expressions", "alias"}),
    # names and literals
    exp.Alias: frozenset({"this", "alias"}),
    exp.Column: frozenset({"this", "table", "db"}),
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Star: frozenset({"except_", "replace", "rename"}),
    exp.Literal: frozenset({"this", "is_string"}), exp.RawString: frozenset({"this"}),
    exp.Boolean: frozenset({"this"}), exp.Null: frozenset(),
    exp.Interval: frozenset({"this", "unit"}), exp.Var: frozenset({"this"}),
    exp.Tuple: frozenset({"expressions"}), exp.Paren: frozenset({"this"}),
    exp.Placeholder: frozenset({"this"}),
    # conditions and arithmetic
    **{
        kind: frozenset({"this", "expression", "typed", "safe"})
        for kind in (
            exp.And, exp.Or, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ,
            exp.Is, exp.Like, exp.ILike, exp.SimilarTo, exp.Escape,
            exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.DPipe,
            exp.BitwiseAnd,
        )
    },
    exp.Not: frozenset({"this"}), exp.Neg: frozenset({"this"}),
    exp.Between: frozenset({"this", "low", "high"}),
    exp.In: frozenset({"this", "expressions", "query"}),
    exp.Exists: frozenset({"this"}), exp.Any: frozenset({"this"}), exp.All: frozenset({"this"}),
    exp.Array: frozenset({"expressions"}), exp.Bracket: frozenset({"this", "expressions", "offset"}),
    exp.Slice: frozenset({"this", "expression"}),
    exp.Case: frozenset({"this", "ifs", "default"}),
    exp.Cast: frozenset({"this", "to"}), exp.TryCast: frozenset({"this", "to", "safe", "requires_string"}),
    exp.DataType: frozenset({"this", "expressions", "nested"}), exp.DataTypeParam: frozenset({"this"}),
    # aggregates and windows
    exp.Filter: frozenset({"this", "expression"}),
    exp.WithinGroup: frozenset({"this", "expression"}),
    exp.IgnoreNulls: frozenset({"this"}), exp.RespectNulls: frozenset({"this"}),
    exp.Window: frozenset({"this", "partition_by", "order", "spec", "alias", "over", "first"}),
    exp.WindowSpec: frozenset({"kind", "start", "start_side", "end", "end_side", "exclude"}),
}  # fmt: skip
"""Node type → the parts that may be filled. A filled part that is not listed (a sample, a hint, a pivot, a lateral,
a lock, RECURSIVE) is refused as `query.node`."""

JOINS = frozenset({"", "INNER", "OUTER", "CROSS", "SEMI", "ANTI"})
SIDES = frozenset({"", "LEFT", "RIGHT", "FULL"})
METHODS = frozenset({"", "ASOF"})

TYPES = frozenset(
    {
        exp.DType.BOOLEAN, exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT, exp.DType.INT128,
        exp.DType.UTINYINT, exp.DType.USMALLINT, exp.DType.UINT, exp.DType.UBIGINT,
        exp.DType.FLOAT, exp.DType.DOUBLE, exp.DType.DECIMAL, exp.DType.VARCHAR, exp.DType.TEXT,
        exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ, exp.DType.TIME, exp.DType.INTERVAL,
    }
)  # fmt: skip
"""Types to cast to. Structs, lists, maps, JSON and enums would carry whole rows or texts of the engine's own."""

MOMENTS = frozenset({exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ})

# -- limits -----------------------------------------------------------------------------------------------------------

MAX_BYTES = 65_536
MAX_TOKENS = 20_000
MAX_DEPTH = 60
"""Nested brackets; a research question nests under twenty."""
MAX_LISTS = 200
"""Square brackets; `a[1][1]…` costs the parser a level each."""
MAX_LEVELS = 1_000
"""Levels of the parsed tree (`1+1+…` is as deep as it is long; a long OR list is not unusual)."""
MAX_JOINS = 32
MAX_QUERIES = 128
"""SELECTs in one statement: CTEs, subqueries, branches of set operations."""
MAX_COLUMNS = 1_000
MAX_LIST = 10_000
"""Entries of an IN list, and rows of constants."""
MAX_PAD = 4_096
"""Characters that a text may be filled up to: `lpad(x, 1e9)` is a text of a gigabyte (THREATS 43)."""
