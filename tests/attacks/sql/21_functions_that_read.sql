-- attack: [37] query with a join
-- code: query.node
-- form: rows
SELECT * FROM nafld.patients p JOIN query('SELECT * FROM secret.people') q ON true
-- twin: rows
SELECT * FROM nafld.patients p JOIN (SELECT 1 AS one) q ON true

-- attack: [37] query_table by a list
-- code: query.function
-- form: rows
SELECT * FROM query_table(['secret.people'])
-- twin: rows
SELECT * FROM nafld.patients

-- attack: [37] query_table by name
-- code: query.function
-- form: rows
SELECT * FROM query_table('nafld.patients')
-- twin: rows
SELECT * FROM nafld.patients

-- attack: [37] query quoted
-- code: query.function
-- form: rows
SELECT * FROM "query"('SELECT 1')
-- twin: rows
SELECT * FROM (SELECT 1 AS one) AS "query"

-- attack: [37] a serialised statement as a table
-- code: query.function
-- form: rows
SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))
-- twin: rows
SELECT * FROM (SELECT 1 AS one) AS j

-- attack: [37] json_serialize_sql
-- code: query.function
-- form: rows
SELECT json_serialize_sql('SELECT 1')
-- twin: rows
SELECT 'SELECT 1' AS words

-- attack: [38] duckdb_tables
-- code: query.function
-- form: rows
SELECT * FROM duckdb_tables()
-- twin: rows
SELECT 'duckdb_tables' AS words

-- attack: [38] duckdb_columns
-- code: query.function
-- form: rows
SELECT column_name FROM duckdb_columns()
-- twin: rows
SELECT 'weight' AS column_name

-- attack: [38] pragma_storage_info
-- code: query.function
-- form: rows
SELECT * FROM pragma_storage_info('nafld.patients')
-- twin: rows
SELECT * FROM nafld.patients

-- attack: [38] pragma_table_info
-- code: query.function
-- form: rows
SELECT * FROM pragma_table_info('nafld.patients')
-- twin: rows
SELECT * FROM nafld.patients LIMIT 0

-- attack: [38] pg_catalog
-- code: query.table_unknown
-- form: rows
SELECT * FROM pg_catalog.pg_tables
-- twin: rows
SELECT 'pg_tables' AS words

-- attack: [38] information_schema columns
-- code: query.table_unknown
-- form: rows
SELECT * FROM information_schema.columns
-- twin: rows
SELECT 'columns' AS words

-- attack: [38] sqlite_schema
-- code: query.table_unknown
-- form: rows
SELECT * FROM sqlite_schema
-- twin: rows
SELECT 1 AS sqlite_schema

-- attack: [38] duckdb_secrets
-- code: query.function
-- form: rows
SELECT * FROM duckdb_secrets()
-- twin: rows
SELECT 1 AS duckdb_secrets

-- attack: [38] which_secret
-- code: query.function
-- form: rows
SELECT * FROM which_secret('x', 'y')
-- twin: rows
SELECT 'x' AS which_secret

-- attack: [38] current_schema
-- code: query.function
-- form: rows
SELECT current_schema()
-- twin: rows
SELECT 'main' AS current_schema

-- attack: [38] current_database
-- code: query.function
-- form: rows
SELECT current_database()
-- twin: rows
SELECT 'held' AS current_database

-- attack: [38] current_user
-- code: query.function
-- form: rows
SELECT current_user
-- twin: rows
SELECT 'x' AS "user"

-- attack: [38] version
-- code: query.function
-- form: rows
SELECT version()
-- twin: rows
SELECT '1' AS version

-- attack: [38] stats
-- code: query.function
-- form: rows
SELECT stats(age) FROM nafld.patients
-- twin: rows
SELECT min(age) FROM nafld.patients

-- attack: [38] in_search_path
-- code: query.function
-- form: rows
SELECT in_search_path('held', 'main')
-- twin: rows
SELECT 'held' AS p

-- attack: [38] txid_current
-- code: query.function
-- form: rows
SELECT txid_current()
-- twin: rows
SELECT 1 AS txid_current

-- attack: [39] read_csv
-- code: query.function
-- form: rows
SELECT * FROM read_csv('/etc/passwd')
-- twin: rows
SELECT '/etc/passwd' AS path

-- attack: [39] read_parquet with a list
-- code: query.function
-- form: rows
SELECT * FROM read_parquet(['/tmp/x'])
-- twin: rows
SELECT '/tmp/x' AS path

-- attack: [39] read_blob
-- code: query.function
-- form: rows
SELECT * FROM read_blob('/etc/passwd')
-- twin: rows
SELECT 'read_blob' AS words

-- attack: [39] read_json
-- code: query.function
-- form: rows
SELECT * FROM read_json_auto('/etc/passwd')
-- twin: rows
SELECT 'read_json' AS words

-- attack: [39] sniff_csv
-- code: query.function
-- form: rows
SELECT * FROM sniff_csv('/etc/passwd')
-- twin: rows
SELECT 'sniff_csv' AS words

-- attack: [39] glob
-- code: query.function
-- form: rows
SELECT * FROM glob('/etc/*')
-- twin: rows
SELECT '/etc/*' AS pattern

-- attack: [39] a file in double quotes
-- code: query.table_unknown
-- form: rows
SELECT * FROM "/etc/passwd"
-- twin: rows
SELECT * FROM "patients"

-- attack: [39] a file of the process
-- code: query.table_unknown
-- form: rows
SELECT * FROM '/proc/self/environ'
-- twin: rows
SELECT '/proc/self/environ' AS path

-- attack: [39] a parquet by its name
-- code: query.table_unknown
-- form: rows
SELECT * FROM 'x.parquet'
-- twin: rows
SELECT 'x.parquet' AS path

-- attack: [39] a database file
-- code: query.function
-- form: rows
SELECT * FROM parquet_scan('x')
-- twin: rows
SELECT 'x' AS path

-- attack: [39] getenv
-- code: query.function
-- form: rows
SELECT getenv('HOME')
-- twin: rows
SELECT 'HOME' AS name

-- attack: [40] glob quoted
-- code: query.function
-- form: rows
SELECT * FROM "glob"('/etc/*')
-- twin: rows
SELECT '/etc/*' AS "glob"

-- attack: [40] read_text quoted
-- code: query.function
-- form: rows
SELECT * FROM "read_text"('/etc/passwd')
-- twin: rows
SELECT '/etc/passwd' AS "read_text"

-- attack: [40] a function with its schema
-- code: query.node
-- form: rows
SELECT main.upper('x')
-- twin: rows
SELECT upper('x') AS x

-- attack: [40] a function with its catalog
-- code: query.node
-- form: rows
SELECT system.main.getenv('x')
-- twin: rows
SELECT upper('x') AS x

-- attack: [40] mixed capitals
-- code: query.function
-- form: rows
SELECT * FROM Read_Text('/etc/passwd')
-- twin: rows
SELECT Upper('/etc/passwd') AS x

-- attack: [40] quoted capitals
-- code: query.function
-- form: rows
SELECT "Hash"(age) FROM nafld.patients
-- twin: rows
SELECT "Abs"(age) FROM nafld.patients
