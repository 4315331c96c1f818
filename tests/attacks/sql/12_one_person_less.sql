-- attack: [04] an identifier in FILTER
-- code: query.identifier_condition
-- form: table
SELECT count(*) FILTER (WHERE pid <> 4242) AS n FROM nafld.patients
-- twin: table
SELECT count(*) FILTER (WHERE age < 42) AS n FROM nafld.patients

-- attack: [04] an identifier in WHERE
-- code: query.identifier_condition
-- form: table
SELECT count(*) AS n FROM nafld.patients WHERE pid <> 4242
-- twin: table
SELECT count(*) AS n FROM nafld.patients WHERE age < 60

-- attack: [04] an identifier in NOT IN
-- code: query.identifier_condition
-- form: table
SELECT count(*) AS n FROM nafld.patients WHERE pid NOT IN (4242, 4243)
-- twin: table
SELECT count(*) AS n FROM nafld.patients WHERE age NOT IN (42, 43) AND age < 70

-- attack: [04] EXCEPT of one
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM (SELECT pid FROM nafld.patients EXCEPT SELECT 4242) AS x
-- twin: table
SELECT count(*) AS n FROM (SELECT pid FROM nafld.patients EXCEPT SELECT pid FROM nafld.events WHERE event = 'htn') AS x

-- attack: [04] anti join against constants
-- code: query.identifier_condition
-- form: table
SELECT count(*) AS n FROM nafld.patients p ANTI JOIN (VALUES (4242)) AS v(pid) ON v.pid = p.pid
-- twin: table
SELECT count(*) AS n FROM nafld.patients p ANTI JOIN (SELECT pid FROM nafld.events WHERE event = 'htn') AS v ON v.pid = p.pid

-- attack: [04] an identifier in CASE
-- code: query.identifier_condition
-- form: table
SELECT sum(CASE WHEN pid = 4242 THEN 0 ELSE 1 END) AS n FROM nafld.patients
-- twin: table
SELECT sum(CASE WHEN age < 50 THEN 0 ELSE 1 END) AS n FROM nafld.patients

-- attack: [04] an identifier by range
-- code: query.identifier_condition
-- form: table
SELECT count(*) AS n FROM nafld.patients WHERE pid BETWEEN 4242 AND 4242
-- twin: table
SELECT count(*) AS n FROM nafld.patients WHERE age BETWEEN 42 AND 70

-- attack: [04] an identifier as text
-- code: query.identifier_condition
-- form: table
SELECT count(*) AS n FROM nafld.patients WHERE CAST(pid AS VARCHAR) LIKE '4242%'
-- twin: table
SELECT count(*) AS n FROM nafld.patients WHERE CAST(age AS VARCHAR) LIKE '4%'

-- attack: [04] left join and a null
-- code: query.identifier_condition
-- form: table
SELECT count(*) AS n FROM nafld.patients p LEFT JOIN (SELECT 4242 AS pid) AS v ON v.pid = p.pid WHERE v.pid IS NULL
-- twin: table
SELECT count(*) AS n FROM nafld.patients p LEFT JOIN (SELECT DISTINCT pid FROM nafld.events WHERE event = 'htn') AS v ON v.pid = p.pid WHERE v.pid IS NULL

-- attack: [04] a few left out of the sum
-- code: hidden
-- form: table
SELECT sum(futime) AS s, sum(futime) FILTER (WHERE age <> 60) AS d FROM nafld.patients
-- twin: table
SELECT sum(futime) AS s, sum(futime) FILTER (WHERE age < 60) AS d FROM nafld.patients

-- attack: [09] division by a person's number
-- code: query.identifier_condition
-- form: table
SELECT count(1 / (pid - 4242)) AS n FROM nafld.patients
-- twin: table
SELECT count(1 / (age - 200)) AS n FROM nafld.patients

-- attack: [09] nullif of a person's number
-- code: query.identifier_condition
-- form: table
SELECT count(nullif(pid, 4242)) AS n FROM nafld.patients
-- twin: table
SELECT count(nullif(age, 200)) AS n FROM nafld.patients

-- attack: [09] remainder of a person's number
-- code: query.identifier_condition
-- form: table
SELECT count(*) AS n FROM nafld.patients WHERE pid % 4242 = 0
-- twin: table
SELECT count(*) AS n FROM nafld.patients WHERE age % 2 = 0

-- attack: [04] an identifier chosen through a subquery
-- code: query.identifier_condition
-- form: table
SELECT count(*) AS n FROM nafld.patients p WHERE (SELECT p.pid) = 4242
-- twin: table
SELECT count(*) AS n FROM nafld.patients p WHERE (SELECT p.age) < 60

-- attack: [04] an identifier renamed in a step
-- code: query.identifier_condition
-- form: table
WITH x AS (SELECT pid AS k, pid FROM nafld.patients) SELECT count(*) AS n FROM x WHERE k <> 4242
-- twin: table
WITH x AS (SELECT age AS k, pid FROM nafld.patients) SELECT count(*) AS n FROM x WHERE k < 60

-- attack: [04] an identifier as the least of a group
-- code: query.identifier_condition
-- form: table
WITH x AS (SELECT pid, min(pid) AS k FROM nafld.labs GROUP BY pid) SELECT count(*) AS n FROM x WHERE k <> 4242
-- twin: table
WITH x AS (SELECT pid, min(days) AS k FROM nafld.labs GROUP BY pid) SELECT count(*) AS n FROM x WHERE k < 2000

-- attack: [04] an identifier in HAVING of a step
-- code: query.identifier_condition
-- form: table
SELECT count(*) AS n FROM (SELECT pid FROM nafld.labs GROUP BY pid HAVING pid <> 4242) AS x
-- twin: table
SELECT count(*) AS n FROM (SELECT pid FROM nafld.labs GROUP BY pid HAVING count(*) > 1) AS x

-- attack: [04] an identifier in a join's condition
-- code: query.identifier_condition
-- form: table
SELECT count(*) AS n FROM nafld.patients p JOIN area.bands b ON p.pid > b.standard
-- twin: table
SELECT count(*) AS n FROM nafld.patients p JOIN area.bands b ON p.age BETWEEN b.age_from AND b.age_to

-- attack: [04] an identifier compared with a reference
-- code: query.identifier_condition
-- form: table
SELECT count(*) AS n FROM nafld.patients p WHERE p.pid IN (SELECT standard FROM area.bands)
-- twin: table
SELECT count(*) AS n FROM nafld.patients p WHERE p.age IN (SELECT age_from FROM area.bands)

-- attack: [04] an identifier in a CASE of a step
-- code: query.identifier_condition
-- form: table
WITH x AS (SELECT pid, CASE pid WHEN 4242 THEN 1 ELSE 0 END AS k FROM nafld.patients) SELECT count(*) FILTER (WHERE k = 0) AS n FROM x
-- twin: table
WITH x AS (SELECT pid, CASE male WHEN true THEN 1 ELSE 0 END AS k FROM nafld.patients) SELECT count(*) FILTER (WHERE k = 0) AS n FROM x

-- attack: [04] another person's identifier in a condition
-- code: query.identifier_condition
-- form: table
SELECT count(*) AS n FROM nafld.patients WHERE case_pid <> 4242
-- twin: table
SELECT count(*) AS n FROM nafld.patients WHERE case_pid IS NOT NULL

-- attack: [09] an order of persons as a number
-- code: query.identifier_condition
-- form: table
WITH x AS (SELECT pid, row_number() OVER (PARTITION BY pid ORDER BY days) + pid AS k FROM nafld.labs) SELECT count(*) AS n FROM x WHERE k > 4242
-- twin: table
WITH x AS (SELECT pid, row_number() OVER (PARTITION BY pid ORDER BY days) AS k FROM nafld.labs) SELECT count(*) AS n FROM x WHERE k = 1

-- attack: [04] an identifier's number beside a left join's null
-- code: query.identifier_condition
-- form: table
SELECT count(*) AS n FROM nafld.patients WHERE pid + 0 > 4242
-- twin: table
SELECT count(*) AS n FROM nafld.patients p LEFT JOIN nafld.events e ON e.pid = p.pid AND e.event = 'htn' WHERE e.pid IS NULL

-- attack: [04] an identifier's number beside persons of a condition
-- code: query.identifier_condition
-- form: table
SELECT count(*) AS n FROM nafld.patients WHERE pid + 0 > 4242
-- twin: table
SELECT count(DISTINCT CASE WHEN e.event = 'htn' THEN e.pid END) AS n FROM nafld.events e

-- attack: [04] an identifier's number beside a full join
-- code: query.identifier_condition
-- form: table
SELECT count(*) AS n FROM nafld.patients WHERE pid + 0 > 4242
-- twin: table
SELECT count(DISTINCT coalesce(a.pid, b.pid)) AS n FROM nafld.events a FULL JOIN nafld.labs b ON a.pid = b.pid
