-- attack: [19] a code made in a step of one line per person
-- code: hidden
-- form: table
WITH c AS (SELECT pid, max(CASE WHEN age = 95 THEN 100000 WHEN male THEN 1 ELSE 0 END) AS x FROM nafld.patients GROUP BY pid)
SELECT sum(x) AS s FROM c
-- twin: table
WITH c AS (SELECT pid, max(CASE WHEN value > 200 THEN 3 WHEN value > 100 THEN 2 ELSE 1 END) AS stage FROM nafld.labs GROUP BY pid)
SELECT avg(stage) AS s FROM c

-- attack: [19] a code made in a step without repetition
-- code: hidden
-- form: table
WITH c AS (SELECT DISTINCT pid, CASE WHEN age = 95 THEN 100000 WHEN male THEN 1 ELSE 0 END AS x FROM nafld.patients)
SELECT avg(x) AS s, count(*) AS n FROM c
-- twin: table
WITH c AS (SELECT DISTINCT pid, event FROM nafld.events), w(event, points) AS (VALUES ('htn', 1), ('nafld', 2), ('diabetes', 6)),
s AS (SELECT pid, sum(points) AS score FROM c JOIN w USING (event) GROUP BY pid)
SELECT avg(score) AS m, stddev(score) AS sd, count(*) AS n FROM s

-- attack: [19] two flags of a step, put together outside
-- code: hidden
-- form: table
WITH c AS (SELECT pid, max((age = 95)::INT) AS x, max(male::INT) AS y FROM nafld.patients GROUP BY pid)
SELECT sum(x * 100000 + y) AS s FROM c
-- twin: table
WITH c AS (SELECT pid, max((age >= 60)::INT) AS x, max(male::INT) AS y FROM nafld.patients GROUP BY pid)
SELECT sum(x * 2 + y) AS s FROM c

-- attack: [19] two flags of a step that does not group, put together outside
-- code: hidden
-- form: table
WITH c AS (SELECT pid, (age = 95)::INT AS x, male::INT AS y FROM nafld.patients) SELECT sum(x * 100000 + y) AS s FROM c
-- twin: table
WITH c AS (SELECT pid, (age >= 60)::INT AS x, male::INT AS y FROM nafld.patients) SELECT sum(x * 100000 + y) AS s FROM c

-- attack: [19] counts of a step in digits
-- code: hidden
-- form: table
WITH c AS (SELECT pid, count(*) FILTER (WHERE age = 95) * 100000 + count(*) FILTER (WHERE male) AS x FROM nafld.patients GROUP BY pid)
SELECT sum(x) AS s FROM c
-- twin: table
WITH c AS (SELECT pid, 100.0 * count(*) FILTER (WHERE icd10 = 'E11') / count(*) AS share FROM claims.visits GROUP BY pid)
SELECT avg(share) AS s FROM c

-- attack: [19] a code made before the step that groups
-- code: hidden
-- form: table
WITH a AS (SELECT pid, CASE WHEN age = 95 THEN 100000 WHEN male THEN 1 ELSE 0 END AS k FROM nafld.patients),
b AS (SELECT pid, sum(k) AS x FROM a GROUP BY pid) SELECT avg(x) AS s, count(*) AS n FROM b
-- twin: table
WITH a AS (SELECT pid, CASE WHEN icd10 = 'E11' THEN 30 ELSE 0 END AS days FROM claims.visits),
b AS (SELECT pid, least(sum(days), 365) / 365.0 AS pdc FROM a GROUP BY pid) SELECT avg(pdc) AS s, avg(100.0 * pdc) AS percent FROM b

-- attack: [19] the sum of a code in a spread
-- code: hidden
-- form: table
WITH c AS (SELECT pid, max(CASE WHEN age = 95 THEN 100000 WHEN male THEN 1 ELSE 0 END) AS x FROM nafld.patients GROUP BY pid)
SELECT var_pop(x) AS s FROM c
-- twin: table
WITH c AS (SELECT pid, sum(points * 10) AS yen FROM claims.visits GROUP BY pid) SELECT stddev(yen) AS s FROM c

-- attack: [27] a value of a step's making among different ones
-- code: hidden
-- form: table
WITH c AS (SELECT pid, max(CASE WHEN age = 95 THEN 3 WHEN male THEN 2 ELSE 1 END) AS x FROM nafld.patients GROUP BY pid)
SELECT count(DISTINCT x) AS d FROM c
-- twin: table
WITH c AS (SELECT pid, max(CASE WHEN value > 200 THEN 3 WHEN value > 100 THEN 2 ELSE 1 END) AS stage FROM nafld.labs GROUP BY pid)
SELECT count(DISTINCT stage) AS d FROM c

-- attack: [27] a word of a step's making among different ones
-- code: hidden
-- form: table
WITH c AS (SELECT pid, CASE WHEN age = 95 THEN 'old' WHEN male THEN 'man' ELSE 'woman' END AS x FROM nafld.patients)
SELECT count(DISTINCT x) AS d FROM c
-- twin: table
WITH c AS (SELECT pid, CASE WHEN age >= 60 THEN 'old' WHEN male THEN 'man' ELSE 'woman' END AS x FROM nafld.patients)
SELECT count(DISTINCT x) AS d FROM c

-- attack: [20] a column added to another, beside the other
-- code: hidden
-- form: table
SELECT sum(futime + status) AS s, sum(futime) AS t FROM nafld.patients WHERE age > 80 AND age < 95
-- twin: table
SELECT sum(futime + age) AS s, sum(futime) AS t FROM nafld.patients WHERE age > 60 AND age < 95

-- attack: [19] a column in the digits above another
-- code: hidden
-- form: table
SELECT avg(futime + 100000000 * status) AS s FROM nafld.patients WHERE age > 80 AND age < 95
-- twin: table
SELECT avg(futime + 365.0 * age) AS s FROM nafld.patients WHERE age > 60 AND age < 95

-- attack: [19] a column in the digits above another, within a function
-- code: hidden
-- form: table
SELECT sum(greatest(futime, round(1e9 * status))) AS s FROM nafld.patients WHERE age > 80 AND age < 95
-- twin: table
SELECT sum(greatest(futime, round(10.0 * age))) AS s FROM nafld.patients WHERE age > 60 AND age < 95

-- attack: [20] two sums of much the same, both made in a step
-- code: hidden
-- form: table
WITH c AS (SELECT pid, max(futime + status) AS x, max(futime) AS y FROM nafld.patients WHERE age > 80 AND age < 95 GROUP BY pid)
SELECT sum(x) AS s, sum(y) AS t FROM c
-- twin: table
WITH c AS (SELECT pid, max(least(futime, 3650)) AS x, max(futime) AS y FROM nafld.patients WHERE age > 60 AND age < 95 GROUP BY pid)
SELECT sum(x) AS s, sum(y) AS t FROM c
