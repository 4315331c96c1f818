-- attack: a mean less the mean of nearly all
-- code: hidden
-- form: table
SELECT male, avg(bmi) AS a, avg(bmi) FILTER (WHERE age <> 95) AS b FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, age // 20 AS g, count(*) AS n, avg(bmi) AS a, avg(futime) AS b FROM nafld.patients WHERE age BETWEEN 20 AND 79 GROUP BY ALL

-- attack: the same mean in another spelling
-- code: hidden
-- form: table
SELECT avg(futime) AS a, avg(futime + 0) FILTER (WHERE age <> 95) AS b FROM nafld.patients
-- twin: table
SELECT avg(futime) AS a, avg(age) FILTER (WHERE age <> 95) AS b FROM nafld.patients

-- attack: the same column through a step
-- code: hidden
-- form: table
WITH c AS (SELECT pid, age, futime AS x, futime AS y FROM nafld.patients)
SELECT sum(x) AS a, sum(y) FILTER (WHERE age <> 95) AS b FROM c
-- twin: table
WITH c AS (SELECT pid, age, bmi AS x, futime AS y FROM nafld.patients)
SELECT age // 20 AS g, avg(x) AS a, avg(y) AS b FROM c WHERE age BETWEEN 20 AND 79 GROUP BY ALL

-- attack: one count within another
-- code: hidden
-- form: table
SELECT count(*) FILTER (WHERE age < 60) AS a, count(*) FILTER (WHERE age <= 60) AS b FROM nafld.patients
-- twin: table
SELECT age // 20 AS g, count(*) FILTER (WHERE male) AS a, count(*) FILTER (WHERE NOT male) AS b FROM nafld.patients WHERE age BETWEEN 20 AND 79 GROUP BY ALL

-- attack: a sum beyond all numbers where somebody is
-- code: hidden
-- form: table
SELECT sum(CASE WHEN age = 95 AND status = 1 THEN 'inf'::DOUBLE ELSE 1.0 END) AS s, count(*) AS n FROM nafld.patients
-- twin: table
SELECT sum(CASE WHEN age = 195 AND status = 1 THEN 'inf'::DOUBLE ELSE 1.0 END) AS s, count(*) AS n FROM nafld.patients

-- attack: a mean that is undefined where somebody is
-- code: hidden
-- form: table
SELECT avg(CASE WHEN age = 95 AND male THEN 'nan'::DOUBLE ELSE bmi END) AS s, count(*) AS n FROM nafld.patients
-- twin: table
SELECT male, sum(bmi) / sum(status - status) AS nothing, count(*) AS n FROM nafld.patients GROUP BY male
