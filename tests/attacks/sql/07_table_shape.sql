-- attack: HAVING
-- code: query.table_having
-- form: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age HAVING sum(status) = 1
-- twin: table
SELECT age, count(*) AS n FROM nafld.patients WHERE age > 40 GROUP BY age

-- attack: order by a measure
-- code: query.table_order
-- form: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age ORDER BY n DESC
-- twin: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age ORDER BY age DESC

-- attack: order by a hidden aggregate
-- code: query.table_order
-- form: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age ORDER BY sum(status)
-- twin: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY ALL ORDER BY ALL

-- attack: limit
-- code: query.table_limit
-- form: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age LIMIT 3
-- twin: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age

-- attack: limit inside
-- code: query.table_limit
-- form: table
SELECT count(*) AS n FROM (SELECT pid FROM nafld.patients ORDER BY age LIMIT 11) AS x
-- twin: table
SELECT count(*) AS n FROM (SELECT pid FROM nafld.patients) AS x

-- attack: distinct
-- code: query.table_distinct
-- form: table
SELECT DISTINCT count(*) AS n FROM nafld.patients GROUP BY age
-- twin: table
SELECT count(DISTINCT age) AS n FROM nafld.patients

-- attack: window outside
-- code: query.table_window
-- form: table
SELECT age, sum(count(*)) OVER (ORDER BY age) AS n FROM nafld.patients GROUP BY age
-- twin: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age

-- attack: qualify
-- code: query.table_window
-- form: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age QUALIFY row_number() OVER (ORDER BY age) = 1
-- twin: table
WITH f AS (SELECT pid, test FROM nafld.labs QUALIFY row_number() OVER (PARTITION BY pid ORDER BY days) = 1) SELECT test, count(*) AS n FROM f GROUP BY test

-- attack: hidden key
-- code: query.table_shape
-- form: table
SELECT count(*) AS n FROM nafld.patients GROUP BY age
-- twin: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age

-- attack: records
-- code: query.table_shape
-- form: table
SELECT pid, age, status FROM nafld.patients
-- twin: rows
SELECT pid, age, status FROM nafld.patients

-- attack: a value as a scalar subquery
-- code: query.person_unknown
-- form: table
SELECT (SELECT max(status) FROM nafld.patients) AS s, count(*) AS n FROM nafld.patients
-- twin: table
SELECT sum(status) AS s, count(*) AS n FROM nafld.patients

-- attack: set operation
-- code: query.table_shape
-- form: table
SELECT count(*) AS n FROM nafld.patients UNION ALL SELECT count(*) FROM nafld.events
-- twin: table
SELECT count(*) AS n FROM (SELECT pid FROM nafld.patients UNION ALL SELECT pid FROM nafld.events) AS u

-- attack: companion name
-- code: query.name_taken
-- form: table
SELECT age, count(*) AS n, sum(status) AS n_status FROM nafld.patients GROUP BY age
-- twin: table
SELECT age, count(*) AS n, sum(status) AS deaths FROM nafld.patients GROUP BY age

