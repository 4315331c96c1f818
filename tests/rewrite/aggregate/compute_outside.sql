-- case: plain aggregates stay where they are
-- form: table
SELECT smoker, count(*) AS n, avg(bmi) AS m FROM p GROUP BY smoker
-- becomes
SELECT "p"."smoker" AS "smoker", COUNT(*) AS "n", AVG("p"."bmi") AS "m", COUNT(DISTINCT "p"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", COUNT(DISTINCT "p"."pid") FILTER(WHERE NOT "p"."bmi" IS NULL AND ("p"."bmi") <> 0) AS "_enclave_a2_persons", COUNT(DISTINCT "p"."pid") FILTER(WHERE NOT COALESCE((NOT "p"."bmi" IS NULL AND ("p"."bmi") <> 0), FALSE)) AS "_enclave_a2_rest", COUNT(DISTINCT "p"."bmi") AS "_enclave_a2_different", COUNT("p"."bmi") AS "_enclave_a2_records", MIN(TRY_CAST(("p"."bmi") AS DOUBLE)) AS "_enclave_a2_low", MAX(TRY_CAST(("p"."bmi") AS DOUBLE)) AS "_enclave_a2_high", SUM(TRY_CAST(("p"."bmi") AS DOUBLE)) AS "_enclave_a2_total" FROM "reg"."p" AS "p" GROUP BY "p"."smoker"

-- case: a share is computed around the statement, of the column that is there
-- form: table
SELECT smoker, count(*) AS n, 100.0 * sum(status) / count(*) AS pct FROM p GROUP BY smoker
-- becomes
SELECT "smoker", "n", TRY(100.0 * "_enclave_a2" / "n") AS "pct", "_enclave_persons", "_enclave_records", "_enclave_a2", "_enclave_a2_persons", "_enclave_a2_rest", "_enclave_a2_different", "_enclave_a2_records", "_enclave_a2_low", "_enclave_a2_high", "_enclave_a2_total" FROM (SELECT "p"."smoker" AS "smoker", COUNT(*) AS "n", COUNT(DISTINCT "p"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", SUM("p"."status") AS "_enclave_a2", COUNT(DISTINCT "p"."pid") FILTER(WHERE NOT "p"."status" IS NULL AND ("p"."status") <> 0) AS "_enclave_a2_persons", COUNT(DISTINCT "p"."pid") FILTER(WHERE NOT COALESCE((NOT "p"."status" IS NULL AND ("p"."status") <> 0), FALSE)) AS "_enclave_a2_rest", COUNT(DISTINCT "p"."status") AS "_enclave_a2_different", COUNT("p"."status") AS "_enclave_a2_records", MIN(TRY_CAST(("p"."status") AS DOUBLE)) AS "_enclave_a2_low", MAX(TRY_CAST(("p"."status") AS DOUBLE)) AS "_enclave_a2_high", SUM(TRY_CAST(("p"."status") AS DOUBLE)) AS "_enclave_a2_total" FROM "reg"."p" AS "p" GROUP BY "p"."smoker") AS "answered"

-- case: a name of the list stands for its expression
-- form: table
SELECT count(*) AS n, sum(status) AS d, d / n AS share FROM p
-- becomes
SELECT "n", "d", TRY("d" / "n") AS "share", "_enclave_persons", "_enclave_records", "_enclave_a2_persons", "_enclave_a2_rest", "_enclave_a2_different", "_enclave_a2_records", "_enclave_a2_low", "_enclave_a2_high", "_enclave_a2_total" FROM (SELECT COUNT(*) AS "n", SUM("p"."status") AS "d", COUNT(DISTINCT "p"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", COUNT(DISTINCT "p"."pid") FILTER(WHERE NOT "p"."status" IS NULL AND ("p"."status") <> 0) AS "_enclave_a2_persons", COUNT(DISTINCT "p"."pid") FILTER(WHERE NOT COALESCE((NOT "p"."status" IS NULL AND ("p"."status") <> 0), FALSE)) AS "_enclave_a2_rest", COUNT(DISTINCT "p"."status") AS "_enclave_a2_different", COUNT("p"."status") AS "_enclave_a2_records", MIN(TRY_CAST(("p"."status") AS DOUBLE)) AS "_enclave_a2_low", MAX(TRY_CAST(("p"."status") AS DOUBLE)) AS "_enclave_a2_high", SUM(TRY_CAST(("p"."status") AS DOUBLE)) AS "_enclave_a2_total" FROM "reg"."p" AS "p") AS "answered"

-- case: with the key that it uses
-- form: table
SELECT age // 10 * 10 AS age10, count(*) / (age // 10 * 10 + 1) AS x FROM p GROUP BY 1
-- becomes
SELECT "age10", TRY("_enclave_a1" / ("age10" + 1)) AS "x", "_enclave_persons", "_enclave_records", "_enclave_a1" FROM (SELECT "p"."age" // 10 * 10 AS "age10", COUNT(DISTINCT "p"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", COUNT(*) AS "_enclave_a1" FROM "reg"."p" AS "p" GROUP BY "p"."age" // 10 * 10) AS "answered"

-- case: steps before it and the order of the answer
-- form: table
WITH f AS (SELECT pid, min(day) AS d FROM rx GROUP BY pid) SELECT year(d) AS y, 1.0 * count(DISTINCT pid) / 365 AS per_day FROM f GROUP BY ALL ORDER BY y
-- becomes
WITH "f" AS (SELECT "rx"."pid" AS "pid", MIN("rx"."day") AS "d" FROM "reg"."rx" AS "rx" GROUP BY "rx"."pid") SELECT "y", TRY(1.0 * "_enclave_a1" / 365) AS "per_day", "_enclave_persons", "_enclave_records", "_enclave_a1" FROM (SELECT YEAR("f"."d") AS "y", COUNT(DISTINCT "f"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", COUNT(DISTINCT "f"."pid") AS "_enclave_a1" FROM "f" AS "f" GROUP BY YEAR("f"."d")) AS "answered" ORDER BY "y"

-- case: what no value allows is missing (fails as asked)
-- form: table
SELECT smoker, ln(count(*) FILTER (bmi > 1000)) AS x FROM p GROUP BY smoker
-- becomes
SELECT "smoker", TRY(LN("_enclave_a1")) AS "x", "_enclave_persons", "_enclave_records", "_enclave_a1", "_enclave_a1_persons", "_enclave_a1_rest" FROM (SELECT "p"."smoker" AS "smoker", COUNT(DISTINCT "p"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", COUNT(*) FILTER(WHERE "p"."bmi" > 1000) AS "_enclave_a1", COUNT(DISTINCT "p"."pid") FILTER(WHERE "p"."bmi" > 1000) AS "_enclave_a1_persons", COUNT(DISTINCT "p"."pid") FILTER(WHERE NOT COALESCE(("p"."bmi" > 1000), FALSE)) AS "_enclave_a1_rest" FROM "reg"."p" AS "p" GROUP BY "p"."smoker") AS "answered"

-- case: which total a line is, by the evidence of the keys
-- form: table
SELECT smoker, status, grouping(smoker, status) AS level, CASE WHEN grouping(status) = 1 THEN count(*) END AS t FROM p GROUP BY CUBE (smoker, status)
-- becomes
SELECT "smoker", "status", TRY((0 + "_enclave_g2" * 1 + "_enclave_g1" * 2)) AS "level", TRY(CASE WHEN (0 + "_enclave_g2" * 1) = 1 THEN "_enclave_a1" END) AS "t", "_enclave_persons", "_enclave_records", "_enclave_a1", "_enclave_g1", "_enclave_g2" FROM (SELECT "p"."smoker" AS "smoker", "p"."status" AS "status", COUNT(DISTINCT "p"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", COUNT(*) AS "_enclave_a1", GROUPING("p"."smoker") AS "_enclave_g1", GROUPING("p"."status") AS "_enclave_g2" FROM "reg"."p" AS "p" GROUP BY CUBE ("p"."smoker", "p"."status")) AS "answered"

-- case: without totals every line is of the same level
-- form: table
SELECT smoker, grouping(smoker) AS level, count(*) AS n FROM p GROUP BY smoker
-- becomes
SELECT "smoker", TRY((0)) AS "level", "n", "_enclave_persons", "_enclave_records" FROM (SELECT "p"."smoker" AS "smoker", COUNT(*) AS "n", COUNT(DISTINCT "p"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records" FROM "reg"."p" AS "p" GROUP BY "p"."smoker") AS "answered"
