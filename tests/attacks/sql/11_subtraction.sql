-- attack: [01] everybody but age
-- code: hidden
-- form: table
SELECT count(*) AS n, count(*) FILTER (WHERE NOT (age = 60)) AS d FROM nafld.patients
-- twin: table
SELECT count(*) AS n, count(*) FILTER (WHERE NOT (age >= 60)) AS d FROM nafld.patients

-- attack: [01] everybody but age and sex
-- code: hidden
-- form: table
SELECT count(*) AS n, count(*) FILTER (WHERE NOT (age = 60 AND male)) AS d FROM nafld.patients
-- twin: table
SELECT count(*) AS n, count(*) FILTER (WHERE NOT (age >= 60 AND male)) AS d FROM nafld.patients

-- attack: [01] everybody but two ages
-- code: hidden
-- form: table
SELECT count(*) AS n, count(*) FILTER (WHERE NOT (age IN (60) )) AS d FROM nafld.patients
-- twin: table
SELECT count(*) AS n, count(*) FILTER (WHERE NOT (age IN (60, 61, 62, 63, 64, 65))) AS d FROM nafld.patients

-- attack: [01] everybody but by between
-- code: hidden
-- form: table
SELECT count(*) AS n, count(*) FILTER (WHERE NOT (age BETWEEN 60 AND 60)) AS d FROM nafld.patients
-- twin: table
SELECT count(*) AS n, count(*) FILTER (WHERE NOT (age BETWEEN 60 AND 79)) AS d FROM nafld.patients

-- attack: [01] the complement in a sum
-- code: hidden
-- form: table
SELECT count(*) AS n, sum(CASE WHEN age <> 60 THEN 1 ELSE 0 END) AS d FROM nafld.patients
-- twin: table
SELECT count(*) AS n, sum(CASE WHEN age < 60 THEN 1 ELSE 0 END) AS d FROM nafld.patients

-- attack: [01] the complement by IF
-- code: hidden
-- form: table
SELECT count(*) AS n, count_if(age <> 60) AS d FROM nafld.patients
-- twin: table
SELECT count(*) AS n, count_if(age < 60) AS d FROM nafld.patients

-- attack: [01] the complement by a null
-- code: hidden
-- form: table
SELECT count(*) AS n, count(nullif(age, 60)) AS d FROM nafld.patients
-- twin: table
SELECT count(*) AS n, count(CASE WHEN age < 60 THEN age END) AS d FROM nafld.patients

-- attack: [02] two crowds that differ by a few
-- code: hidden
-- form: table
SELECT count(*) FILTER (WHERE age >= 40 OR age = 30) AS a, count(*) AS n FROM nafld.patients WHERE age >= 40 OR age IN (30, 31)
-- twin: table
SELECT count(*) FILTER (WHERE age >= 60) AS a, count(*) AS n FROM nafld.patients WHERE age >= 40

-- attack: [02] a crowd with a few more
-- code: hidden
-- form: table
SELECT count(*) AS n, count(DISTINCT CASE WHEN age >= 40 THEN pid END) AS d FROM nafld.patients WHERE age >= 40 OR age = 31
-- twin: table
SELECT count(*) AS n, count(DISTINCT CASE WHEN age >= 60 THEN pid END) AS d FROM nafld.patients WHERE age >= 40 OR age = 30

-- attack: [03] a few beside a crowd that varies
-- code: hidden
-- form: table
SELECT round(count(*), -1) AS n, round(count(*) FILTER (WHERE age <> 60), -1) AS d FROM nafld.patients
-- twin: table
SELECT round(count(*), -1) AS n, round(count(*) FILTER (WHERE age < 60), -1) AS d FROM nafld.patients

-- attack: [03] floored to tens
-- code: hidden
-- form: table
SELECT count(*) // 10 * 10 AS n, count(*) FILTER (WHERE age <> 60) // 10 * 10 AS d FROM nafld.patients
-- twin: table
SELECT count(*) // 10 * 10 AS n, count(*) FILTER (WHERE age < 60) // 10 * 10 AS d FROM nafld.patients

-- attack: [44] who has a value and who has none
-- code: hidden
-- form: table
SELECT count(*) AS n, count(CASE WHEN age = 60 THEN NULL ELSE 1 END) AS d FROM nafld.patients
-- twin: table
SELECT count(*) AS n, count(CASE WHEN age >= 60 THEN NULL ELSE 1 END) AS d FROM nafld.patients

-- attack: [44] unknown is not false
-- code: hidden
-- form: table
SELECT count(*) AS n, count(*) FILTER (WHERE CASE WHEN age = 60 THEN NULL ELSE true END) AS d FROM nafld.patients
-- twin: table
SELECT count(*) AS n, count(*) FILTER (WHERE CASE WHEN age >= 60 THEN NULL ELSE true END) AS d FROM nafld.patients

-- attack: [44] distinct from
-- code: hidden
-- form: table
SELECT count(*) AS n, count(*) FILTER (WHERE age IS DISTINCT FROM 60) AS d FROM nafld.patients
-- twin: table
SELECT count(*) AS n, count(*) FILTER (WHERE male IS DISTINCT FROM true) AS d FROM nafld.patients
