-- attack: several statements
-- code: query.statement
-- form: rows
SELECT 1; DELETE FROM nafld.patients
-- twin: rows
SELECT 1;

-- attack: data change
-- code: query.statement
-- form: rows
DELETE FROM nafld.patients
-- twin: rows
SELECT * FROM nafld.patients

-- attack: data change behind WITH
-- code: query.statement
-- form: rows
WITH x AS (SELECT 1) DELETE FROM nafld.patients
-- twin: rows
WITH x AS (SELECT 1 AS one) SELECT one FROM x

-- attack: explain analyze
-- code: query.statement
-- form: rows
EXPLAIN ANALYZE SELECT * FROM nafld.patients WHERE status = 1
-- twin: rows
SELECT * FROM nafld.patients WHERE status = 1

-- attack: prepare
-- code: query.statement
-- form: rows
PREPARE p AS SELECT * FROM secret.people
-- twin: rows
SELECT pid AS p FROM nafld.patients

-- attack: execute
-- code: query.statement
-- form: rows
EXECUTE p
-- twin: rows
SELECT 'execute p' AS words

-- attack: summarize
-- code: query.statement
-- form: rows
SUMMARIZE nafld.patients
-- twin: rows
SELECT min(age), max(age), count(*) FROM nafld.patients

-- attack: describe
-- code: query.statement
-- form: rows
DESCRIBE nafld.patients
-- twin: rows
SELECT * FROM nafld.patients LIMIT 0

-- attack: show tables
-- code: query.statement
-- form: rows
SHOW ALL TABLES
-- twin: rows
SELECT 'show all tables' AS words

-- attack: pivot statement
-- code: query.statement
-- form: rows
PIVOT nafld.labs ON test USING avg(value)
-- twin: rows
SELECT pid, avg(value) FILTER (test = 'hdl') AS hdl FROM nafld.labs GROUP BY pid

-- attack: pivot in FROM
-- code: query.node
-- form: rows
SELECT * FROM nafld.labs PIVOT (avg(value) FOR test IN ('hdl', 'chol'))
-- twin: rows
SELECT pid, avg(CASE WHEN test = 'hdl' THEN value END) AS hdl FROM nafld.labs GROUP BY pid

-- attack: set variable
-- code: query.statement
-- form: rows
SET VARIABLE x = (SELECT max(name) FROM secret.people)
-- twin: rows
SELECT max(bmi) AS x FROM nafld.patients

-- attack: copy out
-- code: query.statement
-- form: rows
COPY (SELECT * FROM nafld.patients) TO '/tmp/out.csv'
-- twin: rows
SELECT * FROM (SELECT * FROM nafld.patients) AS copy_of

-- attack: attach
-- code: query.statement
-- form: rows
ATTACH '/etc/passwd' AS p
-- twin: rows
SELECT '/etc/passwd' AS path

-- attack: install
-- code: query.statement
-- form: rows
INSTALL httpfs
-- twin: rows
SELECT 'install httpfs' AS words

-- attack: pragma
-- code: query.statement
-- form: rows
PRAGMA storage_info('patients')
-- twin: rows
SELECT 'pragma' AS words

-- attack: table statement
-- code: query.statement
-- form: rows
TABLE nafld.patients
-- twin: rows
FROM nafld.patients

-- attack: values as statement
-- code: query.statement
-- form: rows
VALUES (1), (2)
-- twin: rows
SELECT * FROM (VALUES (1), (2)) AS v(n)

-- attack: create macro
-- code: query.statement
-- form: rows
CREATE MACRO f() AS TABLE SELECT * FROM secret.people
-- twin: rows
WITH f AS (SELECT * FROM nafld.patients) SELECT * FROM f

-- attack: select into
-- code: query.node
-- form: rows
SELECT pid INTO x FROM nafld.patients
-- twin: rows
SELECT pid AS x FROM nafld.patients

