-- attack: [20] two sums that lie apart, and all: who is in neither
-- code: hidden
-- form: table
SELECT sum(futime) FILTER (WHERE age < 60) AS a, sum(futime) FILTER (WHERE age > 60) AS b, sum(futime) AS s FROM nafld.patients
-- twin: table
SELECT sum(futime) FILTER (WHERE age < 56) AS a, sum(futime) FILTER (WHERE age > 60) AS b, sum(futime) AS s FROM nafld.patients

-- attack: [20] two sums of which one lies inside the other
-- code: hidden
-- form: table
SELECT sum(futime) FILTER (WHERE age < 60) AS a, sum(futime) FILTER (WHERE age <= 60) AS b FROM nafld.patients
-- twin: table
SELECT sum(points) FILTER (WHERE month < '2014-01-01') AS a, sum(points) FILTER (WHERE month >= '2014-01-01') AS b, sum(points) AS s FROM claims.visits

-- attack: [20] two sums that lie apart in one sex and inside each other in the other
-- code: hidden
-- form: table
SELECT male, sum(futime) FILTER (WHERE age < 60) AS a, sum(futime) FILTER (WHERE age > 60 OR (male AND age < 59)) AS b FROM nafld.patients WHERE age < 62 OR NOT male GROUP BY male
-- twin: table
SELECT male, sum(futime) FILTER (WHERE age < 60) AS a, sum(futime) FILTER (WHERE age > 60) AS b FROM nafld.patients GROUP BY male
