-- attack: [18] a sum that is nearly all one person's
-- code: hidden
-- form: table
SELECT sum(cost) AS s FROM bill WHERE ward = 1
-- twin: table
SELECT sum(cost) AS s FROM bill WHERE ward = 2

-- attack: [18] its mean, with the number of records beside it
-- code: hidden
-- form: table
SELECT avg(cost) AS a, count(*) AS n FROM bill WHERE ward = 1
-- twin: table
SELECT avg(cost) AS a, count(*) AS n FROM bill WHERE ward = 2

-- attack: [18] its spread
-- code: hidden
-- form: table
SELECT stddev(cost) AS d, count(*) AS n FROM bill WHERE ward = 1
-- twin: table
SELECT stddev(cost) AS d, count(*) AS n FROM bill WHERE ward = 2

-- attack: [18] a rate made of it
-- code: hidden
-- form: table
SELECT sum(cost) / count(DISTINCT pid) AS each FROM bill WHERE ward = 1
-- twin: table
SELECT sum(cost) / count(DISTINCT pid) AS each FROM bill WHERE ward = 2

-- attack: [18] turned into its opposite
-- code: hidden
-- form: table
SELECT sum(-cost) AS s FROM bill WHERE ward = 1
-- twin: table
SELECT sum(-cost) AS s FROM bill WHERE ward = 2

-- attack: [19] of an expression
-- code: hidden
-- form: table
SELECT sum(2 * cost + 1) AS s FROM bill WHERE ward = 1
-- twin: table
SELECT sum(2 * cost + 1) AS s FROM bill WHERE ward = 2

-- attack: [18] where nulls are noughts
-- code: hidden
-- form: table
SELECT sum(coalesce(cost, 0)) AS s FROM bill WHERE ward = 1
-- twin: table
SELECT sum(coalesce(cost, 0)) AS s FROM bill WHERE ward = 2

-- attack: [18] one person's many small records
-- code: hidden
-- form: table
SELECT sum(units) AS s FROM bill WHERE ward = 3
-- twin: table
SELECT sum(units) AS s FROM bill WHERE ward = 2

-- attack: [18] how many records there are, nearly all of them one person's
-- code: hidden
-- form: table
SELECT count(*) AS n FROM bill WHERE ward = 3
-- twin: table
SELECT count(DISTINCT pid) AS n FROM bill WHERE ward = 3

-- attack: [18] a sum spelled as a number of rows
-- code: hidden
-- form: table
SELECT count(*) AS n FROM bill b JOIN (VALUES (100), (1000), (10000), (20000), (30000), (40000), (50000), (60000), (70000), (80000), (90000), (100000), (110000), (120000), (130000)) AS v(k) ON v.k < b.cost WHERE b.ward IN (1, 4)
-- twin: table
SELECT count(*) AS n FROM bill b JOIN (VALUES (1), (2), (3), (4)) AS v(k) ON v.k < b.cost WHERE b.ward = 2

-- attack: [18] summed by person first
-- code: hidden
-- form: table
WITH p AS (SELECT pid, sum(cost) AS c FROM bill WHERE ward = 1 GROUP BY pid) SELECT sum(c) AS s FROM p
-- twin: table
WITH p AS (SELECT pid, sum(cost) AS c FROM bill WHERE ward = 2 GROUP BY pid) SELECT sum(c) AS s FROM p

-- attack: [18] with those who spent little left out by HAVING
-- code: hidden
-- form: table
WITH p AS (SELECT pid, sum(cost) AS c FROM bill WHERE ward IN (1, 2) GROUP BY pid HAVING sum(cost) > 20) SELECT sum(c) AS s FROM p
-- twin: table
WITH p AS (SELECT pid, sum(cost) AS c FROM bill WHERE ward = 2 GROUP BY pid HAVING sum(cost) > 20) SELECT sum(c) AS s FROM p

-- attack: [18] through a join that doubles everybody's records
-- code: hidden
-- form: table
SELECT sum(b.cost) AS s FROM bill b JOIN bill c ON c.pid = b.pid WHERE b.ward = 1
-- twin: table
SELECT sum(b.cost) AS s FROM bill b JOIN bill c ON c.pid = b.pid WHERE b.ward = 2

-- attack: [20] by what is left over of a sum that leaves one person out
-- code: hidden
-- form: table
SELECT sum(cost) AS s, sum(cost) FILTER (WHERE cost < 1000) AS h FROM bill WHERE ward IN (1, 2, 4)
-- twin: table
SELECT sum(cost) AS s, sum(cost) FILTER (WHERE kind = 'a') AS h FROM bill WHERE ward IN (2, 4)

-- attack: [20] by what two sums leave over of a third
-- code: hidden
-- form: table
SELECT sum(cost) AS s, sum(cost) FILTER (WHERE ward = 2) AS b, sum(cost) FILTER (WHERE ward = 4) AS d FROM bill
-- twin: table
SELECT sum(cost) AS s, sum(cost) FILTER (WHERE kind = 'a') AS b, sum(cost) FILTER (WHERE kind = 'b') AS d FROM bill WHERE ward IN (2, 4)

-- attack: [20] by two columns that differ for one person
-- code: hidden
-- form: table
SELECT sum(cost) AS s, sum(paid) AS p FROM bill WHERE ward IN (1, 2, 4)
-- twin: table
SELECT sum(cost) AS s, sum(units) AS p FROM bill WHERE ward IN (2, 4)

-- attack: [20] by a mean and a sum
-- code: hidden
-- form: table
SELECT avg(cost) AS a, count(*) AS n, sum(cost) FILTER (WHERE cost < 1000) AS h FROM bill WHERE ward IN (1, 2, 4)
-- twin: table
SELECT avg(cost) AS a, count(*) AS n, sum(cost) FILTER (WHERE kind = 'a') AS h FROM bill WHERE ward IN (2, 4)

-- attack: [20] by adding what was taken away
-- code: hidden
-- form: table
SELECT sum(cost) AS s, sum(CASE WHEN cost < 1000 THEN -cost END) AS h FROM bill WHERE ward IN (1, 2, 4)
-- twin: table
SELECT sum(cost) AS s, sum(CASE WHEN kind = 'a' THEN -cost END) AS h FROM bill WHERE ward IN (2, 4)

-- attack: [18] by subtraction from a total
-- code: hidden
-- form: table
SELECT ward, sum(cost) AS s FROM bill WHERE ward <> 3 GROUP BY ROLLUP (ward)
-- twin: table
SELECT ward, sum(cost) AS s FROM bill WHERE ward IN (2, 4) GROUP BY ROLLUP (ward)

-- attack: [18] by subtraction from a total that is asked for apart
-- code: hidden
-- form: table
SELECT ward, sum(units) AS s FROM bill GROUP BY ward
-- twin: table
SELECT ward, sum(cost) AS s FROM bill WHERE ward IN (2, 4) GROUP BY ward

-- attack: [18] by two ways through a table
-- code: hidden
-- form: table
SELECT ward, kind, sum(cost) AS s FROM bill WHERE ward <> 3 GROUP BY CUBE (ward, kind)
-- twin: table
SELECT ward, kind, sum(cost) AS s FROM bill WHERE ward IN (2, 4) GROUP BY CUBE (ward, kind)

-- attack: [20] by cells within cells
-- code: hidden
-- form: table
SELECT v.k, sum(b.cost) AS s FROM bill b JOIN (VALUES (1000), (1000000)) AS v(k) ON b.cost < v.k WHERE b.ward IN (1, 2, 4) GROUP BY v.k
-- twin: table
SELECT v.k, sum(b.cost) AS s FROM bill b JOIN (VALUES (2, 'b'), (4, 'd')) AS v(w, k) ON b.ward = v.w GROUP BY v.k

-- attack: [20] by more sums than can be looked at
-- code: query.contributions_uncounted
-- form: table
SELECT sum(cost) FILTER (WHERE cost < 1) AS a, sum(cost) FILTER (WHERE cost < 2) AS b, sum(cost) FILTER (WHERE cost < 3) AS c, sum(cost) FILTER (WHERE cost < 4) AS d, sum(cost) FILTER (WHERE cost < 5) AS e, sum(cost) FILTER (WHERE cost < 6) AS f, sum(cost) FILTER (WHERE cost < 7) AS g, sum(cost) FILTER (WHERE cost < 8) AS h, sum(cost) AS s FROM bill
-- twin: table
SELECT sum(cost) FILTER (WHERE ward = 2) AS a, sum(cost) FILTER (WHERE ward = 4) AS b, sum(units) AS c, sum(paid) AS d FROM bill WHERE ward IN (2, 4)
