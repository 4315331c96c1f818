-- attack: [16] HAVING a count
-- code: query.table_having
-- form: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age HAVING count(*) > 10
-- twin: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age

-- attack: [16] HAVING a person's value
-- code: query.table_having
-- form: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age HAVING max(status) = 1
-- twin: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age

-- attack: [16] HAVING a truth
-- code: query.table_having
-- form: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age HAVING bool_or(status = 1)
-- twin: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age

-- attack: [16] HAVING an alias
-- code: query.table_having
-- form: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age HAVING n > 5
-- twin: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age

-- attack: [16] HAVING without groups
-- code: query.table_having
-- form: table
SELECT count(*) AS n FROM nafld.patients HAVING max(status) = 1
-- twin: table
SELECT count(*) AS n FROM nafld.patients

-- attack: [17] ordered by a hidden mean
-- code: query.table_order
-- form: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age ORDER BY avg(status)
-- twin: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age ORDER BY age DESC

-- attack: [17] ordered by an alias
-- code: query.table_order
-- form: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age ORDER BY n
-- twin: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age ORDER BY age DESC

-- attack: [17] ordered by a position
-- code: query.table_order
-- form: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age ORDER BY 2
-- twin: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age ORDER BY age DESC

-- attack: [17] ordered by a filter
-- code: query.table_order
-- form: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age ORDER BY count(*) FILTER (WHERE status = 1)
-- twin: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age ORDER BY age DESC

-- attack: [17] ordered by a subquery
-- code: query.person_unknown
-- form: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age ORDER BY (SELECT max(status) FROM nafld.patients)
-- twin: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age ORDER BY age DESC

-- attack: [17] ordered by a case
-- code: query.table_order
-- form: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age ORDER BY CASE WHEN count(*) > 5 THEN 1 ELSE 0 END
-- twin: table
SELECT age, count(*) AS n FROM nafld.patients GROUP BY age ORDER BY age DESC

-- attack: [18] a number of rows by a subquery
-- code: query.node
-- form: rows
SELECT pid FROM nafld.patients ORDER BY pid LIMIT (SELECT count(*) FROM nafld.events WHERE event = 'htn')
-- twin: rows
SELECT pid FROM nafld.patients ORDER BY pid LIMIT 3 OFFSET 1

-- attack: [18] a number of rows by a sum
-- code: query.node
-- form: rows
SELECT pid FROM nafld.patients ORDER BY pid LIMIT 1 + 1
-- twin: rows
SELECT pid FROM nafld.patients ORDER BY pid LIMIT 3 OFFSET 1

-- attack: [18] a number of rows by a share
-- code: query.node
-- form: rows
SELECT pid FROM nafld.patients ORDER BY pid LIMIT 10%
-- twin: rows
SELECT pid FROM nafld.patients ORDER BY pid LIMIT 3 OFFSET 1

-- attack: [18] a number of rows by a cast
-- code: query.node
-- form: rows
SELECT pid FROM nafld.patients ORDER BY pid LIMIT CAST('3' AS INTEGER)
-- twin: rows
SELECT pid FROM nafld.patients ORDER BY pid LIMIT 3 OFFSET 1

-- attack: [18] a number of rows by an offset from data
-- code: query.node
-- form: rows
SELECT pid FROM nafld.patients ORDER BY pid OFFSET (SELECT max(age) FROM nafld.patients)
-- twin: rows
SELECT pid FROM nafld.patients ORDER BY pid LIMIT 3 OFFSET 1

-- attack: [18] a number of rows by ties
-- code: query.node
-- form: rows
SELECT pid FROM nafld.patients ORDER BY pid FETCH FIRST 3 ROWS WITH TIES
-- twin: rows
SELECT pid FROM nafld.patients ORDER BY pid LIMIT 3 OFFSET 1

-- attack: [18] a number of rows by a share by FETCH
-- code: query.node
-- form: rows
SELECT pid FROM nafld.patients ORDER BY pid FETCH FIRST 10 PERCENT ROWS ONLY
-- twin: rows
SELECT pid FROM nafld.patients ORDER BY pid LIMIT 3 OFFSET 1
