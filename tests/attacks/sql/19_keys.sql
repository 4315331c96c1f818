-- attack: [28] a total beside all its parts but one
-- code: hidden
-- form: table
SELECT CASE WHEN age = 60 THEN 1 ELSE 0 END AS k, count(*) AS n FROM nafld.patients GROUP BY ROLLUP (CASE WHEN age = 60 THEN 1 ELSE 0 END)
-- twin: table
SELECT CASE WHEN age >= 60 THEN 1 ELSE 0 END AS k, count(*) AS n FROM nafld.patients GROUP BY ROLLUP (CASE WHEN age >= 60 THEN 1 ELSE 0 END)

-- attack: [28] margins by sets
-- code: hidden
-- form: table
SELECT age = 60 AS k, count(*) AS n FROM nafld.patients GROUP BY GROUPING SETS ((age = 60), ())
-- twin: table
SELECT age >= 60 AS k, count(*) AS n FROM nafld.patients GROUP BY GROUPING SETS ((age >= 60), ())

-- attack: [28] margins by a cube
-- code: hidden
-- form: table
SELECT CASE WHEN age = 60 THEN 1 ELSE 0 END AS k, count(*) AS n FROM nafld.patients GROUP BY CUBE (CASE WHEN age = 60 THEN 1 ELSE 0 END)
-- twin: table
SELECT CASE WHEN age >= 60 THEN 1 ELSE 0 END AS k, count(*) AS n FROM nafld.patients GROUP BY CUBE (CASE WHEN age >= 60 THEN 1 ELSE 0 END)

-- attack: [29] the identifier as a key by GROUP BY ALL
-- code: query.key_identifies
-- form: table
SELECT pid, count(*) AS n FROM nafld.labs GROUP BY ALL
-- twin: table
SELECT test, count(*) AS n FROM nafld.labs GROUP BY ALL

-- attack: [29] the identifier as a key by arithmetic
-- code: query.key_identifies
-- form: table
SELECT pid // 2 AS k, count(*) AS n FROM nafld.labs GROUP BY 1
-- twin: table
SELECT days // 1000 AS k, count(*) AS n FROM nafld.labs GROUP BY 1

-- attack: [29] the identifier as a key by a text
-- code: query.key_identifies
-- form: table
SELECT CAST(pid AS VARCHAR) AS k, count(*) AS n FROM nafld.labs GROUP BY ALL
-- twin: table
SELECT left(test, 2) AS k, count(*) AS n FROM nafld.labs GROUP BY ALL

-- attack: [29] the identifier as a key by a concatenation
-- code: query.key_identifies
-- form: table
SELECT test || pid AS k, count(*) AS n FROM nafld.labs GROUP BY 1
-- twin: table
SELECT test || '!' AS k, count(*) AS n FROM nafld.labs GROUP BY 1

-- attack: [29] the identifier as a key by a step
-- code: query.key_identifies
-- form: table
WITH a AS (SELECT pid, pid + 1 AS k FROM nafld.labs) SELECT k, count(*) AS n FROM a GROUP BY k
-- twin: table
WITH a AS (SELECT pid, days // 1000 AS k FROM nafld.labs) SELECT k, count(*) AS n FROM a GROUP BY k

-- attack: [29] the identifier as a key by a choice
-- code: query.key_identifies
-- form: table
SELECT CASE WHEN pid > 5 THEN pid END AS k, count(*) AS n FROM nafld.labs GROUP BY 1
-- twin: table
SELECT CASE WHEN days > 5 THEN 1 END AS k, count(*) AS n FROM nafld.labs GROUP BY 1

-- attack: [29] the identifier as a key by a set of keys
-- code: query.key_identifies
-- form: table
SELECT pid, test, count(*) AS n FROM nafld.labs GROUP BY GROUPING SETS ((pid), (test))
-- twin: table
SELECT test, count(*) AS n FROM nafld.labs GROUP BY GROUPING SETS ((test), ())

-- attack: [29] DISTINCT of persons
-- code: query.table_distinct
-- form: table
SELECT DISTINCT pid FROM nafld.patients
-- twin: table
SELECT count(DISTINCT pid) AS n FROM nafld.patients

-- attack: [29] DISTINCT ON
-- code: query.table_distinct
-- form: table
SELECT DISTINCT ON (male) male, count(*) AS n FROM nafld.patients GROUP BY ALL
-- twin: table
SELECT male, count(*) AS n FROM nafld.patients GROUP BY ALL

-- attack: [29] a measurement as a key by its name
-- code: query.key_continuous
-- form: table
SELECT value, count(*) AS n FROM nafld.labs GROUP BY value
-- twin: table
SELECT floor(value / 50) AS v, count(*) AS n FROM nafld.labs GROUP BY 1
