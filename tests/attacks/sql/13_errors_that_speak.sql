-- attack: [05] a cast of a text
-- code: query.value
-- form: rows
SELECT CAST(event AS INTEGER) AS x FROM nafld.events
-- twin: rows
SELECT TRY_CAST(event AS INTEGER) AS x FROM nafld.events

-- attack: [05] a cast by colons
-- code: query.value
-- form: rows
SELECT event::DATE AS x FROM nafld.events
-- twin: rows
SELECT TRY_CAST(event AS DATE) AS x FROM nafld.events

-- attack: [05] a cast to a time
-- code: query.value
-- form: rows
SELECT CAST(event AS TIMESTAMP) AS x FROM nafld.events
-- twin: rows
SELECT TRY_CAST(event AS TIMESTAMP) AS x FROM nafld.events

-- attack: [05] a cast to a truth
-- code: query.value
-- form: rows
SELECT event::BOOLEAN AS x FROM nafld.events
-- twin: rows
SELECT TRY_CAST(event AS BOOLEAN) AS x FROM nafld.events

-- attack: [05] a cast to an interval
-- code: query.value
-- form: rows
SELECT CAST(event AS INTERVAL) AS x FROM nafld.events
-- twin: rows
SELECT TRY_CAST(event AS INTERVAL) AS x FROM nafld.events

-- attack: [05] a cast to a decimal
-- code: query.value
-- form: rows
SELECT CAST(event AS DECIMAL(5, 2)) AS x FROM nafld.events
-- twin: rows
SELECT TRY_CAST(event AS DECIMAL(5, 2)) AS x FROM nafld.events

-- attack: [06] error
-- code: query.function
-- form: rows
SELECT error('x=' || event) AS x FROM nafld.events
-- twin: rows
SELECT 'x=' || event AS x FROM nafld.events

-- attack: [06] error in CASE
-- code: query.function
-- form: rows
SELECT CASE WHEN event = 'htn' THEN error(event) END AS x FROM nafld.events
-- twin: rows
SELECT CASE WHEN event = 'htn' THEN upper(event) END AS x FROM nafld.events

-- attack: [06] error quoted
-- code: query.function
-- form: rows
SELECT "error"(event) AS x FROM nafld.events
-- twin: rows
SELECT "upper"(event) AS x FROM nafld.events

-- attack: [06] error in capitals
-- code: query.function
-- form: rows
SELECT ERROR(event) AS x FROM nafld.events
-- twin: rows
SELECT UPPER(event) AS x FROM nafld.events

-- attack: [07] an overflow of a product
-- code: query.value
-- form: rows
SELECT 9223372036854775807 * days AS x FROM nafld.events
-- twin: rows
SELECT days * 2 AS x FROM nafld.events

-- attack: [07] an overflow of a sum
-- code: query.value
-- form: rows
SELECT 9223372036854775807 + days AS x FROM nafld.events
-- twin: rows
SELECT days + 7 AS x FROM nafld.events

-- attack: [07] an overflow of a power
-- code: query.value
-- form: rows
SELECT CAST(power(days + 10, 30) AS BIGINT) AS x FROM nafld.events
-- twin: rows
SELECT CAST(power(days + 10, 2) AS BIGINT) AS x FROM nafld.events

-- attack: [07] a narrow type
-- code: query.value
-- form: rows
SELECT CAST(days + 1000 AS TINYINT) AS x FROM nafld.events
-- twin: rows
SELECT CAST(days + 1000 AS INTEGER) AS x FROM nafld.events

-- attack: [07] a factorial
-- code: query.value
-- form: rows
SELECT factorial(days + 100) AS x FROM nafld.events
-- twin: rows
SELECT factorial(days % 10) AS x FROM nafld.events

-- attack: [08] strptime
-- code: query.value
-- form: rows
SELECT strptime(event, '%Y') AS x FROM nafld.events
-- twin: rows
SELECT try_strptime(event, '%Y') AS x FROM nafld.events

-- attack: [08] make_date
-- code: query.value
-- form: rows
SELECT make_date(days + 300000000, 1, 1) AS x FROM nafld.events
-- twin: rows
SELECT make_date(2020, 1 + days % 12, 1) AS x FROM nafld.events

-- attack: [08] a logarithm of less than nothing
-- code: query.value
-- form: rows
SELECT ln(days - 100000) AS x FROM nafld.events
-- twin: rows
SELECT ln(days + 1) AS x FROM nafld.events

-- attack: [08] a root of less than nothing
-- code: query.value
-- form: rows
SELECT sqrt(days - 100000) AS x FROM nafld.events
-- twin: rows
SELECT sqrt(days) AS x FROM nafld.events

-- attack: [08] a pattern from the data
-- code: query.value
-- form: rows
SELECT regexp_matches('x', '(' || event) AS x FROM nafld.events
-- twin: rows
SELECT regexp_matches(event, '^h') AS x FROM nafld.events

-- attack: [08] a date from a text of the data
-- code: query.value
-- form: rows
SELECT DATE '2020-01-01' + CAST(event AS INTERVAL) AS x FROM nafld.events
-- twin: rows
SELECT DATE '2020-01-01' + INTERVAL (days) DAY AS x FROM nafld.events

-- attack: [08] json_extract
-- code: query.function
-- form: rows
SELECT json_extract(event, '$.x') AS x FROM nafld.events
-- twin: rows
SELECT left(event, 2) AS x FROM nafld.events

-- attack: [08] json arrow
-- code: query.function
-- form: rows
SELECT event -> '$.x' AS x FROM nafld.events
-- twin: rows
SELECT event || '.x' AS x FROM nafld.events

-- attack: [08] json double arrow
-- code: query.function
-- form: rows
SELECT event ->> 'x' AS x FROM nafld.events
-- twin: rows
SELECT event || 'x' AS x FROM nafld.events
