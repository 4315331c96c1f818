-- case: records
-- form: rows
SELECT age, bmi FROM nafld.patients WHERE status = 1 ORDER BY age DESC, bmi LIMIT 5
-- becomes
SELECT "patients"."age" AS "age", "patients"."bmi" AS "bmi" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "patients" WHERE "patients"."status" = 1 ORDER BY "age" DESC, "bmi" LIMIT 5

-- case: a cohort with an index date
-- form: table
WITH first AS (SELECT pid, min(days) AS t0 FROM events WHERE event = 'htn' GROUP BY pid), lab AS (SELECT pid, avg(value) AS hdl FROM labs WHERE test = 'hdl' GROUP BY pid) SELECT p.male, least(80, p.age // 10 * 10) AS age10, count(*) AS n, count(*) FILTER (l.hdl < 40) AS low FROM first f JOIN patients p USING (pid) LEFT JOIN lab l USING (pid) GROUP BY ALL ORDER BY ALL
-- becomes
WITH "first" AS (SELECT "events"."pid" AS "pid", MIN("events"."days") AS "t0" FROM (SELECT "pid", "days", "event" FROM "nafld"."events") AS "events" WHERE "events"."event" = 'htn' GROUP BY "events"."pid"), "lab" AS (SELECT "labs"."pid" AS "pid", AVG("labs"."value") AS "hdl" FROM (SELECT "pid", "days", "test", "value" FROM "nafld"."labs") AS "labs" WHERE "labs"."test" = 'hdl' GROUP BY "labs"."pid") SELECT "p"."male" AS "male", LEAST(80, "p"."age" // 10 * 10) AS "age10", COUNT(*) AS "n", COUNT(*) FILTER(WHERE "l"."hdl" < 40) AS "low", COUNT(DISTINCT "f"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", COUNT(DISTINCT "f"."pid") FILTER(WHERE "l"."hdl" < 40) AS "_enclave_a2_persons", COUNT(DISTINCT "f"."pid") FILTER(WHERE NOT COALESCE(("l"."hdl" < 40), FALSE)) AS "_enclave_a2_rest" FROM "first" AS "f" JOIN (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "p" ON "f"."pid" = "p"."pid" LEFT JOIN "lab" AS "l" ON "f"."pid" = "l"."pid" GROUP BY "p"."male", LEAST(80, "p"."age" // 10 * 10) ORDER BY "male", "age10"

-- case: a reference table
-- form: table
SELECT b.band, count(*) AS n FROM patients p JOIN area.bands b ON p.age BETWEEN b.age_from AND b.age_to GROUP BY b.band
-- becomes
SELECT "b"."band" AS "band", COUNT(*) AS "n", COUNT(DISTINCT "p"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", MIN(DISTINCT HASH("p"."pid"), 512) FILTER(WHERE NOT ("p"."pid") IS NULL) AS "_enclave_members" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "p" JOIN (SELECT "age_from", "age_to", "band", "standard" FROM "area"."bands") AS "b" ON "p"."age" BETWEEN "b"."age_from" AND "b"."age_to" GROUP BY "b"."band" ORDER BY "band"

-- case: windows and qualify
-- form: rows
SELECT pid, test, value, avg(value) OVER w AS m FROM labs WINDOW w AS (PARTITION BY pid, test) QUALIFY row_number() OVER (PARTITION BY pid, test ORDER BY days, value) = 1
-- becomes
SELECT "labs"."pid" AS "pid", "labs"."test" AS "test", "labs"."value" AS "value", AVG("labs"."value") OVER "w" AS "m" FROM (SELECT "pid", "days", "test", "value" FROM "nafld"."labs") AS "labs" WINDOW "w" AS (PARTITION BY "labs"."pid", "labs"."test") QUALIFY ROW_NUMBER() OVER (PARTITION BY "labs"."pid", "labs"."test" ORDER BY "labs"."days", "labs"."value") = 1

-- case: a name in Japanese
-- form: rows
SELECT age AS 年齢, count(*) AS "人 数" FROM patients GROUP BY 年齢
-- becomes
SELECT "patients"."age" AS "年齢", COUNT(*) AS "人 数" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "patients" GROUP BY "patients"."age"

-- case: lateral aliases
-- form: rows
SELECT futime - 2 AS a, a + 1 AS b FROM patients WHERE a > 100
-- becomes
SELECT "patients"."futime" - 2 AS "a", ("patients"."futime" - 2) + 1 AS "b" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "patients" WHERE ("patients"."futime" - 2) > 100

-- case: a column wins over an alias
-- form: rows
SELECT age // 10 AS age, count(*) AS n FROM patients WHERE age > 45 GROUP BY ALL
-- becomes
SELECT "patients"."age" // 10 AS "age", COUNT(*) AS "n" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "patients" WHERE "patients"."age" > 45 GROUP BY "patients"."age" // 10

-- case: date arithmetic
-- form: rows
SELECT date_diff('day', entry, DATE '2020-01-31') AS d, entry + INTERVAL 3 MONTH AS e, date_trunc('year', entry) AS y, year(entry) AS yy, strftime(entry, '%Y-%m') AS ym FROM patients
-- becomes
SELECT DATE_DIFF('DAY', "patients"."entry", CAST('2020-01-31' AS DATE)) AS "d", "patients"."entry" + INTERVAL '3' MONTH AS "e", DATE_TRUNC('YEAR', "patients"."entry") AS "y", YEAR("patients"."entry") AS "yy", STRFTIME("patients"."entry", '%Y-%m') AS "ym" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "patients"

-- case: set operations with order
-- form: rows
SELECT pid, days FROM events EXCEPT SELECT pid, days FROM labs ORDER BY pid, days LIMIT 20
-- becomes
SELECT "events"."pid" AS "pid", "events"."days" AS "days" FROM (SELECT "pid", "days", "event" FROM "nafld"."events") AS "events" EXCEPT SELECT "labs"."pid" AS "pid", "labs"."days" AS "days" FROM (SELECT "pid", "days", "test", "value" FROM "nafld"."labs") AS "labs" ORDER BY "pid", "days" LIMIT 20

-- case: exists in a filter
-- form: table
SELECT male, count(*) AS n, count(*) FILTER (EXISTS (SELECT 1 FROM events e WHERE e.pid = p.pid AND e.event = 'htn')) AS htn FROM patients p GROUP BY male
-- becomes
SELECT "p"."male" AS "male", COUNT(*) AS "n", COUNT(*) FILTER(WHERE EXISTS(SELECT 1 AS "1" FROM (SELECT "pid", "days", "event" FROM "nafld"."events") AS "e" WHERE "e"."pid" = "p"."pid" AND "e"."event" = 'htn')) AS "htn", COUNT(DISTINCT "p"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", COUNT(DISTINCT "p"."pid") FILTER(WHERE EXISTS(SELECT 1 AS "1" FROM (SELECT "pid", "days", "event" FROM "nafld"."events") AS "e" WHERE "e"."pid" = "p"."pid" AND "e"."event" = 'htn')) AS "_enclave_a2_persons", COUNT(DISTINCT "p"."pid") FILTER(WHERE NOT COALESCE((EXISTS(SELECT 1 AS "1" FROM (SELECT "pid", "days", "event" FROM "nafld"."events") AS "e" WHERE "e"."pid" = "p"."pid" AND "e"."event" = 'htn')), FALSE)) AS "_enclave_a2_rest" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "p" GROUP BY "p"."male" ORDER BY "male"

-- case: asof join
-- form: rows
SELECT e.pid, e.days, l.value FROM events e ASOF LEFT JOIN (SELECT pid, days, max(value) AS value FROM labs GROUP BY ALL) l ON e.pid = l.pid AND e.days >= l.days
-- becomes
SELECT "e"."pid" AS "pid", "e"."days" AS "days", "l"."value" AS "value" FROM (SELECT "pid", "days", "event" FROM "nafld"."events") AS "e" ASOF LEFT JOIN (SELECT "labs"."pid" AS "pid", "labs"."days" AS "days", MAX("labs"."value") AS "value" FROM (SELECT "pid", "days", "test", "value" FROM "nafld"."labs") AS "labs" GROUP BY "labs"."pid", "labs"."days") AS "l" ON "e"."pid" = "l"."pid" AND "e"."days" >= "l"."days"

