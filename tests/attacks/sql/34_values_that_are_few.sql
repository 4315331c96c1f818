-- attack: [19] weights that are near each other, in a step
-- code: hidden
-- form: table
WITH c AS (SELECT pid, max(CASE WHEN age = 95 THEN 1.0001 WHEN male THEN 1 ELSE 0 END) AS x FROM patients GROUP BY pid) SELECT count(*) AS n, sum(x) AS s FROM c
-- twin: table
WITH c AS (SELECT pid, max(CASE WHEN age >= 60 THEN 1.0001 WHEN male THEN 1 ELSE 0 END) AS x FROM patients GROUP BY pid) SELECT count(*) AS n, sum(x) AS s FROM c

-- attack: [19] weights that a function makes of constants
-- code: hidden
-- form: table
WITH c AS (SELECT pid, max(CASE WHEN age = 95 THEN factorial(8) WHEN male THEN 1 ELSE 0 END) AS x FROM patients GROUP BY pid) SELECT sum(x) AS s FROM c
-- twin: table
WITH c AS (SELECT pid, max(CASE WHEN age >= 60 THEN factorial(8) WHEN male THEN 1 ELSE 0 END) AS x FROM patients GROUP BY pid) SELECT sum(x) AS s FROM c

-- attack: [19] weights that have no common measure
-- code: hidden
-- form: table
WITH c AS (SELECT pid, max(CASE WHEN age = 95 THEN sqrt(2) WHEN male THEN sqrt(3) ELSE 0 END) AS x FROM patients GROUP BY pid) SELECT avg(x) AS m FROM c
-- twin: table
WITH c AS (SELECT pid, max(CASE WHEN age >= 60 THEN sqrt(2) WHEN male THEN sqrt(3) ELSE 0 END) AS x FROM patients GROUP BY pid) SELECT avg(x) AS m FROM c

-- attack: [21] a power of a place in a text
-- code: hidden
-- form: table
SELECT sum(power(1000, strpos('nafld htn     rare', CASE WHEN age = 95 THEN 'rare' ELSE 'htn' END))) AS s FROM patients
-- twin: table
SELECT sum(power(1000, strpos('nafld htn     rare', CASE WHEN age >= 60 THEN 'rare' ELSE 'htn' END))) AS s FROM patients

-- attack: [21] a power of the place of a column's digits
-- code: hidden
-- form: table
SELECT sum(power(1000, strpos('95', age::VARCHAR))) AS s FROM patients WHERE age > 60
-- twin: table
SELECT sum(power(1000, strpos('truefalse', male::VARCHAR))) AS s FROM patients

-- attack: [20] a sum of exponents is the largest
-- code: hidden
-- form: table
SELECT count(*) AS n, sum(exp(50 * bmi - 2000)) AS s FROM patients WHERE bmi IS NOT NULL
-- twin: table
SELECT count(*) AS n, sum(1 / (1 + exp(8 - 0.2 * bmi))) AS expected FROM patients WHERE bmi IS NOT NULL

-- attack: [23] mean and spread of three values
-- code: hidden
-- form: table
SELECT count(*) AS n, avg(x) AS m, stddev(x) AS sd FROM (SELECT pid, CASE WHEN age = 95 THEN 2 WHEN male THEN 1 ELSE 0 END AS x FROM patients) c
-- twin: table
SELECT count(*) AS n, avg(x) AS m, stddev(x) AS sd FROM (SELECT pid, CASE WHEN age >= 80 THEN 2 WHEN male THEN 1 ELSE 0 END AS x FROM patients) c

-- attack: [23] a sum and a sum of squares
-- code: hidden
-- form: table
WITH c AS (SELECT pid, CASE WHEN age = 95 THEN 2 WHEN male THEN 1 ELSE 0 END AS x FROM patients) SELECT count(*) AS n, sum(x) AS a, sum(x * x) AS b FROM c
-- twin: table
WITH c AS (SELECT pid, CASE WHEN age >= 80 THEN 2 WHEN male THEN 1 ELSE 0 END AS x FROM patients) SELECT count(*) AS n, sum(x) AS a, sum(x * x) AS b FROM c

-- attack: [23] three moments of four values
-- code: hidden
-- form: table
WITH c AS (SELECT pid, CASE WHEN age = 95 THEN 3 WHEN age > 60 THEN 2 WHEN male THEN 1 ELSE 0 END AS x FROM patients) SELECT count(*) AS n, sum(x) AS a, sum(x * x) AS b, sum(x * x * x) AS c FROM c
-- twin: table
WITH c AS (SELECT pid, CASE WHEN age = 95 THEN 3 WHEN age > 60 THEN 2 WHEN male THEN 1 ELSE 0 END AS x FROM patients) SELECT count(*) AS n, avg(x) AS a, stddev(x) AS b FROM c

-- attack: [27] different days of those who are not of the crowd, by a choice in a step
-- code: hidden
-- form: table
WITH c AS (SELECT pid, CASE WHEN age = 95 THEN futime ELSE 0 END AS d FROM patients) SELECT count(DISTINCT d) AS d FROM c
-- twin: table
WITH c AS (SELECT pid, CASE WHEN age >= 60 THEN futime ELSE 0 END AS d FROM patients) SELECT count(DISTINCT d) AS d FROM c

-- attack: [27] the same by a product
-- code: hidden
-- form: table
WITH c AS (SELECT pid, (age = 95)::INT * futime AS d FROM patients) SELECT count(DISTINCT d) AS d FROM c
-- twin: table
WITH c AS (SELECT pid, (age >= 60)::INT * futime AS d FROM patients) SELECT count(DISTINCT d) AS d FROM c

-- attack: [27] the same by a text that is cut
-- code: hidden
-- form: table
SELECT count(DISTINCT left(futime::VARCHAR, strpos(age::VARCHAR, '95') * 9)) AS d FROM patients
-- twin: table
SELECT count(DISTINCT left(futime::VARCHAR, strpos(age::VARCHAR, '5') * 9)) AS d FROM patients

-- attack: [27] the same by a join and a value for the others
-- code: hidden
-- form: table
WITH z AS (SELECT pid, futime AS d FROM patients WHERE age = 95), y AS (SELECT b.pid, coalesce(z.d, 0) AS d FROM patients b LEFT JOIN z ON z.pid = b.pid) SELECT count(DISTINCT d) AS d, count(*) AS n FROM y
-- twin: table
WITH z AS (SELECT pid, futime AS d FROM patients WHERE age >= 60), y AS (SELECT b.pid, coalesce(z.d, 0) AS d FROM patients b LEFT JOIN z ON z.pid = b.pid) SELECT count(DISTINCT d) AS d, count(*) AS n FROM y
