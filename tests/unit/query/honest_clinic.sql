-- persons by stage and sex
SELECT stage, sex, count(*) AS n, count(death_date) AS died, avg(bw) AS bw FROM reg.base GROUP BY stage, sex ORDER BY stage, sex;

-- Japanese literal
SELECT CASE WHEN sex = '男' THEN '男性' WHEN sex = '女' THEN '女性' ELSE '不明' END AS "性別", count(*) AS "人数" FROM reg.base GROUP BY 1 ORDER BY 1;

-- first event
WITH f AS (SELECT pid, min(admit) AS first_admit FROM hosp.stay GROUP BY pid)
SELECT year(first_admit) AS y, count(*) AS n FROM f GROUP BY ALL ORDER BY ALL;

-- first event with arg_min
WITH f AS (SELECT pid, arg_min(main_icd, admit) AS icd, min(admit) AS d FROM hosp.stay GROUP BY pid)
SELECT icd, count(DISTINCT pid) AS n, sum(CASE WHEN b.death_date IS NOT NULL THEN 1 ELSE 0 END) AS died FROM f JOIN reg.base b USING (pid) GROUP BY icd;

-- new users with washout
WITH i AS (SELECT pid, min(start) AS idx FROM reg.drug WHERE code = 'L01XC02' GROUP BY pid),
nu AS (SELECT i.* FROM i WHERE NOT EXISTS (SELECT 1 FROM reg.drug d WHERE d.pid = i.pid AND d.code <> 'L01XC02' AND d.start >= i.idx - INTERVAL 180 DAY AND d.start < i.idx))
SELECT b.sex, count(*) AS n, avg(date_diff('day', b.entry_date, nu.idx)) AS days FROM nu JOIN reg.base b ON b.pid = nu.pid GROUP BY b.sex;

-- person-years and rate
WITH f AS (SELECT pid, sex, date_diff('day', entry_date, coalesce(death_date, DATE '2022-03-31')) / 365.25 AS py, CASE WHEN death_date <= DATE '2022-03-31' THEN 1 ELSE 0 END AS d FROM reg.base)
SELECT sex, count(*) AS n, sum(py) AS py, sum(d) AS deaths, 1000.0 * sum(d) / sum(py) AS rate FROM f GROUP BY ROLLUP (sex);

-- Charlson like
WITH d AS (SELECT DISTINCT pid, left(main_icd, 3) AS c FROM hosp.stay),
s AS (SELECT pid, max(CASE c WHEN 'I21' THEN 1 ELSE 0 END) + max(CASE c WHEN 'N18' THEN 2 ELSE 0 END) + max(CASE c WHEN 'C34' THEN 2 ELSE 0 END) + max(CASE c WHEN 'E11' THEN 1 ELSE 0 END) AS cci FROM d GROUP BY pid)
SELECT least(coalesce(cci, 0), 4) AS cci, count(*) AS n, avg(CASE WHEN b.death_date IS NOT NULL THEN 1.0 ELSE 0 END) AS p FROM reg.base b LEFT JOIN s USING (pid) GROUP BY ALL ORDER BY ALL;

-- PDC
WITH i AS (SELECT pid, min(start) AS idx FROM reg.drug GROUP BY pid),
c AS (SELECT d.pid, sum(least(d.days, greatest(0, 180 - date_diff('day', i.idx, d.start)))) AS covered FROM reg.drug d JOIN i USING (pid) WHERE d.start < i.idx + INTERVAL 180 DAY GROUP BY d.pid)
SELECT CASE WHEN least(covered / 180.0, 1) >= 0.8 THEN 'adherent' ELSE 'not' END AS g, count(*) AS n, avg(least(covered / 180.0, 1)) AS pdc FROM c GROUP BY ALL;

-- MPR
WITH m AS (SELECT pid, sum(days) AS supplied, date_diff('day', min(start), max(start)) + 28 AS span FROM reg.drug GROUP BY pid HAVING count(*) > 1)
SELECT count(*) AS n, avg(supplied * 1.0 / span) AS mpr, stddev(supplied * 1.0 / span) AS sd FROM m;

-- rollup two
SELECT pref_code, sex, count(*) AS n, count(*) FILTER (WHERE smoker) AS smokers FROM reg.base GROUP BY ROLLUP (pref_code, sex) ORDER BY pref_code, sex;

-- cube stage
SELECT stage, smoker, count(*) AS n, avg(crp) AS crp FROM reg.base WHERE stage IS NOT NULL GROUP BY CUBE (stage, smoker);

-- missingness
SELECT sex, count(*) AS n, count(bw) AS has_bw, count(crp) AS has_crp, count(*) - count(bw) AS no_bw FROM reg.base WHERE sex IS NOT NULL GROUP BY sex;

-- last visit
WITH v AS (SELECT pid, resp, sbp, row_number() OVER (PARTITION BY pid ORDER BY visit_date DESC, visit_no DESC) AS rn FROM reg.follow)
SELECT coalesce(resp, '未評価') AS resp, count(*) AS n, avg(sbp) AS sbp FROM v WHERE rn = 1 GROUP BY ALL;

-- qualify last
WITH v AS (SELECT pid, resp FROM reg.follow QUALIFY row_number() OVER (PARTITION BY pid ORDER BY visit_date DESC, visit_no DESC) = 1)
SELECT b.stage, count(*) AS n, count(*) FILTER (v.resp IN ('CR', 'PR')) AS orr FROM reg.base b LEFT JOIN v USING (pid) GROUP BY b.stage;

-- change from baseline
WITH a AS (SELECT pid, arg_min(sbp, visit_date) AS first_sbp, arg_max(sbp, visit_date) AS last_sbp, count(*) AS k FROM reg.follow WHERE sbp IS NOT NULL GROUP BY pid)
SELECT b.sex, count(*) AS n, avg(a.last_sbp - a.first_sbp) AS d, stddev(a.last_sbp - a.first_sbp) AS sd FROM a JOIN reg.base b USING (pid) WHERE k > 1 AND b.sex IS NOT NULL GROUP BY b.sex;

-- cost per patient per quarter
WITH q AS (SELECT pid, date_trunc('quarter', visit_date) AS q, sum(cost) AS cost FROM reg.follow GROUP BY ALL)
SELECT year(q) AS y, quarter(q) AS qq, count(DISTINCT pid) AS n, avg(cost) AS cost FROM q GROUP BY ALL ORDER BY y, qq;

-- readmission 30
WITH s AS (SELECT pid, admit, disch, lead(admit) OVER (PARTITION BY pid ORDER BY admit) AS nxt FROM hosp.stay)
SELECT year(disch) AS y, count(*) AS stays, count(DISTINCT pid) AS persons, count(*) FILTER (nxt <= disch + INTERVAL 90 DAY) AS back FROM s WHERE disch IS NOT NULL GROUP BY ALL ORDER BY ALL;

-- los by ward
SELECT ward, count(*) AS stays, avg(disch - admit) AS los, stddev(disch - admit) AS sd, sum(points) AS pts FROM hosp.stay GROUP BY ward;

-- age at entry bands
SELECT date_diff('year', birth_ym, entry_date) // 10 * 10 AS age10, count(*) AS n FROM reg.base GROUP BY 1 ORDER BY 1;

-- age standardised
WITH b AS (SELECT pid, CASE WHEN date_diff('year', birth_ym, entry_date) < 50 THEN 1 WHEN date_diff('year', birth_ym, entry_date) < 65 THEN 2 ELSE 3 END AS g, CASE WHEN death_date IS NOT NULL THEN 1 ELSE 0 END AS d, sex FROM reg.base WHERE sex IS NOT NULL),
w(g, weight) AS (VALUES (1, 0.4), (2, 0.35), (3, 0.25))
SELECT sex, count(*) AS n, sum(d * weight) AS wd, sum(weight) AS ws, sum(d*weight)/sum(weight) AS std FROM b JOIN w USING (g) GROUP BY sex;

-- landmark
WITH l AS (SELECT b.pid, max(CASE WHEN f.resp IN ('CR','PR') THEN 1 ELSE 0 END) AS resp, any_value(b.death_date) AS death FROM reg.base b JOIN reg.follow f ON f.pid = b.pid AND f.visit_date <= b.entry_date + 180 WHERE b.death_date IS NULL OR b.death_date > b.entry_date + 180 GROUP BY b.pid)
SELECT resp, count(*) AS n, count(death) AS died FROM l GROUP BY resp;

-- pivot by stage
SELECT sex, count(*) FILTER (WHERE stage = 1) AS s1, count(*) FILTER (WHERE stage = 2) AS s2, count(*) FILTER (WHERE stage = 3) AS s3, count(*) FILTER (WHERE stage = 4) AS s4, count(*) FILTER (WHERE stage IS NULL) AS unknown FROM reg.base WHERE sex IS NOT NULL GROUP BY sex;

-- z grouping sets
SELECT pref_code, stage, grouping(pref_code) AS gp, grouping(stage) AS gs, count(*) AS n FROM reg.base GROUP BY GROUPING SETS ((pref_code), (stage), ());

-- correlated exists flags
SELECT b.smoker, count(*) AS n, count(*) FILTER (WHERE EXISTS (SELECT 1 FROM hosp.stay s WHERE s.pid = b.pid AND s.main_icd = 'I21' AND s.admit > b.entry_date)) AS mi FROM reg.base b GROUP BY b.smoker;

-- transitions
WITH t AS (SELECT pid, resp, lead(resp) OVER (PARTITION BY pid ORDER BY visit_no) AS nxt FROM reg.follow)
SELECT resp, nxt, count(*) AS n, count(DISTINCT pid) AS persons FROM t WHERE resp IS NOT NULL AND nxt IS NOT NULL GROUP BY resp, nxt;

-- gaps episodes
WITH d AS (SELECT pid, start, start + days AS stop, max(start + days) OVER (PARTITION BY pid ORDER BY start, rx_no, line_no ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM reg.drug),
e AS (SELECT pid, count(*) FILTER (before IS NULL OR start > before + 30) AS episodes FROM d GROUP BY pid)
SELECT least(episodes, 3) AS episodes, count(*) AS n FROM e GROUP BY ALL ORDER BY ALL;

-- concomitant
WITH m AS (SELECT DISTINCT a.pid FROM reg.drug a JOIN reg.drug b ON a.pid = b.pid AND a.code = 'A10BA02' AND b.code = 'C10AA05' AND b.start BETWEEN a.start AND a.start + a.days)
SELECT sex, count(*) AS n, count(m.pid) AS both FROM reg.base LEFT JOIN m USING (pid) WHERE sex IS NOT NULL GROUP BY sex;

-- multi lines per rx composite key
WITH rx AS (SELECT pid, hosp_id, rx_no, count(*) AS k, sum(qty * days) AS amt FROM reg.drug GROUP BY pid, hosp_id, rx_no)
SELECT k, count(*) AS rx, count(DISTINCT pid) AS persons, avg(amt) AS amt FROM rx GROUP BY k ORDER BY k;

-- two flags, both, and either
SELECT sex, count(*) AS n, count(*) FILTER (smoker) AS a, count(*) FILTER (stage >= 3) AS b, count(*) FILTER (smoker AND stage >= 3) AS c, count(*) FILTER (smoker OR stage >= 3) AS d FROM reg.base WHERE sex IS NOT NULL GROUP BY sex;

-- many counts and means of one row
SELECT sex, count(*) AS n, count(bw) AS w, count(crp) AS c, count(dx_date) AS d, count(ref_hosp_id) AS r, count(*) FILTER (smoker) AS s, count(*) FILTER (stage = 4) AS s4, count(death_date) AS died, avg(bw) AS mbw, avg(crp) AS mcrp FROM reg.base WHERE sex IS NOT NULL GROUP BY sex;

-- points by ward beside all points
SELECT b.sex, count(*) AS n, sum(points) AS p, sum(points) FILTER (ward = 'ICU') AS icu, sum(points) FILTER (ward = '外科') AS op, sum(points) FILTER (ward = '内科') AS med FROM hosp.stay s JOIN reg.base b USING (pid) WHERE b.sex IS NOT NULL GROUP BY b.sex;

-- comorbidities by stage
WITH f AS (SELECT pid, max(CASE WHEN main_icd = 'I21' THEN 1 ELSE 0 END) AS mi, max(CASE WHEN main_icd = 'C34' THEN 1 ELSE 0 END) AS ca, max(CASE WHEN main_icd = 'N18' THEN 1 ELSE 0 END) AS ckd, max(CASE WHEN main_icd = 'E11' THEN 1 ELSE 0 END) AS dm FROM hosp.stay GROUP BY pid) SELECT b.stage, count(*) AS n, sum(mi) AS mi, sum(ca) AS ca, sum(ckd) AS ckd, sum(dm) AS dm, avg(mi) AS pmi FROM f JOIN reg.base b USING (pid) GROUP BY b.stage;

-- expected events of a logistic model
SELECT sex, count(*) AS n, sum(1 / (1 + exp(-(-8 + 0.1 * bw)))) AS expected FROM reg.base WHERE sex IS NOT NULL AND bw IS NOT NULL GROUP BY sex;

-- discounted costs
SELECT sex, sum(f.cost / power(1.03, date_diff('day', b.entry_date, f.visit_date) / 365.25)) AS c FROM reg.base b JOIN reg.follow f USING (pid) WHERE sex IS NOT NULL GROUP BY sex;

-- mean and spread of a weighted score
WITH s AS (SELECT pid, max(CASE main_icd WHEN 'I21' THEN 1 ELSE 0 END) + 2 * max(CASE main_icd WHEN 'N18' THEN 1 ELSE 0 END) + 6 * max(CASE main_icd WHEN 'C34' THEN 1 ELSE 0 END) AS cci FROM hosp.stay GROUP BY pid) SELECT b.sex, count(*) AS n, avg(cci) AS m, stddev(cci) AS sd FROM s JOIN reg.base b USING (pid) WHERE b.sex IS NOT NULL GROUP BY b.sex;

-- mean and spread of four stages
SELECT sex, avg(stage) AS m, stddev(stage) AS sd, count(stage) AS n FROM reg.base WHERE sex IS NOT NULL GROUP BY sex;

-- visits per person
WITH v AS (SELECT pid, count(*) AS k FROM reg.follow GROUP BY pid) SELECT sex, count(*) AS n, avg(k) AS m, stddev(k) AS sd FROM v JOIN reg.base USING (pid) WHERE sex IS NOT NULL GROUP BY sex;

-- powers and logarithms of a measurement
SELECT sex, avg(power(bw / 100, 2)) AS m, avg(ln(bw)) AS l, exp(avg(ln(bw))) AS gm FROM reg.base WHERE sex IS NOT NULL GROUP BY sex;

-- a geometric mean
SELECT sex, count(crp) AS n, exp(avg(ln(crp + 0.1))) AS gm FROM reg.base WHERE sex IS NOT NULL GROUP BY sex;

-- weights of a standard population with four digits
WITH w(g, weight) AS (VALUES (0, 0.0886), (1, 0.0869), (2, 0.0860), (3, 0.0847), (4, 0.0822), (5, 0.0793), (6, 0.0761), (7, 0.0715)), b AS (SELECT pid, sex, date_diff('year', birth_ym, entry_date) // 10 - 1 AS g, death_date IS NOT NULL AS d FROM reg.base WHERE sex IS NOT NULL) SELECT sex, sum(weight) FILTER (d) / sum(weight) AS r FROM b JOIN w USING (g) GROUP BY sex;

-- unit costs from a written list
WITH u(ward, cost) AS (VALUES ('内科', 31200), ('外科', 45800), ('ICU', 121500)) SELECT b.sex, count(*) AS n, avg(u.cost) AS m FROM hosp.stay s JOIN u USING (ward) JOIN reg.base b ON b.pid = s.pid WHERE b.sex IS NOT NULL GROUP BY b.sex;
