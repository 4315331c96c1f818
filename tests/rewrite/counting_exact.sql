-- case: only the cells that are still open, a missing key among them
-- form: table
SELECT male, count(*) AS n FROM patients WHERE age > 50 GROUP BY male
-- becomes
SELECT "patients"."male" AS "male", COUNT(*) AS "n", COUNT(DISTINCT "patients"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "patients" SEMI JOIN (VALUES (1), (NULL)) AS "_enclave_wanted"("w0") ON "_enclave_wanted"."w0" IS NOT DISTINCT FROM ("patients"."male") WHERE "patients"."age" > 50 GROUP BY "patients"."male"
-- case: margins that are still open beside details
-- form: table
SELECT male, count(*) AS n FROM patients GROUP BY ROLLUP (male)
-- becomes
SELECT "patients"."male" AS "male", COUNT(*) AS "n", COUNT(DISTINCT "patients"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", GROUPING("patients"."male") AS "_enclave_g1" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "patients" WHERE (EXISTS(SELECT 1 FROM (VALUES (1)) AS "_enclave_wanted"("w0") WHERE "_enclave_wanted"."w0" IS NOT DISTINCT FROM ("patients"."male")) OR TRUE) GROUP BY ROLLUP ("patients"."male")
-- case: after a comma a join would see the last table alone
-- form: table
SELECT male, count(*) AS n FROM patients, events WHERE events.pid = patients.pid GROUP BY male
-- becomes
SELECT "patients"."male" AS "male", COUNT(*) AS "n", COUNT(DISTINCT "patients"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "patients" CROSS JOIN (SELECT "pid", "days", "event" FROM "nafld"."events") AS "events" SEMI JOIN (VALUES (1), (NULL)) AS "_enclave_wanted"("w0") ON "_enclave_wanted"."w0" IS NOT DISTINCT FROM ("patients"."male") WHERE "events"."pid" = "patients"."pid" GROUP BY "patients"."male"
