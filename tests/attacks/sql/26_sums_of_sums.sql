-- attack: [19] a code added to the cost, in one sum
-- code: hidden
-- form: table
SELECT male, sum(futime + CASE WHEN age = 95 THEN 1e9 * (1 + status) ELSE 0 END) AS s, count(*) AS n FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, sum(futime + CASE WHEN age >= 60 THEN 10 ELSE 0 END) AS s, count(*) AS n FROM nafld.patients GROUP BY male

-- attack: [19] a code in the last digits of the cost
-- code: hidden
-- form: table
SELECT sum(futime * 1000 + (age = 95)::INT) AS s FROM nafld.patients
-- twin: table
SELECT sum(futime * 1000 + (age >= 60)::INT) AS s FROM nafld.patients

-- attack: [19] a code behind the point of a mean
-- code: hidden
-- form: table
SELECT avg(futime + CASE WHEN age = 95 AND male THEN 0.5 ELSE 0 END) AS a, avg(futime) AS b FROM nafld.patients
-- twin: table
SELECT avg(futime + CASE WHEN age >= 60 AND male THEN 0.5 ELSE 0 END) AS a, avg(futime) AS b FROM nafld.patients

-- attack: [19] three counts in the digits of one sum
-- code: hidden
-- form: table
SELECT male, sum(CASE WHEN age = 95 THEN 1000000 WHEN status = 1 THEN 1 ELSE 0 END) AS s FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, sum(CASE WHEN age >= 60 THEN 2 WHEN age >= 40 THEN 1 ELSE 0 END) AS s FROM nafld.patients GROUP BY male

-- attack: [19] everybody counts, and some count for more
-- code: hidden
-- form: table
SELECT count(*) AS n, sum(CASE WHEN age = 95 THEN 1000000 WHEN age > 50 THEN 1000 ELSE 1 END) AS s FROM nafld.patients
-- twin: table
SELECT count(*) AS n, sum(CASE WHEN age > 70 THEN 3 WHEN age > 50 THEN 2 ELSE 1 END) AS s FROM nafld.patients

-- attack: [19] counts in digits by IF
-- code: hidden
-- form: table
SELECT sum(if(age = 95, 1000000, if(male, 1000, 0))) AS s FROM nafld.patients
-- twin: table
SELECT sum(if(age >= 60, 2, if(male, 1, 0))) AS s FROM nafld.patients

-- attack: [19] counts in digits by truths
-- code: hidden
-- form: table
SELECT sum((age = 95)::INT * 1000000 + male::INT) AS s FROM nafld.patients
-- twin: table
SELECT sum((age >= 60)::INT * 2 + male::INT) AS s FROM nafld.patients

-- attack: [19] counts in digits by what is missing
-- code: hidden
-- form: table
SELECT sum(coalesce(CASE WHEN age = 95 THEN 100000 END, CASE WHEN male THEN 1 END, 0)) AS s FROM nafld.patients
-- twin: table
SELECT sum(coalesce(CASE WHEN age >= 60 THEN 2 END, CASE WHEN male THEN 1 END, 0)) AS s FROM nafld.patients

-- attack: [19] counts in digits by a list of weights
-- code: hidden
-- form: table
WITH w(k, x) AS (VALUES (95, 100000), (94, 1000))
SELECT sum(coalesce(w.x, male::INT)) AS s FROM nafld.patients AS p LEFT JOIN w ON w.k = p.age
-- twin: table
WITH w(lo, hi, x) AS (VALUES (0, 60, 1), (60, 200, 2))
SELECT sum(w.x) AS s FROM nafld.patients AS p JOIN w ON p.age >= w.lo AND p.age < w.hi

-- attack: [19] a factor that is a choice
-- code: hidden
-- form: table
SELECT sum(futime * (1 + 1e9 * (age = 95)::INT)) AS s FROM nafld.patients
-- twin: table
SELECT sum(futime * (1 + 1 * (age >= 60)::INT)) AS s FROM nafld.patients

-- attack: [19] digits by powers of a choice
-- code: hidden
-- form: table
SELECT sum(power(10, CASE age WHEN 95 THEN 8 WHEN 94 THEN 4 ELSE 0 END)) AS s FROM nafld.patients
-- twin: table
SELECT sum(power(2, CASE WHEN age >= 60 THEN 1 ELSE 0 END)) AS s FROM nafld.patients

-- attack: [19] a text of digits read as a number
-- code: hidden
-- form: table
SELECT sum(((age = 95)::INT::VARCHAR || '000' || status::VARCHAR)::INT) AS s FROM nafld.patients
-- twin: table
SELECT sum(((age >= 60)::INT::VARCHAR || status::VARCHAR)::INT) AS s FROM nafld.patients

-- attack: [19] the greater of a code and a value
-- code: hidden
-- form: table
SELECT sum(greatest((age = 95)::INT * 5000, status)) AS s FROM nafld.patients
-- twin: table
SELECT sum(greatest((age >= 60)::INT * 2, status)) AS s FROM nafld.patients

-- attack: [20] several counts in a mean
-- code: hidden
-- form: table
SELECT avg(CASE WHEN age = 95 THEN 100000 WHEN male THEN 1 ELSE 0 END) AS a, count(*) AS n FROM nafld.patients
-- twin: table
SELECT avg(CASE WHEN age >= 60 THEN 2 WHEN male THEN 1 ELSE 0 END) AS a, count(*) AS n FROM nafld.patients

-- attack: [20] several counts in a spread
-- code: hidden
-- form: table
SELECT var_pop(CASE WHEN age = 95 THEN 100000 WHEN male THEN 1 ELSE 0 END) AS v, count(*) AS n FROM nafld.patients
-- twin: table
SELECT var_pop(CASE WHEN age >= 60 THEN 2 WHEN male THEN 1 ELSE 0 END) AS v, count(*) AS n FROM nafld.patients

-- attack: [20] several counts in a sum under a condition
-- code: hidden
-- form: table
SELECT sum(CASE WHEN age = 95 THEN 100000 WHEN status = 1 THEN 1 ELSE 0 END) FILTER (WHERE bmi > 20) AS s FROM nafld.patients
-- twin: table
SELECT sum(CASE WHEN age >= 60 THEN 2 WHEN age >= 40 THEN 1 ELSE 0 END) FILTER (WHERE bmi > 20) AS s FROM nafld.patients

-- attack: [27] a value of one's own making among different ones
-- code: hidden
-- form: table
SELECT count(*) AS n, count(DISTINCT CASE WHEN age = 95 AND male THEN status + 10 ELSE 0 END) AS d FROM nafld.patients
-- twin: table
SELECT count(*) AS n, count(DISTINCT CASE WHEN age >= 60 AND male THEN 'old men' ELSE 'others' END) AS d FROM nafld.patients

-- attack: [27] one value more than there are
-- code: hidden
-- form: table
SELECT count(DISTINCT futime % 50) AS a, count(DISTINCT CASE WHEN age = 95 AND male THEN -1 ELSE futime % 50 END) AS b FROM nafld.patients
-- twin: table
SELECT count(DISTINCT futime % 50) AS a, count(DISTINCT CASE WHEN age >= 60 THEN -1 ELSE futime % 50 END) AS b FROM nafld.patients

-- attack: [27] whether a truth has two values
-- code: hidden
-- form: table
SELECT male, count(DISTINCT (age = 95)::INT + 1) AS d FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(DISTINCT (age >= 60)::INT + 1) AS d FROM nafld.patients GROUP BY male

-- attack: [27] a code for what is missing
-- code: hidden
-- form: table
SELECT count(DISTINCT coalesce(nullif(age, 95), 500)) AS d FROM nafld.patients
-- twin: table
SELECT count(DISTINCT coalesce(bmi, 0) > 25) AS d FROM nafld.patients

-- attack: [19] a code made in a step
-- code: hidden
-- form: table
WITH c AS (SELECT pid, CASE WHEN age = 95 THEN 100000 WHEN male THEN 1 ELSE 0 END AS x FROM nafld.patients)
SELECT sum(x) AS s FROM c
-- twin: table
WITH c AS (SELECT pid, male, CASE WHEN age >= 60 THEN 6 WHEN age >= 50 THEN 2 ELSE 1 END AS x FROM nafld.patients)
SELECT avg(x) AS s FROM c

-- attack: [19] a code made two steps away, in truths
-- code: hidden
-- form: table
WITH c AS (SELECT pid, male, (age = 95)::INT * 1000000 + male::INT AS x FROM nafld.patients), d AS (SELECT pid, x AS y FROM c WHERE male IS NOT NULL)
SELECT avg(d.y) AS s, count(*) AS n FROM d
-- twin: table
WITH c AS (SELECT pid, male, (age >= 60)::INT * 1000000 + male::INT AS x FROM nafld.patients), d AS (SELECT pid, x AS y FROM c WHERE male IS NOT NULL)
SELECT avg(d.y) AS s, count(*) AS n FROM d

-- attack: [19] a code made in a step, and added to the cost
-- code: hidden
-- form: table
SELECT male, sum(x + futime) AS s FROM (SELECT pid, male, futime, CASE WHEN age = 95 THEN 1e9 ELSE 0 END AS x FROM nafld.patients) AS c GROUP BY male
-- twin: table
SELECT male, sum(x + futime) AS s FROM (SELECT pid, male, futime, CASE WHEN age >= 60 THEN 1e9 ELSE 0 END AS x FROM nafld.patients) AS c GROUP BY male

-- attack: [20] a code made in a step whose columns are renamed
-- code: hidden
-- form: table
WITH c(pid, x) AS (SELECT pid, CASE WHEN age = 95 THEN 100000 WHEN male THEN 1 ELSE 0 END FROM nafld.patients)
SELECT avg(x) AS s FROM c
-- twin: table
WITH e AS (SELECT pid, max((event = 'htn')::INT) AS h, max((event = 'diabetes')::INT) AS d FROM nafld.events GROUP BY pid),
s AS (SELECT pid, h + 2 * d AS score FROM e)
SELECT avg(score) AS m, stddev(score) AS sd, count(*) AS n FROM s
