-- case: some of the persons, beside the asker's own condition
-- form: table
SELECT male, count(*) AS n, sum(bmi) AS bmi FROM patients WHERE age > 50 OR status = 1 GROUP BY male
-- becomes
SELECT "patients"."male" AS "male", BIT_OR((CAST(1 AS UBIGINT) << CAST((("patients"."pid") & 31) AS UBIGINT)) | (CAST(4294967296 AS UBIGINT) << CAST(((HASH("patients"."bmi")) & 31) AS UBIGINT))) FILTER(WHERE NOT "patients"."bmi" IS NULL AND ("patients"."bmi") <> 0) AS "_enclave_a2_mask" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "patients" WHERE ("patients"."age" > 50 OR "patients"."status" = 1) AND ("patients"."pid") <= 1000 GROUP BY "patients"."male"

-- case: under a condition persons are counted
-- form: table
SELECT male, count(*) AS n, count(*) FILTER (status = 1) AS deaths FROM patients GROUP BY ROLLUP (male)
-- becomes
SELECT "patients"."male" AS "male", COUNT(DISTINCT "patients"."pid") AS "_enclave_persons", COUNT(DISTINCT "patients"."pid") FILTER(WHERE "patients"."status" = 1) AS "_enclave_a2_persons", GROUPING("patients"."male") AS "_enclave_g1" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "patients" WHERE ("patients"."pid") <= 1000 GROUP BY ROLLUP ("patients"."male")
