-- case: of several values any is the smallest
-- form: table
WITH u AS (SELECT pid, any_value(icd) AS d FROM dx GROUP BY pid) SELECT d, count(*) AS n FROM u GROUP BY ALL
-- becomes
WITH "u" AS (SELECT "dx"."pid" AS "pid", MIN("dx"."icd") AS "d" FROM "reg"."dx" AS "dx" GROUP BY "dx"."pid") SELECT "u"."d" AS "d", COUNT(*) AS "n" FROM "u" AS "u" GROUP BY ALL

-- case: any value of an ordered one, and with nulls left out
-- form: table
WITH u AS (SELECT pid, any_value(icd ORDER BY day) AS d, any_value(icd) FILTER (icd <> 'E11') AS e FROM dx GROUP BY pid) SELECT d, e, count(*) AS n FROM u GROUP BY ALL
-- becomes
WITH "u" AS (SELECT "dx"."pid" AS "pid", MIN("dx"."icd") AS "d", MIN("dx"."icd") FILTER(WHERE "dx"."icd" <> 'E11') AS "e" FROM "reg"."dx" AS "dx" GROUP BY "dx"."pid") SELECT "u"."d" AS "d", "u"."e" AS "e", COUNT(*) AS "n" FROM "u" AS "u" GROUP BY ALL

-- case: the last of a day's drugs is the last by the drug
-- form: table
WITH u AS (SELECT pid, last(drug ORDER BY day) AS d FROM rx GROUP BY pid) SELECT d, count(*) AS n FROM u GROUP BY ALL
-- becomes
WITH "u" AS (SELECT "rx"."pid" AS "pid", LAST("rx"."drug" ORDER BY "rx"."day", "rx"."drug") AS "d" FROM "reg"."rx" AS "rx" GROUP BY "rx"."pid") SELECT "u"."d" AS "d", COUNT(*) AS "n" FROM "u" AS "u" GROUP BY ALL

-- case: the first without an order is the smallest
-- form: table
WITH u AS (SELECT pid, first(drug) AS d FROM rx GROUP BY pid) SELECT d, count(*) AS n FROM u GROUP BY ALL
-- becomes
WITH "u" AS (SELECT "rx"."pid" AS "pid", FIRST("rx"."drug" ORDER BY "rx"."drug") AS "d" FROM "reg"."rx" AS "rx" GROUP BY "rx"."pid") SELECT "u"."d" AS "d", COUNT(*) AS "n" FROM "u" AS "u" GROUP BY ALL

-- case: the most frequent, the one at the least, and a text of all
-- form: table
WITH u AS (SELECT pid, mode(drug) AS m, arg_min(drug, day) AS f, string_agg(drug, ',') AS t FROM rx GROUP BY pid) SELECT m, f, t, count(*) AS n FROM u GROUP BY ALL
-- becomes
WITH "u" AS (SELECT "rx"."pid" AS "pid", MODE("rx"."drug" ORDER BY "rx"."drug") AS "m", ARG_MIN("rx"."drug", "rx"."day" ORDER BY "rx"."drug") AS "f", LISTAGG("rx"."drug", ',' ORDER BY "rx"."drug") AS "t" FROM "reg"."rx" AS "rx" GROUP BY "rx"."pid") SELECT "u"."m" AS "m", "u"."f" AS "f", "u"."t" AS "t", COUNT(*) AS "n" FROM "u" AS "u" GROUP BY ALL

-- case: rows numbered by an order that leaves ties, completed by what is not known
-- form: table
WITH u AS (SELECT pid, drug, row_number() OVER (PARTITION BY pid ORDER BY day) AS k FROM rx) SELECT k, drug, count(*) AS n FROM u GROUP BY ALL
-- becomes
WITH "u" AS (SELECT "rx"."pid" AS "pid", "rx"."drug" AS "drug", ROW_NUMBER() OVER (PARTITION BY "rx"."pid" ORDER BY "rx"."day", "rx"."drug") AS "k" FROM "reg"."rx" AS "rx") SELECT "u"."k" AS "k", "u"."drug" AS "drug", COUNT(*) AS "n" FROM "u" AS "u" GROUP BY ALL

-- case: known columns complete nothing
-- form: table
WITH u AS (SELECT pid, points, row_number() OVER (PARTITION BY pid ORDER BY ym) AS k, age FROM claim) SELECT k, count(*) AS n, sum(points) AS s FROM u WHERE age >= 65 GROUP BY ALL
-- becomes
WITH "u" AS (SELECT "claim"."pid" AS "pid", "claim"."points" AS "points", ROW_NUMBER() OVER (PARTITION BY "claim"."pid" ORDER BY "claim"."ym", "claim"."points") AS "k", "claim"."age" AS "age" FROM "reg"."claim" AS "claim") SELECT "u"."k" AS "k", COUNT(*) AS "n", SUM("u"."points" ORDER BY "u"."points") AS "s" FROM "u" AS "u" WHERE "u"."age" >= 65 GROUP BY ALL

-- case: equal ranks are alike and stay
-- form: table
WITH u AS (SELECT pid, drug, rank() OVER (PARTITION BY pid ORDER BY day) AS k FROM rx) SELECT k, count(*) AS n FROM u GROUP BY ALL
-- becomes
WITH "u" AS (SELECT "rx"."pid" AS "pid", "rx"."drug" AS "drug", RANK() OVER (PARTITION BY "rx"."pid" ORDER BY "rx"."day") AS "k" FROM "reg"."rx" AS "rx") SELECT "u"."k" AS "k", COUNT(*) AS "n" FROM "u" AS "u" GROUP BY ALL

-- case: a frame of rows is completed, one of values is not
-- form: table
WITH u AS (SELECT pid, sum(points) OVER (PARTITION BY pid ORDER BY ym ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS a, sum(points) OVER (PARTITION BY pid ORDER BY ym RANGE BETWEEN INTERVAL 1 YEAR PRECEDING AND CURRENT ROW) AS b FROM claim) SELECT a > b AS c, count(*) AS n FROM u GROUP BY ALL
-- becomes
WITH "u" AS (SELECT "claim"."pid" AS "pid", SUM("claim"."points" ORDER BY "claim"."points") OVER (PARTITION BY "claim"."pid" ORDER BY "claim"."ym", "claim"."points" ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS "a", SUM("claim"."points" ORDER BY "claim"."points") OVER (PARTITION BY "claim"."pid" ORDER BY "claim"."ym" RANGE BETWEEN INTERVAL '1' YEAR PRECEDING AND CURRENT ROW) AS "b" FROM "reg"."claim" AS "claim") SELECT "u"."a" > "u"."b" AS "c", COUNT(*) AS "n" FROM "u" AS "u" GROUP BY ALL

-- case: a named window is written out and completed
-- form: table
WITH u AS (SELECT pid, drug, lag(drug) OVER w AS before FROM rx WINDOW w AS (PARTITION BY pid ORDER BY day)) SELECT before, drug, count(*) AS n FROM u GROUP BY ALL
-- becomes
WITH "u" AS (SELECT "rx"."pid" AS "pid", "rx"."drug" AS "drug", LAG("rx"."drug") OVER (PARTITION BY "rx"."pid" ORDER BY "rx"."day", "rx"."drug") AS "before" FROM "reg"."rx" AS "rx") SELECT "u"."before" AS "before", "u"."drug" AS "drug", COUNT(*) AS "n" FROM "u" AS "u" GROUP BY ALL

-- case: one row of each person, of equals by all that is read
-- form: table
WITH u AS (SELECT DISTINCT ON (pid) pid, drug FROM rx ORDER BY pid, day) SELECT drug, count(*) AS n FROM u GROUP BY ALL
-- becomes
WITH "u" AS (SELECT DISTINCT ON ("pid") "rx"."pid" AS "pid", "rx"."drug" AS "drug" FROM "reg"."rx" AS "rx" ORDER BY "pid", "rx"."day", "rx"."drug") SELECT "u"."drug" AS "drug", COUNT(*) AS "n" FROM "u" AS "u" GROUP BY ALL

-- case: sums of fractions are taken in the order of the numbers
-- form: table
SELECT smoker, sum(bmi) AS s, avg(bmi) AS m, stddev(bmi) AS d, count(*) AS n FROM p GROUP BY smoker
-- becomes
SELECT "p"."smoker" AS "smoker", SUM("p"."bmi" ORDER BY "p"."bmi") AS "s", AVG("p"."bmi" ORDER BY "p"."bmi") AS "m", STDDEV("p"."bmi" ORDER BY "p"."bmi") AS "d", COUNT(*) AS "n" FROM "reg"."p" AS "p" GROUP BY "p"."smoker"

-- case: of two columns by both
-- form: table
SELECT smoker, count(*) AS n FROM p WHERE (SELECT corr(c.points, c.points + 1) FROM claim c WHERE c.pid = p.pid) > 0 GROUP BY smoker
-- becomes
SELECT "p"."smoker" AS "smoker", COUNT(*) AS "n" FROM "reg"."p" AS "p" WHERE (SELECT CORR("c"."points", "c"."points" + 1 ORDER BY "c"."points", "c"."points" + 1) AS "_col_0" FROM "reg"."claim" AS "c" WHERE "c"."pid" = "p"."pid") > 0 GROUP BY "p"."smoker"

-- case: distinct numbers, and those of a filter
-- form: table
WITH u AS (SELECT pid, sum(DISTINCT points) AS s, sum(points) FILTER (points > 500) AS d FROM claim GROUP BY pid) SELECT s > d AS more, count(*) AS n FROM u GROUP BY ALL
-- becomes
WITH "u" AS (SELECT "claim"."pid" AS "pid", SUM(DISTINCT "claim"."points" ORDER BY "claim"."points") AS "s", SUM("claim"."points" ORDER BY "claim"."points") FILTER(WHERE "claim"."points" > 500) AS "d" FROM "reg"."claim" AS "claim" GROUP BY "claim"."pid") SELECT "u"."s" > "u"."d" AS "more", COUNT(*) AS "n" FROM "u" AS "u" GROUP BY ALL

-- case: a product may be too large for a sum of some rows
-- form: table
SELECT smoker, sum(status * 1000) AS s FROM p GROUP BY smoker
-- becomes
SELECT "p"."smoker" AS "smoker", SUM(CASE WHEN ABS("p"."status" * 1000) < CAST('1e+27' AS DOUBLE) THEN "p"."status" * 1000 END ORDER BY CASE WHEN ABS("p"."status" * 1000) < CAST('1e+27' AS DOUBLE) THEN "p"."status" * 1000 END) AS "s" FROM "reg"."p" AS "p" GROUP BY "p"."smoker"

-- case: an order within the statement is forgotten
-- form: table
WITH u AS (SELECT pid, day FROM rx ORDER BY day) SELECT year(day) AS y, count(*) AS n FROM u GROUP BY ALL
-- becomes
WITH "u" AS (SELECT "rx"."pid" AS "pid", "rx"."day" AS "day" FROM "reg"."rx" AS "rx") SELECT YEAR("u"."day") AS "y", COUNT(*) AS "n" FROM "u" AS "u" GROUP BY ALL

-- case: of several nearest rows one by a complete order
-- form: table
SELECT r.drug, d.icd, count(*) AS n FROM rx r ASOF JOIN dx d ON d.pid = r.pid AND r.day >= d.day GROUP BY ALL
-- becomes
SELECT "r"."drug" AS "drug", "d"."icd" AS "icd", COUNT(*) AS "n" FROM "reg"."rx" AS "r" ASOF JOIN (SELECT "d"."day" AS "day", "d"."icd" AS "icd", "d"."pid" AS "pid" FROM "reg"."dx" AS "d" QUALIFY ROW_NUMBER() OVER (PARTITION BY "d"."pid", "d"."day" ORDER BY "d"."icd") = 1) AS "d" ON "d"."pid" = "r"."pid" AND "r"."day" >= "d"."day" GROUP BY ALL

-- case: counts, least and greatest depend on no order
-- form: table
SELECT smoker, count(*) AS n, count(DISTINCT pid) AS p FROM p WHERE pid IN (SELECT pid FROM rx GROUP BY pid HAVING min(day) < max(day)) GROUP BY smoker
-- becomes
SELECT "p"."smoker" AS "smoker", COUNT(*) AS "n", COUNT(DISTINCT "p"."pid") AS "p" FROM "reg"."p" AS "p" WHERE "p"."pid" IN (SELECT "rx"."pid" AS "pid" FROM "reg"."rx" AS "rx" GROUP BY "rx"."pid" HAVING MIN("rx"."day") < MAX("rx"."day")) GROUP BY "p"."smoker"
