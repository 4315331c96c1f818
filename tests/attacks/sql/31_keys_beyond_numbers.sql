-- attack: [08] a key beyond all numbers
-- code: hidden
-- form: table
SELECT CASE WHEN age = 95 THEN 1e308 * 10 ELSE 0 END AS k, count(*) AS n FROM nafld.patients GROUP BY 1
-- twin: table
SELECT CASE WHEN age >= 60 THEN 1e308 * 10 ELSE 0 END AS k, count(*) AS n FROM nafld.patients GROUP BY 1

-- attack: [08] a key that is no number
-- code: hidden
-- form: table
SELECT CASE WHEN age = 95 THEN 'nan'::DOUBLE ELSE 0 END AS k, count(*) AS n FROM nafld.patients GROUP BY 1 ORDER BY k DESC
-- twin: table
SELECT male, CASE WHEN age >= 60 THEN 'nan'::DOUBLE WHEN age >= 50 THEN '-inf' END AS k, count(*) AS n FROM nafld.patients GROUP BY ROLLUP (male, k) ORDER BY male, k

-- attack: [08] a day beyond all days
-- code: hidden
-- form: table
SELECT CASE WHEN age = 95 THEN 'infinity'::DATE ELSE '2020-01-01' END AS k, count(*) AS n FROM nafld.patients GROUP BY 1
-- twin: table
SELECT CASE WHEN age >= 60 THEN 'infinity'::DATE ELSE '2020-01-01' END AS k, count(*) AS n FROM nafld.patients GROUP BY 1

-- attack: [08] a day that no calendar has
-- code: hidden
-- form: table
SELECT DATE '2020-01-01' + CASE WHEN age = 95 THEN 10000000 ELSE 0 END AS k, count(*) AS n FROM nafld.patients GROUP BY 1 ORDER BY k
-- twin: table
SELECT DATE '2020-01-01' + CASE WHEN age >= 60 THEN 10000000 ELSE 0 END AS k, count(*) AS n FROM nafld.patients GROUP BY 1 ORDER BY k

-- attack: [08] the end of a day beside its beginning
-- code: hidden
-- form: table
SELECT CASE WHEN age = 95 THEN TIME '24:00:00' ELSE TIME '00:00:00' END AS k, count(*) AS n FROM nafld.patients GROUP BY 1
-- twin: table
SELECT CASE WHEN age >= 60 THEN TIME '24:00:00' ELSE TIME '00:00:00' END AS k, count(*) AS n FROM nafld.patients GROUP BY 1
