-- attack: column outside the permit
-- code: query.column_not_permitted
-- form: rows
SELECT weight FROM nafld.patients
-- twin: rows
SELECT bmi FROM nafld.patients

-- attack: in WHERE
-- code: query.column_not_permitted
-- form: rows
SELECT pid FROM nafld.patients WHERE weight > 100
-- twin: rows
SELECT pid FROM nafld.patients WHERE bmi > 30

-- attack: in FILTER
-- code: query.column_not_permitted
-- form: rows
SELECT count(*) FILTER (weight > 100) FROM nafld.patients
-- twin: rows
SELECT count(*) FILTER (bmi > 30) FROM nafld.patients

-- attack: in ORDER BY
-- code: query.column_not_permitted
-- form: rows
SELECT pid FROM nafld.patients ORDER BY weight
-- twin: rows
SELECT pid FROM nafld.patients ORDER BY bmi

-- attack: in a window
-- code: query.column_not_permitted
-- form: rows
SELECT pid, rank() OVER (ORDER BY weight) FROM nafld.patients
-- twin: rows
SELECT pid, rank() OVER (ORDER BY bmi) FROM nafld.patients

-- attack: in EXCLUDE's complement
-- code: query.column_not_permitted
-- form: rows
SELECT * REPLACE (weight AS bmi) FROM nafld.patients
-- twin: rows
SELECT * REPLACE (round(bmi) AS bmi) FROM nafld.patients

-- attack: row id
-- code: query.column_not_permitted
-- form: rows
SELECT rowid FROM nafld.patients
-- twin: rows
SELECT row_number() OVER (ORDER BY pid) AS rowid FROM nafld.patients

-- attack: a whole row
-- code: query.node
-- form: rows
SELECT patients FROM nafld.patients
-- twin: rows
SELECT patients.* FROM nafld.patients

-- attack: a whole row in an aggregate
-- code: query.node
-- form: rows
SELECT max(p) FROM nafld.patients p
-- twin: rows
SELECT max(p.age) FROM nafld.patients p

-- attack: a positional column
-- code: query.node
-- form: rows
SELECT #4 FROM nafld.patients
-- twin: rows
SELECT age FROM nafld.patients ORDER BY 1

-- attack: COLUMNS
-- code: query.function
-- form: rows
SELECT COLUMNS('.*') FROM nafld.patients
-- twin: rows
SELECT * FROM nafld.patients

-- attack: renamed by position
-- code: query.node
-- form: rows
SELECT d FROM nafld.patients AS p(a, b, c, d)
-- twin: rows
SELECT d FROM (SELECT pid, age, male, bmi FROM nafld.patients) AS p(a, b, c, d)

-- attack: struct access
-- code: query.node
-- form: rows
SELECT p['weight'] FROM nafld.patients p
-- twin: rows
SELECT p.bmi FROM nafld.patients p

-- attack: struct literal
-- code: query.node
-- form: rows
SELECT {'p': age} FROM nafld.patients
-- twin: rows
SELECT age AS p FROM nafld.patients

-- attack: to_json
-- code: query.function
-- form: rows
SELECT to_json(p) FROM nafld.patients p
-- twin: rows
SELECT concat(age, ',', bmi) FROM nafld.patients p

-- attack: natural join
-- code: query.node
-- form: rows
SELECT * FROM nafld.patients NATURAL JOIN nafld.events
-- twin: rows
SELECT * FROM nafld.patients JOIN nafld.events USING (pid)

-- attack: positional join
-- code: query.node
-- form: rows
SELECT * FROM nafld.patients POSITIONAL JOIN nafld.events
-- twin: rows
SELECT * FROM nafld.patients CROSS JOIN (SELECT 1 AS one) AS o

-- attack: hidden column through a correlated name
-- code: query.column_not_permitted
-- form: rows
SELECT pid FROM nafld.patients p WHERE EXISTS (SELECT 1 FROM nafld.events e WHERE e.pid = p.pid AND p.weight > 90)
-- twin: rows
SELECT pid FROM nafld.patients p WHERE EXISTS (SELECT 1 FROM nafld.events e WHERE e.pid = p.pid AND p.bmi > 30)

