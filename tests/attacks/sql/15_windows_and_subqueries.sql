-- attack: [13] lead over everybody
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM (SELECT pid, lead(status) OVER (ORDER BY pid) AS o FROM nafld.patients) AS x
-- twin: table
SELECT count(*) AS n FROM (SELECT pid, lead(event) OVER (PARTITION BY pid ORDER BY days) AS o FROM nafld.events) AS x

-- attack: [13] a rank over everybody
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM (SELECT pid, rank() OVER (ORDER BY futime) AS o FROM nafld.patients) AS x
-- twin: table
SELECT count(*) AS n FROM (SELECT pid, rank() OVER (PARTITION BY pid ORDER BY days) AS o FROM nafld.events) AS x

-- attack: [13] a sum over a sex
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM (SELECT pid, sum(status) OVER (PARTITION BY male) AS o FROM nafld.patients) AS x
-- twin: table
SELECT count(*) AS n FROM (SELECT pid, sum(days) OVER (PARTITION BY pid) AS o FROM nafld.events) AS x

-- attack: [13] a count over everybody
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM (SELECT pid, count(*) OVER () AS o FROM nafld.patients) AS x
-- twin: table
SELECT count(*) AS n FROM (SELECT pid, count(*) OVER (PARTITION BY pid) AS o FROM nafld.events) AS x

-- attack: [13] QUALIFY over everybody
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM (SELECT pid, 1 AS o FROM nafld.patients QUALIFY row_number() OVER (ORDER BY pid) = 1) AS x
-- twin: table
SELECT count(*) AS n FROM (SELECT pid, 1 AS o FROM nafld.labs QUALIFY row_number() OVER (PARTITION BY pid ORDER BY days) = 1) AS x

-- attack: [13] a named window over everybody
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM (SELECT pid, lag(status) OVER w AS o FROM nafld.patients WINDOW w AS (ORDER BY pid)) AS x
-- twin: table
SELECT count(*) AS n FROM (SELECT pid, lag(days) OVER (PARTITION BY pid ORDER BY days) AS o FROM nafld.events) AS x

-- attack: [13] a window inside arithmetic
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM (SELECT pid, 1 + count(*) OVER () AS o FROM nafld.patients) AS x
-- twin: table
SELECT count(*) AS n FROM (SELECT pid, 1 + count(*) OVER (PARTITION BY pid) AS o FROM nafld.events) AS x

-- attack: [13] ntile over everybody
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM (SELECT pid, ntile(4) OVER (ORDER BY bmi) AS o FROM nafld.patients) AS x
-- twin: table
SELECT count(*) AS n FROM (SELECT pid, ntile(4) OVER (PARTITION BY pid ORDER BY days) AS o FROM nafld.labs) AS x

-- attack: [14] the highest of another person
-- code: query.person_unknown
-- form: table
SELECT count(*) FILTER (WHERE p.age > (SELECT max(status) FROM nafld.patients x WHERE x.pid = 4242)) AS n FROM nafld.patients p
-- twin: table
SELECT count(*) FILTER (WHERE p.age > (SELECT max(age_to) FROM area.bands x WHERE x.age_from <= p.age)) AS n FROM nafld.patients p

-- attack: [14] a person by age
-- code: query.person_unknown
-- form: table
SELECT count(*) FILTER (WHERE p.age > (SELECT max(status) FROM nafld.patients x WHERE x.age = p.age)) AS n FROM nafld.patients p
-- twin: table
SELECT count(*) FILTER (WHERE p.age > (SELECT count(*) FROM nafld.events x WHERE x.pid = p.pid)) AS n FROM nafld.patients p

-- attack: [14] a person who is next
-- code: query.person_unknown
-- form: table
SELECT count(*) FILTER (WHERE p.age > (SELECT min(x.pid) FROM nafld.patients x WHERE x.pid > p.pid)) AS n FROM nafld.patients p
-- twin: table
SELECT count(*) FILTER (WHERE p.age > (SELECT 10 * count(*) FROM nafld.events x WHERE x.pid = p.pid)) AS n FROM nafld.patients p

-- attack: [14] somebody else
-- code: query.person_unknown
-- form: table
SELECT count(*) FILTER (WHERE p.age > (SELECT max(status) FROM nafld.patients x WHERE x.pid <> p.pid)) AS n FROM nafld.patients p
-- twin: table
SELECT count(*) FILTER (WHERE p.age > (SELECT 10 * count(*) FROM nafld.labs x WHERE x.pid = p.pid)) AS n FROM nafld.patients p

-- attack: [14] a person in a step
-- code: query.person_unknown
-- form: table
WITH one AS (SELECT max(status) AS s FROM nafld.patients WHERE age = 60) SELECT count(*) FILTER (WHERE p.age > (SELECT s FROM one)) AS n FROM nafld.patients p
-- twin: table
SELECT count(*) FILTER (WHERE p.age > (SELECT max(standard) FROM area.bands)) AS n FROM nafld.patients p

-- attack: [14] lateral by a comma
-- code: query.node
-- form: rows
SELECT p.age, x.n FROM nafld.patients p, LATERAL (SELECT count(*) AS n FROM nafld.events e WHERE e.pid = p.pid) AS x
-- twin: rows
SELECT p.age, x.n FROM nafld.patients p, (SELECT pid, count(*) AS n FROM nafld.events GROUP BY pid) AS x WHERE x.pid = p.pid

-- attack: [14] lateral join
-- code: query.node
-- form: rows
SELECT p.age, x.n FROM nafld.patients p JOIN LATERAL (SELECT count(*) AS n FROM nafld.events e WHERE e.pid = p.pid) AS x ON true
-- twin: rows
SELECT p.age, x.n FROM nafld.patients p JOIN (SELECT pid, count(*) AS n FROM nafld.events GROUP BY pid) AS x ON x.pid = p.pid

-- attack: [15] EXISTS over another
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM nafld.patients p WHERE EXISTS (SELECT 1 FROM nafld.patients x WHERE x.age = p.age AND x.status = 1)
-- twin: table
SELECT count(*) AS n FROM nafld.patients p WHERE EXISTS (SELECT 1 FROM nafld.events x WHERE x.pid = p.pid AND x.days > 10)

-- attack: [15] NOT EXISTS over a number
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM nafld.patients p WHERE NOT EXISTS (SELECT 1 FROM nafld.patients x WHERE x.pid = 4242)
-- twin: table
SELECT count(*) AS n FROM nafld.patients p WHERE NOT EXISTS (SELECT 1 FROM nafld.events x WHERE x.pid = p.pid)

-- attack: [15] IN over ages
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM nafld.patients p WHERE p.age IN (SELECT age FROM nafld.patients WHERE pid = 4242)
-- twin: table
SELECT count(*) AS n FROM nafld.patients p WHERE p.age IN (SELECT age_from FROM area.bands)

-- attack: [15] ANY over ages
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM nafld.patients p WHERE p.age = ANY (SELECT age FROM nafld.patients WHERE pid = 4242)
-- twin: table
SELECT count(*) AS n FROM nafld.patients p WHERE p.age = ANY (SELECT age_from FROM area.bands)

-- attack: [15] ALL over ages
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM nafld.patients p WHERE p.age >= ALL (SELECT age FROM nafld.patients WHERE status = 1)
-- twin: table
SELECT count(*) AS n FROM nafld.patients p WHERE p.age >= ALL (SELECT age_from FROM area.bands WHERE age_from < 40)

-- attack: [15] IN over pairs
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM nafld.patients p WHERE (p.age, p.male) IN (SELECT age, male FROM nafld.patients WHERE pid = 4242)
-- twin: table
SELECT count(*) AS n FROM nafld.patients p WHERE p.pid IN (SELECT pid FROM nafld.events WHERE days > 10)

-- attack: [15] a person tied by OR
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM nafld.patients p WHERE EXISTS (SELECT 1 FROM nafld.patients x WHERE x.pid = p.pid OR x.pid = 4242)
-- twin: table
SELECT count(*) AS n FROM nafld.patients p WHERE EXISTS (SELECT 1 FROM nafld.events x WHERE x.pid = p.pid AND (x.days > 1 OR x.days < 1))

-- attack: [15] a person tied by LIKE
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM nafld.patients p WHERE EXISTS (SELECT 1 FROM nafld.patients x WHERE CAST(x.pid AS VARCHAR) LIKE CAST(p.pid AS VARCHAR) || '%')
-- twin: table
SELECT count(*) AS n FROM nafld.patients p WHERE EXISTS (SELECT 1 FROM nafld.events x WHERE x.pid = p.pid AND x.event LIKE 'h%')

-- attack: [15] a count compared
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM nafld.patients p WHERE 2 < (SELECT count(*) FROM nafld.patients x WHERE x.age = 60)
-- twin: table
SELECT count(*) AS n FROM nafld.patients p WHERE 2 < (SELECT count(*) FROM nafld.labs x WHERE x.pid = p.pid)
