-- case: one mask holds the persons and the values of a sum
-- form: table
SELECT male, count(*) AS n, sum(bmi) AS bmi, avg(bmi) AS mean FROM patients GROUP BY male
-- becomes
SELECT "patients"."male" AS "male", COUNT(*) AS "n", SUM("patients"."bmi") AS "bmi", AVG("patients"."bmi") AS "mean", COUNT(*) AS "_enclave_records", COUNT(*) FILTER(WHERE NOT "patients"."bmi" IS NULL AND ("patients"."bmi") <> 0) AS "_enclave_a2_inside", BIT_OR((CAST(1 AS UBIGINT) << CAST((("patients"."pid") & 31) AS UBIGINT)) | (CAST(4294967296 AS UBIGINT) << CAST(((HASH("patients"."bmi")) & 31) AS UBIGINT))) FILTER(WHERE NOT "patients"."bmi" IS NULL AND ("patients"."bmi") <> 0) AS "_enclave_a2_mask" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "patients" GROUP BY "patients"."male" ORDER BY "male"

-- case: without a sum, a mask of persons
-- form: table
SELECT e.event, count(*) AS n FROM patients p JOIN events e ON e.pid = p.pid GROUP BY ALL
-- becomes
SELECT "e"."event" AS "event", COUNT(*) AS "n", COUNT(*) AS "_enclave_records", BIT_OR(CAST(1 AS UBIGINT) << CAST((("p"."pid") & 63) AS UBIGINT)) AS "_enclave_mask" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "p" JOIN (SELECT "pid", "days", "event" FROM "nafld"."events") AS "e" ON "e"."pid" = "p"."pid" GROUP BY "e"."event" ORDER BY "event"
