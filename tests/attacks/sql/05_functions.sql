-- attack: error text
-- code: query.function
-- form: rows
SELECT error(event) AS x FROM nafld.events
-- twin: rows
SELECT upper(event) AS x FROM nafld.events

-- attack: reading a file
-- code: query.function
-- form: rows
SELECT read_text('/etc/passwd') AS x FROM nafld.events
-- twin: rows
SELECT lower('/etc/passwd') AS x FROM nafld.events

-- attack: variables
-- code: query.function
-- form: rows
SELECT getvariable('x') AS x FROM nafld.events
-- twin: rows
SELECT concat('x', event) AS x FROM nafld.events

-- attack: settings
-- code: query.function
-- form: rows
SELECT current_setting('memory_limit') AS x FROM nafld.events
-- twin: rows
SELECT concat('memory', event) AS x FROM nafld.events

-- attack: hash
-- code: query.function
-- form: rows
SELECT hash(event) AS x FROM nafld.events
-- twin: rows
SELECT length(event) AS x FROM nafld.events

-- attack: random
-- code: query.function
-- form: rows
SELECT random() AS x FROM nafld.events
-- twin: rows
SELECT days / 365.25 AS x FROM nafld.events

-- attack: clock
-- code: query.function
-- form: rows
SELECT now() AS x FROM nafld.events
-- twin: rows
SELECT DATE '2026-01-01' AS x FROM nafld.events

-- attack: huge text
-- code: query.function
-- form: rows
SELECT repeat(event, 1000000000) AS x FROM nafld.events
-- twin: rows
SELECT lpad(event, 20) AS x FROM nafld.events

-- attack: list of a billion
-- code: query.function
-- form: rows
SELECT len(range(1000000000)) AS x FROM nafld.events
-- twin: rows
SELECT len(event) AS x FROM nafld.events

-- attack: list aggregate of rows
-- code: query.function
-- form: rows
SELECT histogram(event) AS x FROM nafld.events
-- twin: rows
SELECT max(event) AS x FROM nafld.events

-- attack: checksum
-- code: query.function
-- form: rows
SELECT bit_xor(days) AS x FROM nafld.events
-- twin: rows
SELECT sum(days) AS x FROM nafld.events

-- attack: product
-- code: query.function
-- form: rows
SELECT product(days) AS x FROM nafld.events
-- twin: rows
SELECT avg(days) AS x FROM nafld.events

-- attack: packing
-- code: query.function
-- form: rows
SELECT bitstring_agg(days) AS x FROM nafld.events
-- twin: rows
SELECT count(days) AS x FROM nafld.events

-- attack: type of
-- code: query.function
-- form: rows
SELECT typeof(event) AS x FROM nafld.events
-- twin: rows
SELECT left(event, 3) AS x FROM nafld.events

-- attack: serialised sql
-- code: query.function
-- form: rows
SELECT json_execute_serialized_sql('{}') AS x FROM nafld.events
-- twin: rows
SELECT trim('{}') AS x FROM nafld.events

-- attack: aliased glob
-- code: query.function
-- form: rows
SELECT "glob"(event, '*') AS x FROM nafld.events
-- twin: rows
SELECT contains(event, 'a') AS x FROM nafld.events

-- attack: lambda
-- code: query.function
-- form: rows
SELECT list_transform(days, x -> x) AS x FROM nafld.events
-- twin: rows
SELECT abs(days) AS x FROM nafld.events

-- attack: sequence
-- code: query.function
-- form: rows
SELECT nextval('s') AS x FROM nafld.events
-- twin: rows
SELECT round(days, 1) AS x FROM nafld.events

-- attack: cast to json
-- code: query.node
-- form: rows
SELECT CAST(event AS JSON) AS x FROM nafld.events
-- twin: rows
SELECT CAST(days AS DOUBLE) AS x FROM nafld.events

-- attack: cast to a struct
-- code: query.node
-- form: rows
SELECT CAST(event AS STRUCT(a INT)) AS x FROM nafld.events
-- twin: rows
SELECT TRY_CAST(event AS INT) AS x FROM nafld.events

