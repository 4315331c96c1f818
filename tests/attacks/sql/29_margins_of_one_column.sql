-- attack: margins over keys of one column
-- code: query.table_shape
-- form: table
SELECT age // 5 AS a, age // 20 AS b, count(*) AS n FROM nafld.patients GROUP BY GROUPING SETS ((age // 5), (age // 20))
-- twin: table
SELECT age // 20 AS b, age // 5 AS a, count(*) AS n FROM nafld.patients GROUP BY ROLLUP (age // 20, age // 5)

-- attack: margins over keys of one column, made in a step, within each sex
-- code: query.table_shape
-- form: table
WITH c AS (SELECT pid, male, age // 5 AS a, age // 20 AS b FROM nafld.patients)
SELECT male, a, b, count(*) AS n FROM c GROUP BY male, GROUPING SETS (a, b)
-- twin: table
WITH c AS (SELECT pid, male, age // 20 AS b FROM nafld.patients)
SELECT male, b, count(*) AS n FROM c GROUP BY GROUPING SETS ((male), (b), ())
