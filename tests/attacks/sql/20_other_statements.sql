-- attack: [30] unpivot statement
-- code: query.statement
-- form: rows
UNPIVOT nafld.patients ON age, bmi
-- twin: rows
SELECT pid, age AS v FROM nafld.patients UNION ALL SELECT pid, bmi FROM nafld.patients

-- attack: [30] pivot in a step
-- code: query.node
-- form: rows
WITH x AS (PIVOT nafld.labs ON test USING sum(value)) SELECT * FROM x
-- twin: rows
WITH x AS (SELECT pid, sum(CASE WHEN test = 'hdl' THEN value END) AS hdl FROM nafld.labs GROUP BY pid) SELECT * FROM x

-- attack: [30] unpivot in FROM
-- code: query.node
-- form: rows
SELECT * FROM nafld.patients UNPIVOT (v FOR k IN (age, bmi))
-- twin: rows
SELECT 'age' AS k, age AS v FROM nafld.patients

-- attack: [30] pivot wider
-- code: query.statement
-- form: rows
PIVOT_WIDER nafld.labs ON test USING sum(value)
-- twin: rows
SELECT test, sum(value) AS s FROM nafld.labs GROUP BY test

-- attack: [31] summarize a query
-- code: query.statement
-- form: rows
SUMMARIZE SELECT * FROM nafld.patients
-- twin: rows
SELECT min(age), max(age) FROM nafld.patients

-- attack: [31] summarize in FROM
-- code: query.node
-- form: rows
SELECT * FROM (SUMMARIZE nafld.patients)
-- twin: rows
SELECT * FROM (SELECT min(age) AS lo FROM nafld.patients)

-- attack: [31] describe a query
-- code: query.statement
-- form: rows
DESCRIBE SELECT * FROM secret.people
-- twin: rows
SELECT * FROM nafld.patients LIMIT 0

-- attack: [31] table in brackets
-- code: query.statement
-- form: rows
(TABLE nafld.patients)
-- twin: rows
(SELECT * FROM nafld.patients)

-- attack: [31] from a hidden table
-- code: query.table_not_permitted
-- form: rows
FROM secret.people
-- twin: rows
FROM nafld.patients

-- attack: [31] from with select behind
-- code: query.table_not_permitted
-- form: rows
FROM secret.people SELECT name
-- twin: rows
FROM nafld.patients SELECT age

-- attack: [32] using sample
-- code: query.node
-- form: rows
SELECT pid FROM nafld.patients USING SAMPLE 10
-- twin: rows
SELECT pid FROM nafld.patients WHERE pid % 10 = 3

-- attack: [32] tablesample
-- code: query.node
-- form: rows
SELECT pid FROM nafld.patients TABLESAMPLE 10%
-- twin: rows
SELECT pid FROM nafld.patients LIMIT 10

-- attack: [32] tablesample with a seed
-- code: query.node
-- form: rows
SELECT pid FROM nafld.patients TABLESAMPLE reservoir(10 ROWS) REPEATABLE (42)
-- twin: rows
SELECT pid FROM nafld.patients ORDER BY pid LIMIT 10

-- attack: [32] bernoulli
-- code: query.node
-- form: rows
SELECT pid FROM nafld.patients TABLESAMPLE BERNOULLI (5)
-- twin: rows
SELECT pid FROM nafld.patients WHERE age > 5

-- attack: [33] recursive clock
-- code: query.node
-- form: rows
WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r WHERE i < 300000) SELECT max(i) FROM r
-- twin: rows
WITH r AS (SELECT 1 AS i UNION ALL SELECT 2) SELECT max(i) FROM r

-- attack: [33] recursive over persons
-- code: query.node
-- form: rows
WITH RECURSIVE r AS (SELECT pid FROM nafld.patients UNION ALL SELECT pid FROM r) SELECT count(*) FROM r
-- twin: rows
WITH r AS (SELECT pid FROM nafld.patients UNION ALL SELECT pid FROM nafld.events) SELECT count(*) FROM r

-- attack: [33] recursive by key
-- code: query.node
-- form: rows
WITH RECURSIVE r(i) USING KEY (i) AS (SELECT 1 UNION SELECT i + 1 FROM r) SELECT * FROM r
-- twin: rows
WITH r(i) AS (SELECT 1 UNION SELECT 2) SELECT * FROM r

-- attack: [34] explain
-- code: query.statement
-- form: rows
EXPLAIN SELECT * FROM nafld.patients
-- twin: rows
SELECT * FROM nafld.patients

-- attack: [34] explain analyze as JSON
-- code: query.statement
-- form: rows
EXPLAIN (ANALYZE, FORMAT JSON) SELECT 1
-- twin: rows
SELECT 1

-- attack: [35] deallocate
-- code: query.statement
-- form: rows
DEALLOCATE p
-- twin: rows
SELECT 1 AS p

-- attack: [35] execute with values
-- code: query.statement
-- form: rows
EXECUTE p(1, 2)
-- twin: rows
SELECT 1 AS p, 2 AS q

-- attack: [36] macro
-- code: query.statement
-- form: rows
CREATE TEMP MACRO f(a) AS a + 1
-- twin: rows
SELECT age + 1 AS f FROM nafld.patients

-- attack: [36] view
-- code: query.statement
-- form: rows
CREATE VIEW v AS SELECT * FROM secret.people
-- twin: rows
WITH v AS (SELECT * FROM nafld.patients) SELECT * FROM v

-- attack: [36] temporary table
-- code: query.statement
-- form: rows
CREATE TEMP TABLE t AS SELECT 1
-- twin: rows
WITH t AS (SELECT 1 AS a) SELECT * FROM t

-- attack: [36] use
-- code: query.statement
-- form: rows
USE secret
-- twin: rows
SELECT 'use secret' AS words

-- attack: [36] reset
-- code: query.statement
-- form: rows
RESET VARIABLE x
-- twin: rows
SELECT 'reset' AS words

-- attack: [36] call
-- code: query.statement
-- form: rows
CALL pragma_version()
-- twin: rows
SELECT 'call' AS words

-- attack: [36] set
-- code: query.statement
-- form: rows
SET threads = 1
-- twin: rows
SELECT 1 AS threads

-- attack: [38] show databases
-- code: query.statement
-- form: rows
SHOW DATABASES
-- twin: rows
SELECT 'databases' AS words

-- attack: [39] export
-- code: query.statement
-- form: rows
EXPORT DATABASE '/tmp/x'
-- twin: rows
SELECT '/tmp/x' AS path

-- attack: [39] load
-- code: query.statement
-- form: rows
LOAD httpfs
-- twin: rows
SELECT 'load' AS words

-- attack: [39] import
-- code: query.statement
-- form: rows
IMPORT DATABASE '/tmp/x'
-- twin: rows
SELECT 'import' AS words

-- attack: [39] detach
-- code: query.statement
-- form: rows
DETACH held
-- twin: rows
SELECT 'detach' AS words

-- attack: [42] update
-- code: query.statement
-- form: rows
UPDATE nafld.patients SET age = 0
-- twin: rows
SELECT 0 AS age FROM nafld.patients

-- attack: [42] insert
-- code: query.statement
-- form: rows
INSERT INTO nafld.patients SELECT * FROM nafld.patients
-- twin: rows
SELECT * FROM nafld.patients

-- attack: [42] merge
-- code: query.statement
-- form: rows
MERGE INTO nafld.patients USING nafld.events ON true WHEN MATCHED THEN DELETE
-- twin: rows
SELECT 1 FROM nafld.patients JOIN nafld.events USING (pid)

-- attack: [42] insert behind a step
-- code: query.statement
-- form: rows
WITH x AS (SELECT 1 AS a) INSERT INTO nafld.patients SELECT a FROM x
-- twin: rows
WITH x AS (SELECT 1 AS a) SELECT a FROM x

-- attack: [42] delete within a step
-- code: query.node
-- form: rows
WITH x AS (DELETE FROM nafld.patients RETURNING *) SELECT * FROM x
-- twin: rows
WITH x AS (SELECT * FROM nafld.patients) SELECT * FROM x

-- attack: [42] two statements in a comment's end
-- code: query.statement
-- form: rows
SELECT 1 /* ; */; SELECT 2
-- twin: rows
SELECT 1 /* ; SELECT 2 */

-- attack: [42] a statement behind a dollar text
-- code: query.statement
-- form: rows
SELECT $$a$$; SELECT 2
-- twin: rows
SELECT $$a; SELECT 2$$ AS a

-- attack: [42] begin
-- code: query.statement
-- form: rows
BEGIN TRANSACTION
-- twin: rows
SELECT 'begin' AS words

-- attack: [42] truncate
-- code: query.statement
-- form: rows
TRUNCATE nafld.patients
-- twin: rows
SELECT 'truncate' AS words

-- attack: [42] drop
-- code: query.statement
-- form: rows
DROP TABLE nafld.patients
-- twin: rows
SELECT 'drop' AS words

-- attack: [42] checkpoint
-- code: query.statement
-- form: rows
CHECKPOINT
-- twin: rows
SELECT 'checkpoint' AS words

-- attack: [42] comment on
-- code: query.statement
-- form: rows
COMMENT ON TABLE nafld.patients IS 'x'
-- twin: rows
SELECT 'comment' AS words
