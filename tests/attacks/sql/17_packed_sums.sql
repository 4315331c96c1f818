-- attack: [19] a text packed into a sum
-- code: query.function
-- form: table
SELECT sum(futime) + sum(CASE WHEN age = 60 THEN 1e12 * ascii(CAST(status AS VARCHAR)) ELSE 0 END) AS s FROM nafld.patients
-- twin: table
SELECT sum(futime) + sum(CASE WHEN age >= 60 THEN 2 * status ELSE 0 END) AS s FROM nafld.patients

-- attack: [19] a person's value among zeros
-- code: hidden
-- form: table
SELECT sum(CASE WHEN age = 60 THEN 1e12 * futime ELSE 0 END) AS s FROM nafld.patients
-- twin: table
SELECT sum(CASE WHEN age >= 60 THEN 1 * futime ELSE 0 END) AS s FROM nafld.patients

-- attack: [19] digits by powers
-- code: hidden
-- form: table
SELECT sum(CASE WHEN age = 60 THEN power(10, status) ELSE 0 END) AS s FROM nafld.patients
-- twin: table
SELECT sum(CASE WHEN age >= 60 THEN power(2, age / 50) ELSE 0 END) AS s FROM nafld.patients

-- attack: [20] a person's value among great numbers
-- code: hidden
-- form: table
SELECT sum(CASE WHEN age = 60 THEN futime END) AS a, sum(1e16) AS b FROM nafld.patients
-- twin: table
SELECT sum(CASE WHEN age >= 60 THEN futime END) AS a, count(*) AS b FROM nafld.patients

-- attack: [20] a difference of two great sums
-- code: hidden
-- form: table
SELECT sum(CASE WHEN age = 60 THEN futime ELSE 1e16 END) - sum(CASE WHEN age = 60 THEN 0 ELSE 1e16 END) AS s FROM nafld.patients
-- twin: table
SELECT sum(CASE WHEN age >= 60 THEN futime ELSE 1e3 END) - sum(CASE WHEN age >= 60 THEN 0 ELSE 1e3 END) AS s FROM nafld.patients

-- attack: [20] great numbers of both signs
-- code: hidden
-- form: table
SELECT sum(CASE WHEN age = 60 THEN futime WHEN male THEN 1e16 ELSE -1e16 END) AS s, count(*) FILTER (WHERE age <> 60) AS n FROM nafld.patients
-- twin: table
SELECT sum(CASE WHEN age >= 60 THEN futime WHEN male THEN 2 ELSE 1 END) AS s, count(*) FILTER (WHERE age < 60) AS n FROM nafld.patients

-- attack: [19] a person's value in a mean
-- code: hidden
-- form: table
SELECT avg(CASE WHEN age = 60 THEN 1e12 * futime ELSE 0 END) AS s FROM nafld.patients
-- twin: table
SELECT avg(CASE WHEN age >= 60 THEN 1 * futime ELSE 0 END) AS s FROM nafld.patients

-- attack: [19] a person's value in a spread
-- code: hidden
-- form: table
SELECT stddev(CASE WHEN age = 60 THEN 1e12 * futime ELSE 0 END) AS s FROM nafld.patients
-- twin: table
SELECT stddev(CASE WHEN age >= 60 THEN 1 * futime ELSE 0 END) AS s FROM nafld.patients

-- attack: [19] a person's value by a product of truths
-- code: hidden
-- form: table
SELECT sum(CAST(age = 60 AS INTEGER) * futime) AS s FROM nafld.patients
-- twin: table
SELECT sum(CAST(age >= 60 AS INTEGER) * futime) AS s FROM nafld.patients
