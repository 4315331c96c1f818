-- attack: [41] a row in a list
-- code: query.node
-- form: rows
SELECT list(p) FROM nafld.patients p
-- twin: rows
SELECT list(p.age) FROM nafld.patients p

-- attack: [41] a row counted
-- code: query.node
-- form: rows
SELECT count(p) FROM nafld.patients p
-- twin: rows
SELECT count(p.age) FROM nafld.patients p

-- attack: [41] a row compared
-- code: query.node
-- form: rows
SELECT 1 FROM nafld.patients p WHERE p = p
-- twin: rows
SELECT 1 FROM nafld.patients p WHERE p.age = p.age

-- attack: [41] a row as text
-- code: query.node
-- form: rows
SELECT CAST(p AS VARCHAR) FROM nafld.patients p
-- twin: rows
SELECT CAST(p.age AS VARCHAR) FROM nafld.patients p

-- attack: [41] a row in order
-- code: query.node
-- form: rows
SELECT age FROM nafld.patients p ORDER BY p
-- twin: rows
SELECT age FROM nafld.patients p ORDER BY p.age

-- attack: [41] a row as a group
-- code: query.node
-- form: rows
SELECT count(*) FROM nafld.patients p GROUP BY p
-- twin: rows
SELECT count(*) FROM nafld.patients p GROUP BY p.age

-- attack: [41] columns of a pattern
-- code: query.function
-- form: rows
SELECT max(COLUMNS('w.*')) FROM nafld.patients
-- twin: rows
SELECT max(age) FROM nafld.patients

-- attack: [41] columns of a lambda
-- code: query.function
-- form: rows
SELECT COLUMNS(c -> c LIKE 'w%') FROM nafld.patients
-- twin: rows
SELECT age FROM nafld.patients

-- attack: [41] a star unpacked
-- code: query.function
-- form: rows
SELECT coalesce(*COLUMNS(*)) FROM nafld.patients
-- twin: rows
SELECT coalesce(bmi, age) FROM nafld.patients

-- attack: [41] a star like
-- code: query.node
-- form: rows
SELECT * LIKE 'w%' FROM nafld.patients
-- twin: rows
SELECT * FROM nafld.patients WHERE true

-- attack: [41] struct_pack
-- code: query.function
-- form: rows
SELECT struct_pack(a := age) FROM nafld.patients
-- twin: rows
SELECT age AS a FROM nafld.patients

-- attack: [41] row()
-- code: query.function
-- form: rows
SELECT row(age, bmi) FROM nafld.patients
-- twin: rows
SELECT age, bmi FROM nafld.patients

-- attack: [41] a field by a dot
-- code: query.node
-- form: rows
SELECT (p).weight FROM nafld.patients p
-- twin: rows
SELECT (p.bmi) FROM nafld.patients p

-- attack: [41] a star of a row
-- code: query.function
-- form: rows
SELECT UNNEST(p) FROM nafld.patients p
-- twin: rows
SELECT p.* FROM nafld.patients p

-- attack: [41] asof by position
-- code: query.syntax
-- form: rows
SELECT * FROM nafld.events ASOF POSITIONAL JOIN nafld.labs
-- twin: rows
SELECT e.pid FROM nafld.events e ASOF JOIN nafld.labs l ON e.pid = l.pid AND e.days >= l.days

-- attack: [41] row id of a table
-- code: query.column_not_permitted
-- form: rows
SELECT p.rowid FROM nafld.patients p
-- twin: rows
SELECT p.pid FROM nafld.patients p

-- attack: [41] row id in a condition
-- code: query.column_not_permitted
-- form: rows
SELECT 1 FROM nafld.patients WHERE rowid = 0
-- twin: rows
SELECT 1 FROM nafld.patients WHERE age = 40

-- attack: [41] a hidden column by USING
-- code: query.column_not_permitted
-- form: rows
SELECT 1 FROM nafld.patients a JOIN nafld.patients b USING (weight)
-- twin: rows
SELECT 1 FROM nafld.patients a JOIN nafld.patients b USING (pid)

-- attack: [41] a hidden column in a set of keys
-- code: query.column_not_permitted
-- form: rows
SELECT count(*) FROM nafld.patients GROUP BY GROUPING SETS ((weight), ())
-- twin: rows
SELECT count(*) FROM nafld.patients GROUP BY GROUPING SETS ((bmi), ())

-- attack: [41] a hidden column in a window
-- code: query.column_not_permitted
-- form: rows
SELECT sum(age) OVER (PARTITION BY weight) FROM nafld.patients
-- twin: rows
SELECT sum(age) OVER (PARTITION BY male) FROM nafld.patients

-- attack: [41] a hidden column in a list's order
-- code: query.column_not_permitted
-- form: rows
SELECT list(age ORDER BY weight) FROM nafld.patients
-- twin: rows
SELECT list(age ORDER BY bmi) FROM nafld.patients

-- attack: [43] a text of a gigabyte
-- code: query.node
-- form: rows
SELECT lpad(event, 1000000000, 'x') FROM nafld.events
-- twin: rows
SELECT lpad(event, 40, 'x') FROM nafld.events

-- attack: [43] a text of a column's length
-- code: query.node
-- form: rows
SELECT rpad(event, days, 'x') FROM nafld.events
-- twin: rows
SELECT rpad(event, 40, 'x') FROM nafld.events

-- attack: [43] a text repeated
-- code: query.function
-- form: rows
SELECT repeat('x', 1000000000)
-- twin: rows
SELECT lpad('x', 100, 'x') AS x

-- attack: [43] a series of a billion
-- code: query.limit_list
-- form: rows
SELECT count(*) FROM generate_series(1, 1000000000) AS t(i)
-- twin: rows
SELECT count(*) FROM generate_series(1, 1000) AS t(i)

-- attack: [43] a series in the list
-- code: query.function
-- form: rows
SELECT generate_series(1, 1000000000)
-- twin: rows
SELECT i FROM generate_series(1, 10) AS t(i)

-- attack: [43] a format of great width
-- code: query.function
-- form: rows
SELECT printf('%1000000000d', 1)
-- twin: rows
SELECT lpad('1', 10, ' ') AS x

-- attack: [43] a list of a series
-- code: query.function
-- form: rows
SELECT list_sort(range(1000000000))
-- twin: rows
SELECT list_sort(list(age)) FROM nafld.patients

-- attack: [43] a list made by a lambda
-- code: query.function
-- form: rows
SELECT list_transform(range(100), x -> repeat('x', 1000000000))
-- twin: rows
SELECT list_sort([3, 1, 2]) AS x

-- attack: [43] sleep by a function
-- code: query.function
-- form: rows
SELECT sleep_ms(10000)
-- twin: rows
SELECT 10000 AS sleep_ms
