-- case: persons and records of each row
-- form: table
SELECT male, count(*) AS n FROM patients GROUP BY male
-- becomes
SELECT "patients"."male" AS "male", COUNT(*) AS "n", COUNT(DISTINCT "patients"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records" FROM "nafld"."patients" AS "patients" GROUP BY "patients"."male"

-- case: a filter is repeated for the persons who contribute
-- form: table
SELECT male, count(*) FILTER (status = 1) AS deaths FROM patients GROUP BY male
-- becomes
SELECT "patients"."male" AS "male", COUNT(*) FILTER(WHERE "patients"."status" = 1) AS "deaths", COUNT(DISTINCT "patients"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", COUNT(DISTINCT "patients"."pid") FILTER(WHERE "patients"."status" = 1) AS "_enclave_a1_persons", COUNT(DISTINCT "patients"."pid") FILTER(WHERE NOT COALESCE(("patients"."status" = 1), FALSE)) AS "_enclave_a1_rest" FROM "nafld"."patients" AS "patients" GROUP BY "patients"."male"

-- case: a sum counts those who add something
-- form: table
SELECT male, sum(status) AS deaths, avg(bmi) AS bmi FROM patients GROUP BY male
-- becomes
SELECT "patients"."male" AS "male", SUM("patients"."status") AS "deaths", AVG("patients"."bmi") AS "bmi", COUNT(DISTINCT "patients"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", COUNT(DISTINCT "patients"."pid") FILTER(WHERE NOT "patients"."status" IS NULL AND ("patients"."status") <> 0) AS "_enclave_a1_persons", COUNT(DISTINCT "patients"."pid") FILTER(WHERE NOT COALESCE((NOT "patients"."status" IS NULL AND ("patients"."status") <> 0), FALSE)) AS "_enclave_a1_rest", COUNT(DISTINCT "patients"."status") AS "_enclave_a1_different", COUNT("patients"."status") AS "_enclave_a1_records", MIN(TRY_CAST(("patients"."status") AS DOUBLE)) AS "_enclave_a1_low", MAX(TRY_CAST(("patients"."status") AS DOUBLE)) AS "_enclave_a1_high", SUM(TRY_CAST(("patients"."status") AS DOUBLE)) AS "_enclave_a1_total", COUNT(DISTINCT "patients"."pid") FILTER(WHERE NOT "patients"."bmi" IS NULL AND ("patients"."bmi") <> 0) AS "_enclave_a2_persons", COUNT(DISTINCT "patients"."pid") FILTER(WHERE NOT COALESCE((NOT "patients"."bmi" IS NULL AND ("patients"."bmi") <> 0), FALSE)) AS "_enclave_a2_rest", COUNT(DISTINCT "patients"."bmi") AS "_enclave_a2_different", COUNT("patients"."bmi") AS "_enclave_a2_records", MIN(TRY_CAST(("patients"."bmi") AS DOUBLE)) AS "_enclave_a2_low", MAX(TRY_CAST(("patients"."bmi") AS DOUBLE)) AS "_enclave_a2_high", SUM(TRY_CAST(("patients"."bmi") AS DOUBLE)) AS "_enclave_a2_total" FROM "nafld"."patients" AS "patients" GROUP BY "patients"."male"

-- case: a derived column brings its parts
-- form: table
SELECT male, 1000.0 * count(*) FILTER (status = 1) / sum(futime) AS rate FROM patients GROUP BY male
-- becomes
SELECT "patients"."male" AS "male", 1000.0 * COUNT(*) FILTER(WHERE "patients"."status" = 1) / SUM("patients"."futime") AS "rate", COUNT(DISTINCT "patients"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", COUNT(*) FILTER(WHERE "patients"."status" = 1) AS "_enclave_a1", COUNT(DISTINCT "patients"."pid") FILTER(WHERE "patients"."status" = 1) AS "_enclave_a1_persons", COUNT(DISTINCT "patients"."pid") FILTER(WHERE NOT COALESCE(("patients"."status" = 1), FALSE)) AS "_enclave_a1_rest", SUM("patients"."futime") AS "_enclave_a2", COUNT(DISTINCT "patients"."pid") FILTER(WHERE NOT "patients"."futime" IS NULL AND ("patients"."futime") <> 0) AS "_enclave_a2_persons", COUNT(DISTINCT "patients"."pid") FILTER(WHERE NOT COALESCE((NOT "patients"."futime" IS NULL AND ("patients"."futime") <> 0), FALSE)) AS "_enclave_a2_rest", COUNT(DISTINCT "patients"."futime") AS "_enclave_a2_different", COUNT("patients"."futime") AS "_enclave_a2_records", MIN(TRY_CAST(("patients"."futime") AS DOUBLE)) AS "_enclave_a2_low", MAX(TRY_CAST(("patients"."futime") AS DOUBLE)) AS "_enclave_a2_high", SUM(TRY_CAST(("patients"."futime") AS DOUBLE)) AS "_enclave_a2_total" FROM "nafld"."patients" AS "patients" GROUP BY "patients"."male"

-- case: parts that are columns already are not repeated
-- form: table
SELECT male, count(*) AS n, sum(status) AS d, d / n AS share FROM patients GROUP BY male
-- becomes
SELECT "patients"."male" AS "male", COUNT(*) AS "n", SUM("patients"."status") AS "d", SUM("patients"."status") / COUNT(*) AS "share", COUNT(DISTINCT "patients"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", COUNT(DISTINCT "patients"."pid") FILTER(WHERE NOT "patients"."status" IS NULL AND ("patients"."status") <> 0) AS "_enclave_a2_persons", COUNT(DISTINCT "patients"."pid") FILTER(WHERE NOT COALESCE((NOT "patients"."status" IS NULL AND ("patients"."status") <> 0), FALSE)) AS "_enclave_a2_rest", COUNT(DISTINCT "patients"."status") AS "_enclave_a2_different", COUNT("patients"."status") AS "_enclave_a2_records", MIN(TRY_CAST(("patients"."status") AS DOUBLE)) AS "_enclave_a2_low", MAX(TRY_CAST(("patients"."status") AS DOUBLE)) AS "_enclave_a2_high", SUM(TRY_CAST(("patients"."status") AS DOUBLE)) AS "_enclave_a2_total" FROM "nafld"."patients" AS "patients" GROUP BY "patients"."male"

-- case: GROUP BY ALL is written out
-- form: table
SELECT male, age // 10 AS decade, count(*) AS n FROM patients GROUP BY ALL
-- becomes
SELECT "patients"."male" AS "male", "patients"."age" // 10 AS "decade", COUNT(*) AS "n", COUNT(DISTINCT "patients"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records" FROM "nafld"."patients" AS "patients" GROUP BY "patients"."male", "patients"."age" // 10

-- case: margins are told from missing values
-- form: table
SELECT male, age // 10 AS decade, count(*) AS n FROM patients GROUP BY ROLLUP (male, age // 10)
-- becomes
SELECT "patients"."male" AS "male", "patients"."age" // 10 AS "decade", COUNT(*) AS "n", COUNT(DISTINCT "patients"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", GROUPING("patients"."male") AS "_enclave_g1", GROUPING("patients"."age" // 10) AS "_enclave_g2" FROM "nafld"."patients" AS "patients" GROUP BY ROLLUP ("patients"."male", "patients"."age" // 10)

-- case: grouping sets and cubes
-- form: table
SELECT male, status, count(*) AS n FROM patients GROUP BY GROUPING SETS ((male, status), (male), ())
-- becomes
SELECT "patients"."male" AS "male", "patients"."status" AS "status", COUNT(*) AS "n", COUNT(DISTINCT "patients"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", GROUPING("patients"."male") AS "_enclave_g1", GROUPING("patients"."status") AS "_enclave_g2" FROM "nafld"."patients" AS "patients" GROUP BY GROUPING SETS (("patients"."male", "patients"."status"), ("patients"."male"), ())

-- case: a cube
-- form: table
SELECT male, status, count(*) AS n, grouping(male) AS g FROM patients GROUP BY CUBE (male, status)
-- becomes
SELECT "patients"."male" AS "male", "patients"."status" AS "status", COUNT(*) AS "n", GROUPING("patients"."male") AS "g", COUNT(DISTINCT "patients"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", GROUPING("patients"."male") AS "_enclave_g1", GROUPING("patients"."status") AS "_enclave_g2" FROM "nafld"."patients" AS "patients" GROUP BY CUBE ("patients"."male", "patients"."status")

-- case: persons through a join
-- form: table
SELECT e.event, count(DISTINCT p.pid) AS n, count(*) AS records FROM patients p JOIN events e ON e.pid = p.pid GROUP BY e.event
-- becomes
SELECT "e"."event" AS "event", COUNT(DISTINCT "p"."pid") AS "n", COUNT(*) AS "records", COUNT(DISTINCT "p"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records" FROM "nafld"."patients" AS "p" JOIN "nafld"."events" AS "e" ON "e"."pid" = "p"."pid" GROUP BY "e"."event"

-- case: persons of either side of a full join
-- form: table
SELECT count(*) AS n FROM events e FULL JOIN claims.visits v ON v.pid = e.pid
-- becomes
SELECT COUNT(*) AS "n", COUNT(DISTINCT COALESCE("e"."pid", "v"."pid")) AS "_enclave_persons", COUNT(*) AS "_enclave_records" FROM "nafld"."events" AS "e" FULL JOIN "claims"."visits" AS "v" ON "v"."pid" = "e"."pid"

-- case: count_if and count of a column
-- form: table
SELECT count_if(status = 1) AS a, count(bmi) AS b, count(DISTINCT age) AS c FROM patients
-- becomes
SELECT COUNT_IF("patients"."status" = 1) AS "a", COUNT("patients"."bmi") AS "b", COUNT(DISTINCT "patients"."age") AS "c", COUNT(DISTINCT "patients"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", COUNT(DISTINCT "patients"."pid") FILTER(WHERE "patients"."status" = 1) AS "_enclave_a1_persons", COUNT(DISTINCT "patients"."pid") FILTER(WHERE NOT COALESCE(("patients"."status" = 1), FALSE)) AS "_enclave_a1_rest", COUNT(DISTINCT "patients"."pid") FILTER(WHERE NOT "patients"."bmi" IS NULL) AS "_enclave_a2_persons", COUNT(DISTINCT "patients"."pid") FILTER(WHERE NOT COALESCE((NOT "patients"."bmi" IS NULL), FALSE)) AS "_enclave_a2_rest", COUNT(DISTINCT "patients"."pid") FILTER(WHERE NOT "patients"."age" IS NULL) AS "_enclave_a3_persons", COUNT(DISTINCT "patients"."pid") FILTER(WHERE NOT COALESCE(("patients"."status" = 1), FALSE) AND NOT COALESCE((NOT "patients"."bmi" IS NULL), FALSE)) AS "_enclave_others", COUNT(*) FILTER(WHERE NOT COALESCE(("patients"."status" = 1), FALSE) AND NOT COALESCE((NOT "patients"."bmi" IS NULL), FALSE)) AS "_enclave_others_records" FROM "nafld"."patients" AS "patients"

-- case: a sketch of who is in a row, where a record may be in several
-- form: table
SELECT b.k, count(*) AS n, count(p.bmi) AS m FROM patients AS p JOIN (VALUES (50), (60)) AS b(k) ON p.age >= b.k GROUP BY b.k
-- becomes
SELECT "b"."k" AS "k", COUNT(*) AS "n", COUNT("p"."bmi") AS "m", COUNT(DISTINCT "p"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records", COUNT(DISTINCT "p"."pid") FILTER(WHERE NOT "p"."bmi" IS NULL) AS "_enclave_a2_persons", COUNT(DISTINCT "p"."pid") FILTER(WHERE NOT COALESCE((NOT "p"."bmi" IS NULL), FALSE)) AS "_enclave_a2_rest", MIN(DISTINCT HASH("p"."pid"), 512) FILTER(WHERE NOT ("p"."pid") IS NULL) AS "_enclave_members", MIN(DISTINCT HASH("p"."pid"), 512) FILTER(WHERE NOT ("p"."pid") IS NULL AND NOT "p"."bmi" IS NULL) AS "_enclave_a2_members" FROM "nafld"."patients" AS "p" JOIN (VALUES (50), (60)) AS "b"("k") ON "p"."age" >= "b"."k" GROUP BY "b"."k"

-- case: no sketch where a list names each of its lines once
-- form: table
SELECT b.k, count(*) AS n FROM patients AS p JOIN (VALUES (true, 'm'), (false, 'f')) AS b(male, k) ON p.male = b.male GROUP BY b.k
-- becomes
SELECT "b"."k" AS "k", COUNT(*) AS "n", COUNT(DISTINCT "p"."pid") AS "_enclave_persons", COUNT(*) AS "_enclave_records" FROM "nafld"."patients" AS "p" JOIN (VALUES (TRUE, 'm'), (FALSE, 'f')) AS "b"("male", "k") ON "p"."male" = "b"."male" GROUP BY "b"."k"
