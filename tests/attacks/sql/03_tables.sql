-- attack: table outside the permit
-- code: query.table_not_permitted
-- form: rows
SELECT * FROM secret.people
-- twin: rows
SELECT * FROM nafld.patients

-- attack: table of a permitted database outside the permit
-- code: query.table_not_permitted
-- form: rows
SELECT * FROM nafld.notes
-- twin: rows
SELECT * FROM nafld.events

-- attack: bare name of a table outside the permit
-- code: query.table_not_permitted
-- form: rows
SELECT * FROM people
-- twin: rows
SELECT * FROM patients

-- attack: quoted name
-- code: query.table_not_permitted
-- form: rows
SELECT * FROM "secret"."people"
-- twin: rows
SELECT * FROM "nafld"."patients"

-- attack: in a subquery
-- code: query.table_not_permitted
-- form: rows
SELECT (SELECT max(name) FROM secret.people) AS n
-- twin: rows
SELECT (SELECT max(event) FROM nafld.events) AS n

-- attack: in EXISTS
-- code: query.table_not_permitted
-- form: rows
SELECT pid FROM nafld.patients p WHERE EXISTS (SELECT 1 FROM secret.people s WHERE s.pid = p.pid)
-- twin: rows
SELECT pid FROM nafld.patients p WHERE EXISTS (SELECT 1 FROM nafld.events s WHERE s.pid = p.pid)

-- attack: in a set operation
-- code: query.table_not_permitted
-- form: rows
SELECT pid FROM nafld.patients UNION ALL SELECT pid FROM secret.people
-- twin: rows
SELECT pid FROM nafld.patients UNION ALL SELECT pid FROM nafld.events

-- attack: behind a CTE of the same name
-- code: query.table_not_permitted
-- form: rows
WITH people AS (SELECT * FROM secret.people) SELECT * FROM people
-- twin: rows
WITH people AS (SELECT * FROM nafld.patients) SELECT * FROM people

-- attack: a CTE that shadows a permitted table and reads another
-- code: query.table_not_permitted
-- form: rows
WITH patients AS (SELECT * FROM secret.people) SELECT * FROM patients
-- twin: rows
WITH patients AS (SELECT * FROM nafld.patients WHERE age > 40) SELECT * FROM patients

-- attack: one CTE name twice
-- code: query.name_taken
-- form: rows
WITH x AS (SELECT 1 AS a) SELECT * FROM (WITH x AS (SELECT 2 AS a) SELECT * FROM x) AS y, x
-- twin: rows
WITH x AS (SELECT 1 AS a) SELECT * FROM (WITH z AS (SELECT 2 AS a) SELECT * FROM z) AS y, x

-- attack: three-part name
-- code: query.node
-- form: rows
SELECT * FROM memory.secret.people
-- twin: rows
SELECT nafld.patients.age FROM nafld.patients

-- attack: information schema
-- code: query.table_unknown
-- form: rows
SELECT * FROM information_schema.tables
-- twin: rows
SELECT 'information_schema.tables' AS words

-- attack: sqlite_master
-- code: query.table_unknown
-- form: rows
SELECT * FROM sqlite_master
-- twin: rows
SELECT 1 AS sqlite_master

-- attack: a file
-- code: query.table_unknown
-- form: rows
SELECT * FROM '/etc/passwd'
-- twin: rows
SELECT * FROM patients

-- attack: a remote file
-- code: query.table_unknown
-- form: rows
SELECT * FROM 'https://localhost/x.parquet'
-- twin: rows
SELECT * FROM events

-- attack: query_table
-- code: query.function
-- form: rows
SELECT * FROM query_table('secret.people')
-- twin: rows
SELECT * FROM (SELECT * FROM nafld.patients) AS query_table

-- attack: query
-- code: query.function
-- form: rows
SELECT * FROM query('SELECT * FROM secret.people')
-- twin: rows
SELECT 'SELECT * FROM secret.people' AS query

-- attack: range as a table
-- code: query.limit_list
-- form: rows
SELECT * FROM range(1000000000)
-- twin: rows
SELECT * FROM (VALUES (1), (2), (3)) AS range(i)

-- attack: unnest as a table
-- code: query.function
-- form: rows
SELECT * FROM unnest(x) AS t(x)
-- twin: rows
SELECT x FROM (VALUES (1), (2)) AS t(x)

-- attack: settings
-- code: query.function
-- form: rows
SELECT * FROM duckdb_settings()
-- twin: rows
SELECT 1 AS duckdb_settings

-- attack: lateral
-- code: query.node
-- form: rows
SELECT * FROM nafld.patients p, LATERAL (SELECT count(*) FROM nafld.events e WHERE e.pid = p.pid)
-- twin: rows
SELECT p.*, (SELECT count(*) FROM nafld.events e WHERE e.pid = p.pid) AS n FROM nafld.patients p

-- attack: databases that are not linked
-- code: query.not_linked
-- form: rows
SELECT count(*) FROM nafld.patients JOIN apart.registry USING (pid)
-- twin: rows
SELECT count(*) FROM nafld.patients JOIN claims.visits USING (pid)

