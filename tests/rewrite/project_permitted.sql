-- case: a base table becomes its permitted columns
-- form: rows
SELECT * FROM nafld.events
-- becomes
SELECT "events"."pid" AS "pid", "events"."days" AS "days", "events"."event" AS "event" FROM (SELECT "pid", "days", "event" FROM "nafld"."events") AS "events"

-- case: the permit's rows are a condition
-- form: rows
-- grant: {"rows": "age >= 40 AND NOT (male AND bmi IS NULL)"}
SELECT count(*) AS n FROM patients
-- becomes
SELECT COUNT(*) AS "n" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients" WHERE ("age" >= 40 AND NOT ("male" AND "bmi" IS NULL))) AS "patients"

-- case: rows over a coarsened column were evaluated when the extract was built
-- form: rows
-- grant: {"rows": "age >= 40", "coarsen": {"age": 5}}
SELECT count(*) AS n FROM patients
-- becomes
SELECT COUNT(*) AS "n" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "patients"

-- case: rows over a column that is not shown are not repeated
-- form: rows
-- grant: {"columns": ["pid", "age"], "rows": "bmi > 30", "coarsen": {"bmi": 1}}
SELECT count(*) AS n FROM patients
-- becomes
SELECT COUNT(*) AS "n" FROM (SELECT "pid", "age" FROM "nafld"."patients") AS "patients"

-- case: an alias stays
-- form: rows
SELECT x.event FROM events AS x WHERE x.days < 100
-- becomes
SELECT "x"."event" AS "event" FROM (SELECT "pid", "days", "event" FROM "nafld"."events") AS "x" WHERE "x"."days" < 100

-- case: every scope is replaced, a CTE is not
-- form: rows
WITH events AS (SELECT pid, min(days) AS first FROM nafld.events GROUP BY pid) SELECT p.age, e.first FROM patients p JOIN events e USING (pid) WHERE p.pid IN (SELECT pid FROM nafld.labs WHERE test = 'hdl')
-- becomes
WITH "events" AS (SELECT "events"."pid" AS "pid", MIN("events"."days") AS "first" FROM (SELECT "pid", "days", "event" FROM "nafld"."events") AS "events" GROUP BY "events"."pid") SELECT "p"."age" AS "age", "e"."first" AS "first" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "p" JOIN "events" AS "e" ON "p"."pid" = "e"."pid" WHERE "p"."pid" IN (SELECT "labs"."pid" AS "pid" FROM (SELECT "pid", "days", "test", "value" FROM "nafld"."labs") AS "labs" WHERE "labs"."test" = 'hdl')

-- case: a set operation
-- form: rows
SELECT pid FROM events UNION SELECT pid FROM labs
-- becomes
SELECT "events"."pid" AS "pid" FROM (SELECT "pid", "days", "event" FROM "nafld"."events") AS "events" UNION SELECT "labs"."pid" AS "pid" FROM (SELECT "pid", "days", "test", "value" FROM "nafld"."labs") AS "labs"

-- case: semi and anti joins
-- form: rows
SELECT p.pid FROM patients p SEMI JOIN events e ON e.pid = p.pid ANTI JOIN labs l ON l.pid = p.pid
-- becomes
SELECT "p"."pid" AS "pid" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "p" SEMI JOIN (SELECT "pid", "days", "event" FROM "nafld"."events") AS "e" ON "e"."pid" = "p"."pid" ANTI JOIN (SELECT "pid", "days", "test", "value" FROM "nafld"."labs") AS "l" ON "l"."pid" = "p"."pid"

-- case: the identifier is there in table form even if the permit does not show it
-- form: table
-- grant: {"columns": ["age", "status"]}
SELECT age, count(*) AS n FROM patients GROUP BY age
-- becomes
SELECT "patients"."age" AS "age", COUNT(*) AS "n" FROM (SELECT "age", "status", "pid" FROM "nafld"."patients") AS "patients" GROUP BY "patients"."age"

