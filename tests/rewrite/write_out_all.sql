-- case: keys in the order of the columns, aggregates and constants left out
-- form: rows
SELECT age // 10 AS d, 'x' AS label, count(*) AS n, male, sum(status) / count(*) AS share FROM patients GROUP BY ALL ORDER BY ALL DESC NULLS LAST
-- becomes
SELECT "patients"."age" // 10 AS "d", 'x' AS "label", COUNT(*) AS "n", "patients"."male" AS "male", SUM("patients"."status") / COUNT(*) AS "share" FROM "nafld"."patients" AS "patients" GROUP BY "patients"."age" // 10, "patients"."male" ORDER BY 1 DESC, 2 DESC, 3 DESC, 4 DESC, 5 DESC

-- case: within a step, with a window over the groups and a subquery as a key
-- form: rows
WITH a AS (SELECT pid, max(days) AS d FROM events GROUP BY ALL) SELECT (SELECT max(band) FROM area.bands b WHERE b.age_from = a.d % 5 * 5 + 15) AS band, count(*) AS n, sum(count(*)) OVER () AS total FROM a GROUP BY ALL
-- becomes
WITH "a" AS (SELECT "events"."pid" AS "pid", MAX("events"."days") AS "d" FROM "nafld"."events" AS "events" GROUP BY "events"."pid") SELECT (SELECT MAX("b"."band") AS "_col_0" FROM "area"."bands" AS "b" WHERE "b"."age_from" = "a"."d" % 5 * 5 + 15) AS "band", COUNT(*) AS "n", SUM(COUNT(*)) OVER () AS "total" FROM "a" AS "a" GROUP BY (SELECT MAX("b"."band") AS "_col_0" FROM "area"."bands" AS "b" WHERE "b"."age_from" = "a"."d" % 5 * 5 + 15)

-- case: nothing but a constant and an aggregate, over no rows
-- form: rows
SELECT 'none' AS label, count(*) AS n FROM patients WHERE age > 1000 GROUP BY ALL
-- becomes
SELECT 'none' AS "label", COUNT(*) AS "n" FROM "nafld"."patients" AS "patients" WHERE "patients"."age" > 1000

-- case: nothing but an aggregate, over no rows
-- form: rows
SELECT count(*) AS n FROM patients WHERE age > 1000 GROUP BY ALL
-- becomes
SELECT COUNT(*) AS "n" FROM "nafld"."patients" AS "patients" WHERE "patients"."age" > 1000

-- case: no aggregate at all
-- form: rows
SELECT age, male FROM patients GROUP BY ALL
-- becomes
SELECT "patients"."age" AS "age", "patients"."male" AS "male" FROM "nafld"."patients" AS "patients" GROUP BY "patients"."age", "patients"."male"

-- case: the order of a union
-- form: rows
SELECT age FROM patients UNION SELECT days FROM events ORDER BY ALL
-- becomes
SELECT "patients"."age" AS "age" FROM "nafld"."patients" AS "patients" UNION SELECT "events"."days" AS "days" FROM "nafld"."events" AS "events" ORDER BY 1

-- case: inside a table
-- form: table
WITH d AS (SELECT pid, age // 10 AS d FROM patients GROUP BY ALL) SELECT d, count(*) AS n FROM d GROUP BY d
-- becomes
WITH "d" AS (SELECT "patients"."pid" AS "pid", "patients"."age" // 10 AS "d" FROM "nafld"."patients" AS "patients" GROUP BY "patients"."pid", "patients"."age" // 10) SELECT "d"."d" AS "d", COUNT(*) AS "n" FROM "d" AS "d" GROUP BY "d"."d"
