-- case: columns, comparisons and cases fail on nothing
-- form: table
SELECT smoker, count(*) AS n, count(*) FILTER (CASE WHEN bmi > 25 THEN status = 1 ELSE false END) AS d FROM p WHERE age BETWEEN 40 AND 79 AND NOT bmi IS NULL GROUP BY smoker
-- becomes
SELECT "p"."smoker" AS "smoker", COUNT(*) AS "n", COUNT(*) FILTER(WHERE CASE WHEN "p"."bmi" > 25 THEN "p"."status" = 1 ELSE FALSE END) AS "d" FROM "reg"."p" AS "p" WHERE "p"."age" BETWEEN 40 AND 79 AND NOT "p"."bmi" IS NULL GROUP BY "p"."smoker"

-- case: a logarithm of nothing is missing (fails as asked)
-- form: table
SELECT smoker, count(*) AS n, sum(ln(status)) AS s FROM p GROUP BY smoker
-- becomes
SELECT "p"."smoker" AS "smoker", COUNT(*) AS "n", SUM(TRY(LN("p"."status"))) AS "s" FROM "reg"."p" AS "p" GROUP BY "p"."smoker"

-- case: a cast in a condition, part by part (fails as asked)
-- form: table
SELECT count(*) AS n FROM p WHERE age > 40 AND CAST(CASE WHEN status = 1 THEN 'x' ELSE '1' END AS INTEGER) = 1
-- becomes
SELECT COUNT(*) AS "n" FROM "reg"."p" AS "p" WHERE "p"."age" > 40 AND TRY(CAST(CASE WHEN "p"."status" = 1 THEN 'x' ELSE '1' END AS INT)) = 1

-- case: what is missing where something fails is looked at outside (fails as asked)
-- form: table
SELECT count(*) AS n FROM p WHERE ln(status) IS NULL
-- becomes
SELECT COUNT(*) AS "n" FROM "reg"."p" AS "p" WHERE TRY(LN("p"."status")) IS NULL

-- case: a key and its place in GROUP BY alike
-- form: table
SELECT floor(bmi / 5) * 5 AS bmi5, count(*) AS n FROM p GROUP BY floor(bmi / 5) * 5
-- becomes
SELECT TRY(FLOOR("p"."bmi" / 5) * 5) AS "bmi5", COUNT(*) AS "n" FROM "reg"."p" AS "p" GROUP BY TRY(FLOOR("p"."bmi" / 5) * 5)

-- case: keys of totals
-- form: table
SELECT bmi // 10 AS b, smoker, count(*) AS n FROM p GROUP BY ROLLUP (bmi // 10, smoker)
-- becomes
SELECT TRY("p"."bmi" // 10) AS "b", "p"."smoker" AS "smoker", COUNT(*) AS "n" FROM "reg"."p" AS "p" GROUP BY ROLLUP (TRY("p"."bmi" // 10), "p"."smoker")

-- case: a join stays a join; what stands beside it is tried
-- form: table
SELECT count(*) AS n FROM p JOIN rx ON rx.pid = p.pid AND year(rx.day) - 2000 > p.bmi / 2
-- becomes
SELECT COUNT(*) AS "n" FROM "reg"."p" AS "p" JOIN "reg"."rx" AS "rx" ON "rx"."pid" = "p"."pid" AND TRY(YEAR("rx"."day") - 2000) > TRY("p"."bmi" / 2)

-- case: within a window, not the window
-- form: table
WITH u AS (SELECT pid, sum(sqrt(points)) OVER (PARTITION BY pid ORDER BY ym) AS s FROM claim) SELECT s > 100 AS k, count(*) AS n FROM u GROUP BY ALL
-- becomes
WITH "u" AS (SELECT "claim"."pid" AS "pid", SUM(TRY(SQRT("claim"."points"))) OVER (PARTITION BY "claim"."pid" ORDER BY "claim"."ym") AS "s" FROM "reg"."claim" AS "claim") SELECT "u"."s" > 100 AS "k", COUNT(*) AS "n" FROM "u" AS "u" GROUP BY ALL

-- case: within an aggregate, its filter and its order
-- form: table
WITH u AS (SELECT pid, first(drug ORDER BY month(day), day, drug) AS f, sum(1 / month(day)) FILTER (1 / day(day) > 0.1) AS s FROM rx GROUP BY pid) SELECT f, s > 0.2 AS k, count(*) AS n FROM u GROUP BY ALL
-- becomes
WITH "u" AS (SELECT "rx"."pid" AS "pid", FIRST("rx"."drug" ORDER BY TRY(MONTH("rx"."day")), "rx"."day", "rx"."drug") AS "f", SUM(TRY(1 / MONTH("rx"."day"))) FILTER(WHERE TRY(1 / DAY("rx"."day")) > 0.1) AS "s" FROM "reg"."rx" AS "rx" GROUP BY "rx"."pid") SELECT "u"."f" AS "f", "u"."s" > 0.2 AS "k", COUNT(*) AS "n" FROM "u" AS "u" GROUP BY ALL

-- case: a condition over groups of a step
-- form: table
WITH u AS (SELECT pid FROM claim GROUP BY pid HAVING avg(100 / points) > 0.05) SELECT count(*) AS n FROM u
-- becomes
WITH "u" AS (SELECT "claim"."pid" AS "pid" FROM "reg"."claim" AS "claim" GROUP BY "claim"."pid" HAVING AVG(TRY(100 / "claim"."points")) > 0.05) SELECT COUNT(*) AS "n" FROM "u" AS "u"

-- case: a subquery is a statement of its own
-- form: table
SELECT count(*) AS n FROM p WHERE EXISTS (SELECT 1 FROM rx WHERE rx.pid = p.pid AND 7 / dayofweek(rx.day) > 1)
-- becomes
SELECT COUNT(*) AS "n" FROM "reg"."p" AS "p" WHERE EXISTS(SELECT 1 AS "1" FROM "reg"."rx" AS "rx" WHERE "rx"."pid" = "p"."pid" AND TRY(7 / DAYOFWEEK("rx"."day")) > 1)

-- case: the first of equals by what is known, too
-- form: table
WITH u AS (SELECT pid, points, row_number() OVER (PARTITION BY pid ORDER BY ym) AS k FROM claim) SELECT k, count(*) AS n FROM u GROUP BY ALL
-- becomes
WITH "u" AS (SELECT "claim"."pid" AS "pid", "claim"."points" AS "points", ROW_NUMBER() OVER (PARTITION BY "claim"."pid" ORDER BY "claim"."ym", "claim"."pid", "claim"."points") AS "k" FROM "reg"."claim" AS "claim") SELECT "u"."k" AS "k", COUNT(*) AS "n" FROM "u" AS "u" GROUP BY ALL
