-- attack: [24] one person many times by constants
-- code: hidden
-- form: table
SELECT count(*) AS n FROM nafld.patients a JOIN (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) AS v(i) ON true WHERE a.pid IN (SELECT pid FROM nafld.patients WHERE age = 60)
-- twin: table
SELECT count(*) AS n FROM nafld.events a JOIN (VALUES (1), (2)) AS v(i) ON true WHERE a.pid IN (SELECT pid FROM nafld.patients WHERE age >= 60)

-- attack: [24] one person many times by a series
-- code: hidden
-- form: table
SELECT count(*) AS n FROM nafld.patients a CROSS JOIN range(20) AS v(i) WHERE a.pid IN (SELECT pid FROM nafld.patients WHERE age = 60)
-- twin: table
SELECT count(*) AS n FROM nafld.events a CROSS JOIN range(20) AS v(i) WHERE a.pid IN (SELECT pid FROM nafld.patients WHERE age >= 60)

-- attack: [24] one person many times by a list of bands
-- code: hidden
-- form: table
SELECT count(*) AS n FROM nafld.patients a JOIN area.bands b ON b.age_from >= 0 WHERE a.pid IN (SELECT pid FROM nafld.patients WHERE age = 60)
-- twin: table
SELECT count(*) AS n FROM nafld.events a JOIN area.bands b ON b.age_from >= 0 WHERE a.pid IN (SELECT pid FROM nafld.patients WHERE age >= 60)

-- attack: [24] records of few persons
-- code: hidden
-- form: table
SELECT count(*) AS n FROM nafld.labs l JOIN nafld.patients p USING (pid) WHERE p.age = 60
-- twin: table
SELECT count(*) AS n FROM nafld.labs l JOIN nafld.patients p USING (pid) WHERE p.age >= 60

-- attack: [24] a self join on the person
-- code: hidden
-- form: table
SELECT count(*) AS n FROM nafld.labs l JOIN nafld.labs m USING (pid) JOIN nafld.patients p USING (pid) WHERE p.age = 60
-- twin: table
SELECT count(*) AS n FROM nafld.labs l JOIN nafld.labs m USING (pid) JOIN nafld.patients p USING (pid) WHERE p.age >= 60

-- attack: [25] persons made of numbers
-- code: query.person_unknown
-- form: table
SELECT count(DISTINCT pid) AS n FROM (SELECT pid FROM nafld.patients WHERE age = 60 UNION ALL SELECT i FROM range(20) AS r(i)) AS x
-- twin: table
SELECT count(DISTINCT pid) AS n FROM (SELECT pid FROM nafld.patients WHERE age >= 60 UNION ALL SELECT pid FROM nafld.events) AS x

-- attack: [25] persons made of constants
-- code: query.person_unknown
-- form: table
SELECT count(DISTINCT pid) AS n FROM (SELECT pid FROM nafld.patients WHERE age = 60 UNION ALL SELECT * FROM (VALUES (1), (2)) AS v(pid)) AS x
-- twin: table
SELECT count(DISTINCT pid) AS n FROM (SELECT pid FROM nafld.patients WHERE age >= 60 UNION ALL SELECT pid FROM nafld.labs) AS x

-- attack: [25] persons made of ages
-- code: query.person_unknown
-- form: table
SELECT count(DISTINCT pid) AS n FROM (SELECT pid FROM nafld.patients WHERE age = 60 UNION SELECT age FROM nafld.patients) AS x
-- twin: table
SELECT count(DISTINCT pid) AS n FROM (SELECT pid FROM nafld.patients WHERE age >= 60 UNION SELECT pid FROM nafld.patients) AS x

-- attack: [25] persons made of another's identifier
-- code: query.person_unknown
-- form: table
SELECT count(DISTINCT pid) AS n FROM (SELECT pid FROM nafld.patients WHERE age = 60 UNION ALL SELECT case_pid FROM nafld.patients) AS x
-- twin: table
SELECT count(DISTINCT pid) AS n FROM (SELECT pid FROM nafld.patients WHERE age >= 60 UNION ALL SELECT pid FROM claims.visits) AS x

-- attack: [25] persons made of columns by name
-- code: query.person_unknown
-- form: table
SELECT count(DISTINCT pid) AS n FROM (SELECT pid, age FROM nafld.patients WHERE age = 60 UNION ALL BY NAME SELECT age AS pid, age FROM nafld.patients) AS x
-- twin: table
SELECT count(DISTINCT pid) AS n FROM (SELECT pid, age FROM nafld.patients WHERE age >= 60 UNION ALL SELECT pid, days FROM nafld.events) AS x

-- attack: [26] the identifier by a sum
-- code: query.person_unknown
-- form: table
SELECT count(DISTINCT p) AS n FROM (SELECT pid + 1 AS p, age FROM nafld.patients) AS x WHERE age >= 60
-- twin: table
SELECT count(DISTINCT p) AS n FROM (SELECT pid AS p, age FROM nafld.patients) AS x WHERE age >= 60

-- attack: [26] the identifier by a product
-- code: query.person_unknown
-- form: table
SELECT count(DISTINCT p) AS n FROM (SELECT pid * 100 + 7 AS p, age FROM nafld.patients) AS x WHERE age >= 60
-- twin: table
SELECT count(DISTINCT p) AS n FROM (SELECT pid AS p, age FROM nafld.patients) AS x WHERE age >= 60

-- attack: [26] the identifier by a text
-- code: query.person_unknown
-- form: table
SELECT count(DISTINCT p) AS n FROM (SELECT CAST(pid AS VARCHAR) AS p, age FROM nafld.patients) AS x WHERE age >= 60
-- twin: table
SELECT count(DISTINCT p) AS n FROM (SELECT pid AS p, age FROM nafld.patients) AS x WHERE age >= 60

-- attack: [26] the identifier by a choice
-- code: query.person_unknown
-- form: table
SELECT count(DISTINCT p) AS n FROM (SELECT CASE WHEN age > 50 THEN pid ELSE 0 END AS p, age FROM nafld.patients) AS x WHERE age >= 60
-- twin: table
SELECT count(DISTINCT p) AS n FROM (SELECT pid AS p, age FROM nafld.patients) AS x WHERE age >= 60

-- attack: [26] the identifier by a null filled
-- code: query.person_unknown
-- form: table
SELECT count(DISTINCT p) AS n FROM (SELECT coalesce(pid, 0) AS p, age FROM nafld.patients) AS x WHERE age >= 60
-- twin: table
SELECT count(DISTINCT p) AS n FROM (SELECT coalesce(pid) AS p, age FROM nafld.patients) AS x WHERE age >= 60

-- attack: [26] the identifier by the greater
-- code: query.person_unknown
-- form: table
SELECT count(DISTINCT p) AS n FROM (SELECT greatest(pid, 5) AS p, age FROM nafld.patients) AS x WHERE age >= 60
-- twin: table
SELECT count(DISTINCT p) AS n FROM (SELECT pid AS p, age FROM nafld.patients) AS x WHERE age >= 60

-- attack: [26] the identifier by a subtraction
-- code: query.person_unknown
-- form: table
SELECT count(DISTINCT p) AS n FROM (SELECT pid - 0 AS p, age FROM nafld.patients) AS x WHERE age >= 60
-- twin: table
SELECT count(DISTINCT p) AS n FROM (SELECT pid AS p, age FROM nafld.patients) AS x WHERE age >= 60

-- attack: [26] the identifier by a bracket and a sign
-- code: query.person_unknown
-- form: table
SELECT count(DISTINCT p) AS n FROM (SELECT -(-pid) AS p, age FROM nafld.patients) AS x WHERE age >= 60
-- twin: table
SELECT count(DISTINCT p) AS n FROM (SELECT (pid) AS p, age FROM nafld.patients) AS x WHERE age >= 60
