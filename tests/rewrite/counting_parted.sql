-- case: the first persons make the bounds, everybody the numbers
-- form: table
SELECT male, count(*) AS n, sum(bmi) AS bmi FROM patients AS p WHERE age > 50 GROUP BY male
-- becomes
SELECT "p"."male" AS "male", COUNT(*) AS "n", SUM("p"."bmi") AS "bmi", COUNT(*) AS "_enclave_records", BIT_OR("p"."_enclave_part0") AS "_enclave_a2_mask" FROM (SELECT "p"."age", "p"."bmi", "p"."male", "p"."pid", CASE WHEN NOT "p"."bmi" IS NULL AND ("p"."bmi") <> 0 THEN (CAST(1 AS UBIGINT) << CAST((("p"."pid") & 31) AS UBIGINT)) | (CAST(4294967296 AS UBIGINT) << CAST(((HASH("p"."bmi")) & 31) AS UBIGINT)) END AS "_enclave_part0" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "p" WHERE "p"."pid" <= 1000 UNION ALL SELECT "p"."age", "p"."bmi", "p"."male", "p"."pid", CAST(NULL AS UBIGINT) AS "_enclave_part0" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "p" WHERE "p"."pid" > 1000) AS "p" WHERE "p"."age" > 50 GROUP BY "p"."male" ORDER BY "male"

-- case: without a sum, a mask of persons
-- form: table
SELECT male, count(*) AS n FROM patients GROUP BY ALL
-- becomes
SELECT "patients"."male" AS "male", COUNT(*) AS "n", COUNT(*) AS "_enclave_records", BIT_OR("patients"."_enclave_part0") AS "_enclave_mask" FROM (SELECT "patients"."male", "patients"."pid", CAST(1 AS UBIGINT) << CAST((("patients"."pid") & 63) AS UBIGINT) AS "_enclave_part0" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "patients" WHERE "patients"."pid" <= 1000 UNION ALL SELECT "patients"."male", "patients"."pid", CAST(NULL AS UBIGINT) AS "_enclave_part0" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "patients" WHERE "patients"."pid" > 1000) AS "patients" GROUP BY "patients"."male" ORDER BY "male"
