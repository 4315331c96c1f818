-- attack: [24] all, those up to an age and those from it on
-- code: hidden
-- form: table
SELECT v.k, count(*) AS n FROM nafld.patients AS p JOIN (VALUES ('all', 0, 200), ('young', 0, 60), ('old', 60, 200)) AS v(k, lo, hi)
ON p.age BETWEEN v.lo AND v.hi GROUP BY v.k
-- twin: table
SELECT v.k, count(*) AS n FROM nafld.patients AS p JOIN (VALUES ('all', 0, 200), ('young', 0, 64), ('old', 50, 200)) AS v(k, lo, hi)
ON p.age BETWEEN v.lo AND v.hi GROUP BY v.k

-- attack: [24] all, two groups that cross and what they share
-- code: hidden
-- form: table
WITH u AS (SELECT pid, 'all' AS k FROM nafld.patients UNION ALL SELECT pid, 'a' AS k FROM nafld.patients WHERE age <= 60
UNION ALL SELECT pid, 'b' AS k FROM nafld.patients WHERE age >= 40 AND age <> 61
UNION ALL SELECT pid, 'both' AS k FROM nafld.patients WHERE age BETWEEN 40 AND 60)
SELECT k, count(DISTINCT pid) AS n FROM u GROUP BY k
-- twin: table
WITH u AS (SELECT pid, 'all' AS k FROM nafld.patients UNION ALL SELECT pid, 'a' AS k FROM nafld.patients WHERE age <= 60
UNION ALL SELECT pid, 'b' AS k FROM nafld.patients WHERE age BETWEEN 40 AND 60 OR age >= 70
UNION ALL SELECT pid, 'both' AS k FROM nafld.patients WHERE age BETWEEN 40 AND 60)
SELECT k, count(DISTINCT pid) AS n FROM u GROUP BY k
