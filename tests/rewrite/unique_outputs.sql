-- case: columns of the same name are numbered
-- form: rows
SELECT p.age, e.days, p.* FROM nafld.patients p JOIN nafld.events e USING (pid)
-- becomes
SELECT "p"."age" AS "age", "e"."days" AS "days", "p"."pid" AS "pid", "p"."age" AS "age_1", "p"."male" AS "male", "p"."bmi" AS "bmi", "p"."case_pid" AS "case_pid", "p"."futime" AS "futime", "p"."status" AS "status", "p"."entry" AS "entry" FROM "nafld"."patients" AS "p" JOIN "nafld"."events" AS "e" ON "p"."pid" = "e"."pid"

-- case: names that differ stay
-- form: rows
SELECT age, age + 1 AS next FROM patients
-- becomes
SELECT "patients"."age" AS "age", "patients"."age" + 1 AS "next" FROM "nafld"."patients" AS "patients"

