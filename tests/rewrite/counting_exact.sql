-- case: only the cells that are still open, a missing key among them
-- form: table
SELECT male, count(*) AS n FROM patients WHERE age > 50 GROUP BY male
-- becomes
SELECT "patients"."male" AS "male", COUNT(*) AS "n", COUNT(DISTINCT "patients"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records" FROM (SELECT "pid", "age", "male", "bmi", "case_pid", "futime", "status", "entry" FROM "nafld"."patients") AS "patients" WHERE ("patients"."age" > 50) AND (EXISTS(SELECT 1 FROM (VALUES (1), (NULL)) AS "_enclave_wanted"("w0") WHERE "_enclave_wanted"."w0" IS NOT DISTINCT FROM ("patients"."male"))) GROUP BY "patients"."male"
