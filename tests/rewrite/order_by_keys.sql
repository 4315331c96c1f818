-- case: cells come in the order of their keys
-- form: table
SELECT male, age // 10 AS decade, count(*) AS n FROM patients GROUP BY ALL
-- becomes
SELECT "patients"."male" AS "male", "patients"."age" // 10 AS "decade", COUNT(*) AS "n" FROM "nafld"."patients" AS "patients" GROUP BY ALL ORDER BY "male", "decade"

-- case: the researcher's order of keys is kept and completed
-- form: table
SELECT male, age // 10 AS decade, count(*) AS n FROM patients GROUP BY ALL ORDER BY decade DESC NULLS FIRST
-- becomes
SELECT "patients"."male" AS "male", "patients"."age" // 10 AS "decade", COUNT(*) AS "n" FROM "nafld"."patients" AS "patients" GROUP BY ALL ORDER BY "decade" DESC NULLS FIRST, "male"

-- case: ORDER BY ALL is the order of keys
-- form: table
SELECT male, count(*) AS n FROM patients GROUP BY ALL ORDER BY ALL
-- becomes
SELECT "patients"."male" AS "male", COUNT(*) AS "n" FROM "nafld"."patients" AS "patients" GROUP BY ALL ORDER BY "male"

-- case: a single cell has no order
-- form: table
SELECT count(*) AS n FROM patients
-- becomes
SELECT COUNT(*) AS "n" FROM "nafld"."patients" AS "patients"

