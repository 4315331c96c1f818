-- case: the asker's own numbers, with the records
-- form: table
SELECT male, count(*) AS n, sum(bmi) AS bmi FROM patients GROUP BY male
-- becomes
SELECT "patients"."male" AS "male", COUNT(*) AS "n", SUM("patients"."bmi") AS "bmi", COUNT(*) AS "_enclave_records" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "patients" GROUP BY "patients"."male" ORDER BY "male"

-- case: of two sums the records that each takes in
-- form: table
SELECT male, sum(bmi) AS bmi, avg(futime) AS days FROM patients GROUP BY male
-- becomes
SELECT "patients"."male" AS "male", SUM("patients"."bmi") AS "bmi", AVG("patients"."futime") AS "days", COUNT(*) AS "_enclave_records", COUNT(*) FILTER(WHERE NOT "patients"."bmi" IS NULL AND ("patients"."bmi") <> 0) AS "_enclave_a1_inside", COUNT(*) FILTER(WHERE NOT "patients"."futime" IS NULL AND ("patients"."futime") <> 0) AS "_enclave_a2_inside" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "patients" GROUP BY "patients"."male" ORDER BY "male"

-- case: a condition's records, where no column is they
-- form: table
SELECT male, 1.0 * count(*) FILTER (status = 1) / count(*) AS share FROM patients GROUP BY male
-- becomes
SELECT "patients"."male" AS "male", 1.0 * COUNT(*) FILTER(WHERE "patients"."status" = 1) / COUNT(*) AS "share", COUNT(*) AS "_enclave_records", COUNT(*) FILTER(WHERE "patients"."status" = 1) AS "_enclave_a1" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "patients" GROUP BY "patients"."male" ORDER BY "male"

-- case: a number of persons is evidence itself
-- form: table
SELECT male, count(DISTINCT pid) AS persons FROM patients GROUP BY male
-- becomes
SELECT "patients"."male" AS "male", COUNT(DISTINCT "patients"."pid") AS "persons", COUNT(*) AS "_enclave_records" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "patients" GROUP BY "patients"."male" ORDER BY "male"
