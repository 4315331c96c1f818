-- attack: padding one person with a crowd
-- code: query.person_unknown
-- form: table
SELECT count(DISTINCT a.pid) AS n, sum(b.status) AS s FROM nafld.patients a CROSS JOIN nafld.patients b WHERE b.pid = 4242
-- twin: table
SELECT count(DISTINCT a.pid) AS n, sum(b.days) AS s FROM nafld.patients a JOIN nafld.events b ON b.pid = a.pid

-- attack: join beside the person
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM nafld.patients a JOIN nafld.patients b ON a.age = b.age
-- twin: table
SELECT count(*) AS n FROM nafld.patients a JOIN nafld.patients b ON a.age = b.age AND a.pid = b.pid

-- attack: everybody but one
-- code: query.person_unknown
-- form: table
SELECT sum(b.status) AS s FROM nafld.patients a JOIN nafld.patients b ON a.pid <> b.pid
-- twin: table
SELECT sum(b.status) AS s FROM nafld.patients a JOIN nafld.patients b ON a.pid = b.pid

-- attack: a join that may be on the person
-- code: query.person_unknown
-- form: table
SELECT sum(b.status) AS s FROM nafld.patients a JOIN nafld.patients b ON a.pid = b.pid OR b.pid = 4242
-- twin: table
SELECT sum(b.status) AS s FROM nafld.patients a JOIN nafld.patients b ON a.pid = b.pid AND (b.age > 1 OR b.age < 1)

-- attack: left join ties two crowds
-- code: query.person_unknown
-- form: table
SELECT sum(c.status) AS s FROM nafld.patients a CROSS JOIN nafld.patients c LEFT JOIN nafld.patients b ON a.pid = b.pid AND b.pid = c.pid
-- twin: table
SELECT sum(c.status) AS s FROM nafld.patients a JOIN nafld.patients c ON a.pid = c.pid LEFT JOIN nafld.patients b ON b.pid = c.pid

-- attack: invented persons
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM (SELECT pid, status FROM nafld.patients UNION ALL SELECT 1, 1 UNION ALL SELECT 2, 1) AS u
-- twin: table
SELECT count(*) AS n FROM (SELECT pid, days FROM nafld.labs UNION ALL SELECT pid, days FROM nafld.events) AS u

-- attack: arithmetic on the identifier
-- code: query.person_unknown
-- form: table
SELECT count(DISTINCT p) AS n FROM (SELECT pid * 100 + v.i AS p FROM nafld.patients CROSS JOIN (VALUES (1), (2)) AS v(i)) AS x
-- twin: table
SELECT count(DISTINCT p) AS n FROM (SELECT pid AS p FROM nafld.patients CROSS JOIN (VALUES (1), (2)) AS v(i)) AS x

-- attack: a person of the text as oracle
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM nafld.patients WHERE EXISTS (SELECT 1 FROM nafld.patients x WHERE x.pid = 4242 AND x.status = 1)
-- twin: table
SELECT count(*) AS n FROM nafld.patients p WHERE EXISTS (SELECT 1 FROM nafld.events x WHERE x.pid = p.pid AND x.event = 'htn')

-- attack: an oracle whose inner name hides the outer
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM nafld.patients WHERE EXISTS (SELECT 1 FROM nafld.patients WHERE patients.pid = patients.pid AND patients.pid = 4242 AND status = 1)
-- twin: table
SELECT count(*) AS n FROM nafld.patients WHERE pid IN (SELECT pid FROM nafld.patients WHERE status = 1)

-- attack: IN over another column
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM nafld.patients WHERE 1 IN (SELECT status FROM nafld.patients WHERE pid = 4242)
-- twin: table
SELECT count(*) AS n FROM nafld.patients WHERE pid IN (SELECT pid FROM nafld.events WHERE event = 'htn')

-- attack: scalar oracle
-- code: query.person_unknown
-- form: table
SELECT count(*) FILTER (age > (SELECT max(status) FROM nafld.patients WHERE pid = 4242)) AS n FROM nafld.patients
-- twin: table
SELECT count(*) FILTER (age > (SELECT max(age_from) FROM area.bands WHERE standard < 1050)) AS n FROM nafld.patients

-- attack: identifier lost in a subquery
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM (SELECT age FROM nafld.patients) AS x
-- twin: table
SELECT count(*) AS n FROM (SELECT age, pid FROM nafld.patients) AS x

-- attack: groups of persons as rows
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM (SELECT age, count(*) AS c FROM nafld.patients GROUP BY age) AS x
-- twin: table
SELECT count(*) AS n FROM (SELECT pid, count(*) AS c FROM nafld.labs GROUP BY pid) AS x

-- attack: another person through the case identifier
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n, sum(b.status) AS s FROM nafld.patients a JOIN nafld.patients b ON a.case_pid = b.pid
-- twin: table
SELECT count(*) AS n, sum(b.status) AS s FROM nafld.patients a JOIN nafld.patients b ON a.pid = b.pid

-- attack: neighbour through a window
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM (SELECT pid, lag(status) OVER (ORDER BY pid) AS other FROM nafld.patients) AS x WHERE other = 1
-- twin: table
SELECT count(*) AS n FROM (SELECT pid, lag(event) OVER (PARTITION BY pid ORDER BY days) AS other FROM nafld.events) AS x WHERE other = 'htn'

-- attack: anti join that leaves one out
-- code: query.person_unknown
-- form: table
SELECT count(*) AS n FROM nafld.patients a ANTI JOIN (SELECT age, pid FROM nafld.patients WHERE status = 1) b ON a.age = b.age
-- twin: table
SELECT count(*) AS n FROM nafld.patients a ANTI JOIN (SELECT age, pid FROM nafld.patients WHERE status = 1) b ON a.pid = b.pid

-- attack: except a population
-- code: query.table_shape
-- form: table
SELECT count(*) AS n FROM nafld.patients EXCEPT SELECT 400
-- twin: table
SELECT count(*) AS n FROM (SELECT pid FROM nafld.patients EXCEPT SELECT pid FROM nafld.events) AS x

-- attack: no persons at all
-- code: query.person_unknown
-- form: table
SELECT band, sum(standard) AS s FROM area.bands GROUP BY band
-- twin: rows
SELECT band, sum(standard) AS s FROM area.bands GROUP BY band

-- attack: the identifier as a key
-- code: query.key_identifies
-- form: table
SELECT pid, sum(status) AS s FROM nafld.patients GROUP BY pid
-- twin: table
SELECT age, sum(status) AS s FROM nafld.patients GROUP BY age

-- attack: the identifier within a key
-- code: query.key_identifies
-- form: table
SELECT x.k, sum(x.status) AS s FROM (SELECT pid, pid % 1000 AS k, status FROM nafld.patients) AS x GROUP BY x.k
-- twin: table
SELECT x.k, sum(x.status) AS s FROM (SELECT pid, age // 10 AS k, status FROM nafld.patients) AS x GROUP BY x.k

-- attack: another person's identifier as a key
-- code: query.key_identifies
-- form: table
SELECT case_pid, count(*) AS n FROM nafld.patients GROUP BY case_pid
-- twin: table
SELECT male, count(*) AS n FROM nafld.patients GROUP BY male

-- attack: a measurement as a key
-- code: query.key_continuous
-- form: table
SELECT bmi, sum(status) AS s FROM nafld.patients GROUP BY bmi
-- twin: table
SELECT floor(bmi / 5) * 5 AS bmi5, sum(status) AS s FROM nafld.patients GROUP BY 1

