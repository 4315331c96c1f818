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

-- attack: [19] sums under conditions in the words of a choice with a nought
-- code: hidden
-- form: table
SELECT sum(if(male,futime,0)) a, sum(if(age<50,futime,0)) b, sum(if(male AND age<50,futime,0)) c, sum(if(male OR age<50 OR age=95,futime,0)) d FROM patients
-- twin: table
SELECT sum(if(male,futime,0)) a, sum(if(age<50,futime,0)) b, sum(if(male AND age<50,futime,0)) c, sum(if(male OR age<50 OR age>=80,futime,0)) d FROM patients

-- attack: [19] the same sums of one column in four spellings
-- code: hidden
-- form: table
SELECT sum(futime) FILTER (WHERE male) a, sum(futime+0) FILTER (WHERE age<50) b, sum(futime*1) FILTER (WHERE male AND age<50) c, sum(CAST(futime AS BIGINT)) FILTER (WHERE male OR age<50 OR age=95) d FROM patients
-- twin: table
SELECT sum(futime) FILTER (WHERE male) a, sum(futime+0) FILTER (WHERE age<50) b, sum(futime*1) FILTER (WHERE male AND age<50) c, sum(CAST(futime AS BIGINT)) FILTER (WHERE male OR age<50 OR age>=80) d FROM patients

-- attack: [19] the same sums made for each person in a step
-- code: hidden
-- form: table
WITH s AS (SELECT pid, sum(futime) FILTER (WHERE male) a, sum(futime) FILTER (WHERE age<50) b, sum(futime) FILTER (WHERE male AND age<50) c, sum(futime) FILTER (WHERE male OR age<50 OR age=95) d FROM patients GROUP BY pid) SELECT sum(a) a, sum(b) b, sum(c) c, sum(d) d FROM s
-- twin: table
WITH s AS (SELECT pid, sum(futime) FILTER (WHERE male) a, sum(futime) FILTER (WHERE age<50) b, sum(futime) FILTER (WHERE male AND age<50) c, sum(futime) FILTER (WHERE male OR age<50 OR age>=80) d FROM patients GROUP BY pid) SELECT sum(a) a, sum(b) b, sum(c) c, sum(d) d FROM s

-- attack: [44] a hundred times a truth, beside a count
-- code: hidden
-- form: table
SELECT sum(100*(futime<3000)::INT) a, count(*) FILTER (WHERE futime<3000 OR age=95) b FROM patients
-- twin: table
SELECT sum(100*(futime<3000)::INT) a, count(*) FILTER (WHERE futime<3000 OR age>=80) b FROM patients

-- attack: [44] a sign of a measurement, beside a count
-- code: hidden
-- form: table
SELECT sum(sign(futime)) FILTER (WHERE male) a, count(*) FILTER (WHERE male OR age=95) b FROM patients
-- twin: table
SELECT sum(sign(futime)) FILTER (WHERE male) a, count(*) FILTER (WHERE male OR age>=80) b FROM patients

-- attack: [24] copies of some records, and how many persons there are
-- code: hidden
-- form: table
SELECT count(*) AS n, count(DISTINCT pid) AS p FROM (SELECT pid FROM nafld.patients UNION ALL SELECT pid FROM nafld.patients WHERE age = 95) AS x
-- twin: table
SELECT count(*) AS n, count(DISTINCT pid) AS p FROM (SELECT pid FROM nafld.patients UNION ALL SELECT pid FROM nafld.patients WHERE age >= 80) AS x

-- attack: [24] copies of some records, weighed
-- code: hidden
-- form: table
WITH s AS (SELECT pid, 1 AS w FROM patients UNION ALL SELECT pid, 1 FROM patients WHERE age=95) SELECT sum(w) a, count(DISTINCT pid) b FROM s
-- twin: table
WITH s AS (SELECT pid, 1 AS w FROM patients UNION ALL SELECT pid, 1 FROM patients WHERE age>=80) SELECT sum(w) a, count(DISTINCT pid) b FROM s

-- attack: [24] copies of some records, by a sum and a mean
-- code: hidden
-- form: table
WITH s AS (SELECT pid, futime FROM patients UNION ALL SELECT pid, futime FROM patients WHERE age=95) SELECT sum(futime) a, avg(futime) m, count(DISTINCT pid) b FROM s
-- twin: table
WITH s AS (SELECT pid, futime FROM patients UNION ALL SELECT pid, futime FROM patients WHERE age>=80) SELECT sum(futime) a, avg(futime) m, count(DISTINCT pid) b FROM s

-- attack: [20] a sum and a mean tell of whom no value is known
-- code: hidden
-- form: table
SELECT count(*) n, sum(bmi) s, avg(bmi) m FROM patients WHERE age BETWEEN 50 AND 59
-- twin: table
SELECT count(*) n, avg(bmi) m, stddev(bmi) sd FROM patients WHERE age BETWEEN 50 AND 59

-- attack: [20] two spreads tell of whom no value is known
-- code: hidden
-- form: table
SELECT var_samp(bmi) s, var_pop(bmi) m, count(*) n FROM patients WHERE age BETWEEN 50 AND 59
-- twin: table
SELECT var_samp(bmi) AS s, count(*) AS n FROM patients WHERE age BETWEEN 50 AND 59

-- attack: [19] a spread and a sum of squares tell a sum
-- code: hidden
-- form: table
SELECT sum(futime) FILTER (WHERE male) a, sum(futime) FILTER (WHERE age<50) b, sum(futime) FILTER (WHERE male AND age<50) c, count(*) FILTER (WHERE male OR age<50 OR age=95) n, var_pop(futime) FILTER (WHERE male OR age<50 OR age=95) v, sum(futime*futime) FILTER (WHERE male OR age<50 OR age=95) q FROM patients
-- twin: table
SELECT sum(futime) FILTER (WHERE male) a, sum(futime) FILTER (WHERE age<50) b, sum(futime) FILTER (WHERE male AND age<50) c, count(*) FILTER (WHERE male OR age<50 OR age>=80) n, var_pop(futime) FILTER (WHERE male OR age<50 OR age>=80) v, sum(futime*futime) FILTER (WHERE male OR age<50 OR age>=80) q FROM patients

-- attack: [01] persons whom two details share, and their total
-- code: hidden
-- form: table
SELECT event, count(DISTINCT pid) AS n FROM events WHERE event <> 'diabetes' AND days < 600 GROUP BY ROLLUP (event)
-- twin: table
SELECT event, count(DISTINCT pid) AS n FROM events WHERE event <> 'diabetes' AND days < 3000 GROUP BY ROLLUP (event)

-- attack: [01] persons whom two details share under a condition, and their total
-- code: hidden
-- form: table
SELECT event, count(DISTINCT pid) FILTER (WHERE days < 600) AS n, count(*) AS r FROM events WHERE event <> 'diabetes' GROUP BY GROUPING SETS ((event), ())
-- twin: table
SELECT event, count(DISTINCT pid) FILTER (WHERE days < 3000) AS n, count(*) AS r FROM events WHERE event <> 'diabetes' GROUP BY GROUPING SETS ((event), ())
