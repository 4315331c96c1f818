-- attack: bands of a list that overlap
-- code: hidden
-- form: table
SELECT b.k, count(*) AS n FROM nafld.patients AS p JOIN (VALUES (0, 95, 'x'), (0, 200, 'y')) AS b(lo, hi, k) ON p.age >= b.lo AND p.age < b.hi GROUP BY b.k
-- twin: table
SELECT b.k, count(*) AS n FROM nafld.patients AS p JOIN (VALUES (0, 60, 'x'), (60, 200, 'y')) AS b(lo, hi, k) ON p.age >= b.lo AND p.age < b.hi GROUP BY b.k

-- attack: bands that overlap, in a step
-- code: hidden
-- form: table
WITH b(lo, hi, k) AS (VALUES (0, 95, 'x'), (0, 200, 'y'))
SELECT b.k, p.male, count(*) AS n FROM nafld.patients AS p JOIN b ON p.age >= b.lo AND p.age < b.hi GROUP BY ALL
-- twin: table
WITH b(lo, hi, k) AS (VALUES (0, 60, 'x'), (60, 200, 'y'))
SELECT b.k, p.male, count(*) AS n FROM nafld.patients AS p JOIN b ON p.age >= b.lo AND p.age < b.hi GROUP BY ALL

-- attack: all, and two bands that are all but one age
-- code: hidden
-- form: table
SELECT b.k, count(*) AS n FROM nafld.patients AS p JOIN (VALUES (0, 60, 'a'), (60, 95, 'b'), (0, 200, 'y')) AS b(lo, hi, k) ON p.age >= b.lo AND p.age < b.hi GROUP BY b.k
-- twin: table
SELECT b.k, count(*) AS n FROM nafld.patients AS p JOIN (VALUES (0, 60, 'a'), (60, 200, 'b'), (0, 200, 'y')) AS b(lo, hi, k) ON p.age >= b.lo AND p.age < b.hi GROUP BY b.k

-- attack: thresholds one year apart
-- code: hidden
-- form: table
SELECT b.k, count(*) AS n FROM nafld.patients AS p JOIN (VALUES (95), (94), (18)) AS b(k) ON p.age <= b.k AND p.age > 17 GROUP BY b.k
-- twin: table
SELECT b.k, count(*) AS n FROM nafld.patients AS p JOIN (VALUES (40), (50), (60), (70)) AS b(k) ON p.age >= b.k GROUP BY b.k

-- attack: a list of codes that names a line twice
-- code: hidden
-- form: table
SELECT b.k, count(*) AS n FROM nafld.patients AS p JOIN (VALUES (true, 'a'), (true, 'b'), (false, 'b')) AS b(m, k) ON (p.age <> 95) = b.m GROUP BY b.k
-- twin: table
SELECT b.k, count(*) AS n FROM nafld.events AS e JOIN (VALUES ('diabetes', 'a'), ('htn', 'b'), ('nafld', 'b')) AS b(event, k) ON e.event = b.event GROUP BY b.k

-- attack: the same table twice under two names
-- code: hidden
-- form: table
SELECT k, count(*) AS n FROM (SELECT pid, 'all' AS k FROM nafld.patients UNION ALL SELECT pid, 'not 95' AS k FROM nafld.patients WHERE age <> 95) AS u GROUP BY k
-- twin: table
SELECT k, count(*) AS n FROM (SELECT pid, 'old' AS k FROM nafld.patients WHERE age >= 60 UNION ALL SELECT pid, 'young' AS k FROM nafld.patients WHERE age < 60) AS u GROUP BY k

-- attack: the same table twice, by steps
-- code: hidden
-- form: table
WITH a AS (SELECT pid FROM nafld.patients), b AS (SELECT pid FROM nafld.patients WHERE age <> 95),
u AS (SELECT pid, 1 AS k FROM a UNION ALL SELECT pid, 2 AS k FROM b)
SELECT k, count(DISTINCT pid) AS n FROM u GROUP BY k
-- twin: table
WITH a AS (SELECT pid FROM nafld.labs), b AS (SELECT pid FROM nafld.events),
u AS (SELECT pid, 1 AS k FROM a UNION ALL SELECT pid, 2 AS k FROM b)
SELECT k, count(DISTINCT pid) AS n FROM u GROUP BY k

-- attack: the same persons twice, with a value for nearly all
-- code: hidden
-- form: table
SELECT k, count(x) AS n FROM (SELECT pid, 'all' AS k, futime AS x FROM nafld.patients UNION ALL SELECT pid, 'not 95' AS k, CASE WHEN age <> 95 THEN futime END AS x FROM nafld.patients) AS u GROUP BY k
-- twin: table
SELECT k, count(x) AS n FROM (SELECT pid, 'all' AS k, futime AS x FROM nafld.patients UNION ALL SELECT pid, 'young' AS k, CASE WHEN age < 60 THEN futime END AS x FROM nafld.patients) AS u GROUP BY k

-- attack: copies told apart by a key of both
-- code: hidden
-- form: table
SELECT i = 1 AND age <> 95 AS a, count(*) AS n FROM nafld.patients AS p CROSS JOIN (VALUES (1), (2)) AS b(i) WHERE i = 2 OR age <> 95 GROUP BY ALL
-- twin: table
SELECT i = 1 AND age >= 60 AS a, count(*) AS n FROM nafld.patients AS p CROSS JOIN (VALUES (1), (2)) AS b(i) WHERE i = 2 OR age >= 60 GROUP BY ALL

-- attack: bands of a table of reference, from below only
-- code: hidden
-- form: table
SELECT b.band, count(*) AS n FROM nafld.patients AS p JOIN area.bands AS b ON p.age >= b.age_from WHERE b.age_from < 25 GROUP BY b.band
-- twin: table
SELECT b.band, count(*) AS n FROM nafld.patients AS p JOIN area.bands AS b ON p.age BETWEEN b.age_from AND b.age_to WHERE p.age BETWEEN 20 AND 79 GROUP BY b.band

-- attack: cells inside cells with their margins / 小計のある表で他のセルに含まれるセル
-- code: hidden
-- form: table
SELECT k, male, count(*) AS n FROM (
  SELECT pid, male, 'all' AS k FROM patients UNION ALL SELECT pid, male, 'not95' AS k FROM patients WHERE age <> 95)
GROUP BY GROUPING SETS ((k, male), (k))
-- twin: table
SELECT k, male, count(*) AS n FROM (
  SELECT pid, male, 'old' AS k FROM patients WHERE age >= 60 UNION ALL SELECT pid, male, 'young' AS k FROM patients WHERE age < 60)
GROUP BY GROUPING SETS ((k, male), (k))
