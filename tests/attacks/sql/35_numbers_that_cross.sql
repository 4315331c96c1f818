-- attack: [44] either, both, and either or rare
-- code: hidden
-- form: table
SELECT count(*) FILTER (WHERE male) AS a, count(*) FILTER (WHERE age < 60) AS b, count(*) FILTER (WHERE male AND age < 60) AS c, count(*) FILTER (WHERE male OR age < 60 OR age = 95) AS d FROM patients
-- twin: table
SELECT count(*) FILTER (WHERE male) AS a, count(*) FILTER (WHERE age < 60) AS b, count(*) FILTER (WHERE male AND age < 60) AS c, count(*) FILTER (WHERE male OR age < 60 OR age >= 80) AS d FROM patients

-- attack: [44] the same in four spellings
-- code: hidden
-- form: table
SELECT sum(CASE WHEN male THEN 1 ELSE 0 END) AS a, count_if(age < 60) AS b, count(DISTINCT CASE WHEN male AND age < 60 THEN pid END) AS c, sum((male OR age < 60 OR age = 95)::INT) AS d FROM patients
-- twin: table
SELECT sum(CASE WHEN male THEN 1 ELSE 0 END) AS a, count_if(age < 60) AS b, count(DISTINCT CASE WHEN male AND age < 60 THEN pid END) AS c, sum((male OR age < 60 OR age >= 80)::INT) AS d FROM patients

-- attack: [44] the same of flags that a step makes
-- code: hidden
-- form: table
WITH f AS (SELECT pid, CASE WHEN male THEN 1 ELSE 0 END AS a, CASE WHEN age < 60 THEN 1 ELSE 0 END AS b, CASE WHEN male AND age < 60 THEN 1 ELSE 0 END AS c, CASE WHEN male OR age < 60 OR age = 95 THEN 1 ELSE 0 END AS d FROM patients) SELECT sum(a) AS a, sum(b) AS b, sum(c) AS c, sum(d) AS d FROM f
-- twin: table
WITH f AS (SELECT pid, CASE WHEN male THEN 1 ELSE 0 END AS a, CASE WHEN age < 60 THEN 1 ELSE 0 END AS b, CASE WHEN male AND age < 60 THEN 1 ELSE 0 END AS c, CASE WHEN male OR age < 60 OR age >= 80 THEN 1 ELSE 0 END AS d FROM patients) SELECT sum(a) AS a, sum(b) AS b, sum(c) AS c, sum(d) AS d FROM f

-- attack: [19] the same of sums
-- code: hidden
-- form: table
SELECT sum(futime) FILTER (WHERE male) AS a, sum(futime) FILTER (WHERE age < 60) AS b, sum(futime) FILTER (WHERE male AND age < 60) AS c, sum(futime) FILTER (WHERE male OR age < 60 OR age = 95) AS d FROM patients
-- twin: table
SELECT sum(futime) FILTER (WHERE male) AS a, sum(futime) FILTER (WHERE age < 60) AS b, sum(futime) FILTER (WHERE male AND age < 60) AS c, sum(futime) FILTER (WHERE male OR age < 60 OR age >= 80) AS d FROM patients

-- attack: [19] the same of sums of cases
-- code: hidden
-- form: table
SELECT sum(CASE WHEN male THEN futime END) AS a, sum(CASE WHEN age < 60 THEN futime ELSE 0 END) AS b, sum(CASE WHEN male AND age < 60 THEN futime END) AS c, sum(CASE WHEN male OR age < 60 OR age = 95 THEN futime END) AS d FROM patients
-- twin: table
SELECT sum(CASE WHEN male THEN futime END) AS a, sum(CASE WHEN age < 60 THEN futime ELSE 0 END) AS b, sum(CASE WHEN male AND age < 60 THEN futime END) AS c, sum(CASE WHEN male OR age < 60 OR age >= 80 THEN futime END) AS d FROM patients

-- attack: [01] all but who is in neither of two that cross
-- code: hidden
-- form: table
SELECT count(*) AS n, count(*) FILTER (WHERE age <> 95 AND male) AS a, count(*) FILTER (WHERE age <> 95 AND (age < 60 OR NOT male)) AS b, count(*) FILTER (WHERE male AND age < 60) AS c FROM patients
-- twin: table
SELECT count(*) AS n, count(*) FILTER (WHERE age < 70 AND male) AS a, count(*) FILTER (WHERE age < 70 AND (age < 50 OR NOT male)) AS b, count(*) FILTER (WHERE male AND age < 50) AS c FROM patients

-- attack: [44] a flag that is reckoned of texts, beside a count
-- code: hidden
-- form: table
SELECT count(*) FILTER (WHERE male) AS a, sum(sign(strpos(CASE WHEN age = 95 THEN 'rare' ELSE '-' END, 'r') + male::INT)) AS b FROM patients
-- twin: table
SELECT count(*) FILTER (WHERE male) AS a, sum(sign(strpos(CASE WHEN age > 70 THEN 'rare' ELSE '-' END, 'r') + male::INT)) AS b FROM patients

-- attack: [44] three that cross, their pairs, all three, and any of them or one rare
-- code: hidden
-- form: table
SELECT count(*) FILTER (WHERE male) AS a, count(*) FILTER (WHERE age < 60) AS b, count(*) FILTER (WHERE futime < 3000) AS c, count(*) FILTER (WHERE male AND age < 60) AS ab, count(*) FILTER (WHERE male AND futime < 3000) AS ac, count(*) FILTER (WHERE age < 60 AND futime < 3000) AS bc, count(*) FILTER (WHERE male AND age < 60 AND futime < 3000) AS abc, count(*) FILTER (WHERE male OR age < 60 OR futime < 3000 OR age > 93) AS o FROM patients
-- twin: table
SELECT count(*) FILTER (WHERE male) AS a, count(*) FILTER (WHERE age < 60) AS b, count(*) FILTER (WHERE futime < 3000) AS c, count(*) FILTER (WHERE male AND age < 60) AS ab, count(*) FILTER (WHERE male AND futime < 3000) AS ac, count(*) FILTER (WHERE age < 60 AND futime < 3000) AS bc, count(*) FILTER (WHERE male AND age < 60 AND futime < 3000) AS abc, count(*) FILTER (WHERE male OR age < 60 OR futime < 3000 OR age > 70) AS o FROM patients

-- attack: [44] few more records of the same persons, counted
-- code: hidden
-- form: table
SELECT count(*) FILTER (WHERE days < 1500) AS a, sum(CASE WHEN days < 1500 OR days >= 4990 THEN 1 ELSE 0 END) AS b FROM labs
-- twin: table
SELECT count(*) FILTER (WHERE days < 1500) AS a, sum(CASE WHEN days < 1500 OR days >= 4000 THEN 1 ELSE 0 END) AS b FROM labs

-- attack: [19] few more records of the same persons, summed
-- code: hidden
-- form: table
SELECT sum(value) FILTER (WHERE days < 1500) AS a, sum(CASE WHEN days < 1500 OR days >= 4990 THEN value ELSE 0 END) AS b FROM labs
-- twin: table
SELECT sum(value) FILTER (WHERE days < 1500) AS a, sum(CASE WHEN days < 1500 OR days >= 4000 THEN value ELSE 0 END) AS b FROM labs
