-- attack: [04] an identifier among a list by ANY
-- code: query.identifier_condition
-- form: table
SELECT count(*) AS n FROM nafld.patients WHERE pid = ANY([4242, 4243])
-- twin: table
SELECT count(*) AS n FROM nafld.patients WHERE age = ANY([40, 41, 42, 43, 44, 45, 46, 47, 48, 49])

-- attack: [04] everybody but one by ALL
-- code: query.identifier_condition
-- form: table
SELECT count(*) AS n FROM nafld.patients WHERE pid <> ALL(ARRAY[4242])
-- twin: table
SELECT count(*) AS n FROM nafld.patients WHERE age <> ALL(ARRAY[40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50])

-- attack: [04] persons listed as rows
-- code: query.identifier_condition
-- form: table
SELECT count(*) AS n FROM nafld.patients p JOIN unnest([4242, 4243]) AS u(x) ON u.x = p.pid
-- twin: table
SELECT u.x, count(DISTINCT e.pid) AS n FROM nafld.events e JOIN unnest(['htn', 'nafld']) AS u(x) ON u.x = e.event GROUP BY u.x

-- attack: [29] a stretch of an identifier's text as a key
-- code: query.key_identifies
-- form: table
SELECT CAST(pid AS VARCHAR)[1:3] AS k, count(*) AS n FROM nafld.labs GROUP BY 1
-- twin: table
SELECT test[1:1] AS k, count(*) AS n FROM nafld.labs GROUP BY 1

-- attack: [10] a stretch of a list as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, list(bmi ORDER BY bmi)[1:2] AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(bmi) AS x FROM nafld.patients GROUP BY male

-- attack: [40] rows made of a column's list
-- code: query.function
-- form: rows
SELECT x FROM nafld.patients p, unnest([p.weight]) AS u(x)
-- twin: rows
SELECT x FROM nafld.patients p, unnest(['a', 'b']) AS u(x)

-- attack: [40] rows made of a subquery's list
-- code: query.function
-- form: rows
SELECT x FROM unnest((SELECT list(name) FROM secret.people)) AS u(x)
-- twin: rows
SELECT x FROM unnest([1, 2]) AS u(x)

-- attack: [40] a list of a hidden column, by ANY
-- code: query.node
-- form: rows
SELECT age FROM nafld.patients WHERE 70 = ANY([weight, age])
-- twin: rows
SELECT age FROM nafld.patients WHERE age = ANY([70, 71])

-- attack: [41] a hidden column in a stretch
-- code: query.node
-- form: rows
SELECT event[1:weight] AS x FROM nafld.patients JOIN nafld.events USING (pid)
-- twin: rows
SELECT event[1:2] AS x FROM nafld.patients JOIN nafld.events USING (pid)

-- attack: [43] a stretch by steps
-- code: query.node
-- form: rows
SELECT list(event)[1:1000000000:1] AS x FROM nafld.events
-- twin: rows
SELECT list(event)[1:3] AS x FROM nafld.events

-- attack: [43] a join of everything with everything by a forgotten condition
-- code: query.syntax
-- form: rows
SELECT count(*) AS n FROM nafld.labs a LEFT JOIN nafld.labs b
-- twin: rows
SELECT count(*) AS n FROM nafld.labs a LEFT JOIN nafld.labs b ON a.pid = b.pid

-- attack: [13] in table form, too
-- code: query.syntax
-- form: table
SELECT count(*) AS n FROM nafld.patients p JOIN nafld.events e ON WHERE p.age > 40
-- twin: table
SELECT count(*) AS n FROM nafld.patients p JOIN nafld.events e ON e.pid = p.pid WHERE p.age > 40
