-- attack: [44] records of one kind and persons of either, where everybody has one record
-- code: hidden
-- form: table
SELECT count(*) FILTER (WHERE male) AS a, count(DISTINCT pid) FILTER (WHERE male OR age = 95) AS b FROM patients
-- twin: table
SELECT count(*) FILTER (WHERE male) AS a, count(DISTINCT pid) FILTER (WHERE male OR age >= 80) AS b FROM patients

-- attack: [44] a sign of small numbers, beside a count
-- code: hidden
-- form: table
SELECT count(*) FILTER (WHERE status = 1) AS a, sum(sign(status + CASE WHEN age = 95 THEN 1 ELSE 0 END)) AS b FROM patients
-- twin: table
SELECT count(*) FILTER (WHERE status = 1) AS a, sum(sign(status + CASE WHEN age > 70 THEN 1 ELSE 0 END)) AS b FROM patients

-- attack: [44] a sum of twos less twice a count
-- code: hidden
-- form: table
SELECT count(*) FILTER (WHERE male) AS a, sum(CASE WHEN male THEN 2 WHEN age = 95 THEN 2 ELSE 0 END) AS b FROM patients
-- twin: table
SELECT count(*) FILTER (WHERE male) AS a, sum(CASE WHEN male THEN 2 WHEN age >= 80 THEN 2 ELSE 0 END) AS b FROM patients

-- attack: [24] many records of few persons are few persons
-- code: hidden
-- form: table
SELECT count(*) FILTER (WHERE days < 4000) AS a, count(*) FILTER (WHERE days < 4000 OR pid IN (SELECT p.pid FROM patients p WHERE p.age = 95)) AS b FROM labs
-- twin: table
SELECT count(*) FILTER (WHERE days < 3000) AS a, count(*) FILTER (WHERE days < 3000 OR pid IN (SELECT p.pid FROM patients p WHERE p.age > 70)) AS b FROM labs

-- attack: [19] three times a sum less another
-- code: hidden
-- form: table
SELECT sum(futime) FILTER (WHERE male) AS a, 3 * sum(CASE WHEN male OR age = 95 THEN futime END) AS b FROM patients
-- twin: table
SELECT sum(futime) FILTER (WHERE male) AS a, 3 * sum(CASE WHEN male OR age >= 80 THEN futime END) AS b FROM patients

-- attack: [44] ones and twos, beside a count that takes in one of the twos
-- code: hidden
-- form: table
SELECT sum(CASE WHEN male THEN 1 ELSE 2 END) AS s, count(*) FILTER (WHERE male OR age = 95) AS b FROM patients
-- twin: table
SELECT sum(CASE WHEN male THEN 1 ELSE 2 END) AS s, count(*) FILTER (WHERE male OR age >= 80) AS b FROM patients
