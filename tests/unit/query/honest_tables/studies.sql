-- a pyramid of ages and sexes / 年齢・性別ピラミッド
WITH p AS (SELECT pid, max(sex) AS sex, min(age) AS age FROM ndb.rcpt GROUP BY pid)
SELECT sex, age // 10 * 10 AS age10, count(*) AS n FROM p GROUP BY ALL ORDER BY ALL;

-- incidence per thousand person-years by sex / 性別の罹患率（千人年）
WITH s AS (SELECT pid, max(sex) AS sex, min(service_ym) AS t0, max(service_ym) AS t1 FROM ndb.rcpt GROUP BY pid),
o AS (SELECT pid, min(start_date) AS d FROM ndb.sy WHERE icd10 LIKE 'E11%' AND NOT suspected GROUP BY pid),
f AS (SELECT s.pid, sex, t0, CASE WHEN d > t0 AND d <= t1 THEN 1 ELSE 0 END AS event, least(coalesce(d, t1), t1) - t0 AS days FROM s LEFT JOIN o USING (pid) WHERE d IS NULL OR d > t0)
SELECT sex, count(*) AS persons, sum(event) AS events, sum(days) / 365.25 AS py, 1000.0 * sum(event) / (sum(days) / 365.25) AS rate FROM f GROUP BY sex ORDER BY sex;

-- days covered, mean and spread / PDC の平均と標準偏差
WITH f AS (SELECT pid, least(sum(days), 365) / 365.0 AS pdc FROM ndb.iy WHERE act_date >= DATE '2019-04-01' AND act_date < DATE '2020-04-01' GROUP BY pid)
SELECT count(*) AS n, avg(pdc) AS mean, stddev(pdc) AS sd, count(*) FILTER (WHERE pdc >= 0.8) AS adherent FROM f;

-- days covered day by day / 日単位の PDC
WITH d AS (SELECT DISTINCT pid, act_date + k.i::INT AS day FROM ndb.iy JOIN range(90) k(i) ON k.i < days WHERE yj12 LIKE '3969%'),
f AS (SELECT pid, count(*) AS covered FROM d WHERE day >= DATE '2019-04-01' AND day < DATE '2020-04-01' GROUP BY pid)
SELECT CASE WHEN covered >= 60 THEN '60-' ELSE '-59' END AS band, count(*) AS n, avg(covered / 366.0) AS pdc FROM f GROUP BY ALL ORDER BY ALL;

-- readmission within thirty days / 30 日以内の再入院
WITH s AS (SELECT pid, admit_date, discharge_date, lead(admit_date) OVER (PARTITION BY pid ORDER BY admit_date, discharge_date) AS again FROM ndb.bu)
SELECT year(discharge_date) AS y, count(*) AS stays, sum(CASE WHEN again - discharge_date BETWEEN 0 AND 30 THEN 1 ELSE 0 END) AS back,
 100.0 * sum(CASE WHEN again - discharge_date BETWEEN 0 AND 30 THEN 1 ELSE 0 END) / count(*) AS percent FROM s GROUP BY ALL ORDER BY y;

-- stays and deaths by hospital, for a funnel plot / 施設別件数と死亡（ファンネルプロット）
SELECT facility_id, count(*) AS stays, count(DISTINCT pid) AS persons, sum(CASE WHEN outcome = 6 THEN 1 ELSE 0 END) AS deaths FROM dpc.form1 GROUP BY facility_id ORDER BY facility_id;

-- hospitals by their volume / 施設の症例数区分
WITH v AS (SELECT pid, facility_id, outcome, count(*) OVER (PARTITION BY pid) AS mine FROM dpc.form1)
SELECT facility_id, least(mine, 5) AS stays_each, count(DISTINCT pid) AS n FROM v GROUP BY ALL ORDER BY ALL;

-- steps of a survival curve by half-years / 生存曲線の区間（半年ごと）
WITH t AS (SELECT pid, min(act_date) AS t0 FROM ndb.iy GROUP BY pid),
f AS (SELECT t.pid, date_diff('month', t0, least(coalesce(death_date, DATE '2024-03-31'), DATE '2024-03-31')) // 12 AS step, (death_date IS NOT NULL)::INT AS died FROM t LEFT JOIN ndb.death USING (pid) WHERE death_date IS NULL OR death_date > t0)
SELECT step, count(*) AS leave, sum(died) AS deaths FROM f GROUP BY ALL ORDER BY step;

-- table one by exposure / 曝露別の表 1
WITH e AS (SELECT pid, max(CASE WHEN yj12 LIKE '3969%' THEN 1 ELSE 0 END) AS exposed FROM ndb.iy GROUP BY pid),
c AS (SELECT pid, avg(bmi) AS bmi, avg(sbp) AS sbp, avg(hba1c) AS a1c, avg(egfr) AS egfr, max(smoking) AS smoking, max(age) AS age, max(sex) AS sex FROM ndb.checkup GROUP BY pid)
SELECT exposed, count(*) AS n, avg(age) AS age, stddev(age) AS age_sd, count(*) FILTER (WHERE sex = 2) AS women, avg(bmi) AS bmi, stddev(bmi) AS bmi_sd,
 count(*) FILTER (WHERE bmi IS NULL) AS bmi_missing, avg(sbp) AS sbp, avg(a1c) AS a1c, avg(egfr) AS egfr, count(*) FILTER (WHERE smoking = 1) AS smokers FROM e JOIN c USING (pid) GROUP BY exposed ORDER BY exposed;

-- missing values by sex / 欠測の割合
SELECT sex, count(*) AS n, count(bmi) AS bmi, count(egfr) AS egfr, 100.0 * (count(*) - count(egfr)) / count(*) AS missing FROM ndb.checkup GROUP BY sex ORDER BY sex;

-- expected numbers for a standardised ratio / 標準化比の期待数
WITH p AS (SELECT pid, max(sex) AS sex, min(age) AS age, min(sma_code) AS sma FROM ndb.rcpt GROUP BY pid), d AS (SELECT DISTINCT pid FROM ndb.death),
r(sex, lo, hi, rate) AS (VALUES (1, 0, 65, 0.1), (1, 65, 200, 0.25), (2, 0, 65, 0.05), (2, 65, 200, 0.2))
SELECT sma, count(*) AS n, count(d.pid) AS observed, sum(rate) AS expected, count(d.pid) / sum(rate) AS smr FROM p LEFT JOIN d USING (pid) JOIN r ON r.sex = p.sex AND p.age >= r.lo AND p.age < r.hi GROUP BY sma ORDER BY sma;

-- directly standardised: numbers by stratum / 直接法のための層別件数
WITH p AS (SELECT pid, max(sex) AS sex, min(age) // 10 * 10 AS age10, min(sma_code) AS sma_code FROM ndb.rcpt GROUP BY pid)
SELECT p.sma_code, sex, count(*) AS n, count(*) FILTER (WHERE EXISTS (SELECT 1 FROM ndb.sy s WHERE s.pid = p.pid AND s.icd10 = 'I10')) AS cases FROM p GROUP BY ALL ORDER BY ALL;

-- counts by month of the year / 月別（季節性）
SELECT month(onset_date) AS m, count(*) AS n, count(DISTINCT pid) AS persons FROM idb.notif WHERE disease = 'COVID-19' GROUP BY m ORDER BY m;

-- an epidemic curve by quarter / 四半期別の流行曲線
SELECT disease, year(onset_date) AS y, quarter(onset_date) AS q, count(*) AS n FROM idb.notif GROUP BY ALL ORDER BY ALL;

-- switching between classes / 薬効群間の切替
WITH x AS (SELECT pid, left(yj12, 4) AS class, act_date, lag(left(yj12, 4)) OVER (PARTITION BY pid ORDER BY act_date, rcpt_id) AS before FROM ndb.iy)
SELECT before, class, count(DISTINCT pid) AS n FROM x WHERE before IN ('3969', '3961', '3999') AND class IN ('3969', '3961', '3999') AND before <> class GROUP BY ALL ORDER BY ALL;

-- comorbidity score / 併存疾患指数
WITH w(icd, points) AS (VALUES ('I500', 1), ('E119', 1), ('N185', 2), ('C169', 2), ('F03', 1), ('J440', 1), ('M0690', 1)),
h AS (SELECT DISTINCT pid, icd10 AS icd FROM ndb.sy WHERE NOT suspected),
s AS (SELECT h.pid, sum(points) AS score FROM h JOIN w USING (icd) GROUP BY h.pid)
SELECT least(score, 3) AS score, count(*) AS n FROM s GROUP BY ALL ORDER BY ALL;

-- the score's mean by sex / 併存疾患指数の平均
WITH w(icd, points) AS (VALUES ('I500', 1), ('E119', 1), ('N185', 2), ('C169', 2), ('F03', 1), ('J440', 1), ('M0690', 6)),
h AS (SELECT DISTINCT pid, icd10 AS icd FROM ndb.sy WHERE NOT suspected), p AS (SELECT pid, max(sex) AS sex FROM ndb.rcpt GROUP BY pid),
s AS (SELECT p.pid, sex, coalesce(sum(points), 0) AS score FROM p LEFT JOIN h USING (pid) LEFT JOIN w USING (icd) GROUP BY p.pid, sex)
SELECT sex, count(*) AS n, avg(score) AS mean, stddev(score) AS sd FROM s GROUP BY sex ORDER BY sex;

-- length of stay by operation / 手術有無別の在院日数
SELECT op_kcode IS NOT NULL AS operated, count(*) AS stays, avg(discharge_date - admit_date) AS los, stddev(discharge_date - admit_date) AS sd FROM dpc.form1 GROUP BY ALL ORDER BY ALL;

-- what care costs by kind / 種別医療費
SELECT rcpt_kind, count(DISTINCT pid) AS persons, sum(points) * 10 AS yen, avg(points) AS mean FROM ndb.rcpt GROUP BY rcpt_kind ORDER BY rcpt_kind;

-- cost by fiscal year in columns / 年度別医療費を列に
SELECT sex, sum(points) FILTER (WHERE service_ym < '2019-04-01') AS fy2018, sum(points) FILTER (WHERE service_ym >= '2019-04-01' AND service_ym < '2020-04-01') AS fy2019, sum(points) AS every FROM ndb.rcpt GROUP BY sex ORDER BY sex;

-- drug and procedure cost together / 薬剤と処置の費用
WITH s AS (SELECT pid, sum(points) AS si FROM ndb.si GROUP BY pid), r AS (SELECT pid, sum(points) AS total, max(sex) AS sex FROM ndb.rcpt GROUP BY pid)
SELECT sex, avg(total + coalesce(si, 0)) AS both_, avg(coalesce(si, 0)) AS si FROM r LEFT JOIN s USING (pid) GROUP BY sex ORDER BY sex;

-- coverage of vaccination by dose / 接種回数別の接種者
SELECT dose_no, sex, count(DISTINCT pid) AS n FROM vac.shot GROUP BY ALL ORDER BY ALL;

-- days between doses / 接種間隔
WITH s AS (SELECT pid, vaccine, min(shot_date) FILTER (WHERE dose_no = 1) AS a, min(shot_date) FILTER (WHERE dose_no = 2) AS b FROM vac.shot GROUP BY pid, vaccine)
SELECT vaccine, count(*) AS n, count(b) AS twice, avg(b - a) AS days FROM s GROUP BY vaccine ORDER BY vaccine;

-- events within four weeks of a dose / 接種後 28 日以内の発生
SELECT s.vaccine, count(DISTINCT s.pid) AS vaccinated, count(DISTINCT s.pid) FILTER (WHERE EXISTS (SELECT 1 FROM vac.aefi a WHERE a.pid = s.pid AND a.onset_date BETWEEN s.shot_date AND s.shot_date + 28)) AS events FROM vac.shot s GROUP BY ALL ORDER BY ALL;

-- self-controlled windows / 自己対照（リスク期間と対照期間）
WITH e AS (SELECT s.pid, e.start_date - s.shot_date AS d FROM vac.shot s JOIN ndb.sy e USING (pid) WHERE s.dose_no = 1)
SELECT CASE WHEN d BETWEEN 1 AND 28 THEN 'risk' WHEN d BETWEEN 29 AND 180 THEN 'control' ELSE 'other' END AS window_, count(*) AS events, count(DISTINCT pid) AS persons FROM e GROUP BY ALL ORDER BY ALL;

-- levels of care by year / 要介護度の年次推移
SELECT year(cert_date) AS y, CASE WHEN care_level >= 5 THEN 'high' ELSE 'low' END AS level, count(DISTINCT pid) AS n FROM kaigo.cert GROUP BY ALL ORDER BY ALL;

-- margins of sex and smoking / 性・喫煙の周辺度数
SELECT sex, smoking, count(*) AS n, avg(hba1c) AS a1c FROM ndb.checkup GROUP BY ROLLUP (sex, smoking) ORDER BY ALL;

-- new users / 新規使用者
WITH f AS (SELECT pid, left(yj12, 4) AS class, min(act_date) AS t0 FROM ndb.iy GROUP BY pid, class),
n AS (SELECT f.* FROM f WHERE NOT EXISTS (SELECT 1 FROM ndb.iy i WHERE i.pid = f.pid AND left(i.yj12, 4) = f.class AND i.act_date < f.t0))
SELECT class, year(t0) AS y, count(*) AS n FROM n WHERE year(t0) BETWEEN 2018 AND 2020 GROUP BY ALL ORDER BY ALL;

-- several drugs at once / 多剤併用
WITH c AS (SELECT pid, count(DISTINCT left(yj12, 4)) AS drugs FROM ndb.iy WHERE act_date >= DATE '2020-04-01' AND act_date < DATE '2020-10-01' GROUP BY pid)
SELECT CASE WHEN drugs >= 2 THEN '2-' ELSE '1' END AS band, count(*) AS n, avg(drugs) AS mean FROM c GROUP BY ALL ORDER BY ALL;

-- stage of kidney disease by egfr / eGFR による病期
SELECT CASE WHEN egfr < 30 THEN 'G4-5' WHEN egfr < 60 THEN 'G3' WHEN egfr < 90 THEN 'G2' WHEN egfr IS NOT NULL THEN 'G1' END AS stage, count(*) AS n, count(DISTINCT pid) AS persons FROM ndb.checkup GROUP BY ALL ORDER BY ALL;

-- change between two checkups / 健診値の変化
WITH c AS (SELECT pid, hba1c, lead(hba1c) OVER (PARTITION BY pid ORDER BY check_date, hba1c) AS next FROM ndb.checkup)
SELECT count(*) AS pairs, avg(next - hba1c) AS change, stddev(next - hba1c) AS sd, count(*) FILTER (WHERE next < hba1c) AS better FROM c WHERE next IS NOT NULL;

-- correlation of two measurements by sums / 二つの測定値の相関（和から）
SELECT sex, count(*) AS n, sum(sbp) AS x, sum(bmi) AS y, sum(sbp * bmi) AS xy, sum(sbp::INT * sbp) AS xx, sum(bmi * bmi) AS yy FROM ndb.checkup WHERE bmi IS NOT NULL GROUP BY sex ORDER BY sex;

-- two by two / 2×2 表
WITH p AS (SELECT pid, max((icd10 = 'E119')::INT) AS dm, max((icd10 = 'I10')::INT) AS htn FROM ndb.sy GROUP BY pid)
SELECT dm, htn, count(*) AS n FROM p GROUP BY ALL ORDER BY ALL;

-- prevalence of many diseases in one line / 一行に並べた有病者数
WITH p AS (SELECT pid, max((icd10 = 'E119')::INT) AS dm, max((icd10 = 'I10')::INT) AS htn, max((icd10 LIKE 'I5%')::INT) AS hf, max((icd10 = 'N185')::INT) AS ckd FROM ndb.sy WHERE NOT suspected GROUP BY pid)
SELECT count(*) AS n, sum(dm) AS dm, sum(htn) AS htn, sum(hf) AS hf, sum(ckd) AS ckd, avg(dm + htn + hf + ckd) AS burden FROM p;

-- top diagnoses / 上位の傷病
SELECT icd10, count(DISTINCT pid) AS persons, count(*) AS n FROM ndb.sy WHERE NOT suspected GROUP BY icd10 ORDER BY icd10;

-- years with any care / 年度ごとの受療者
SELECT year(service_ym) - (month(service_ym) < 4)::INT AS fy, count(DISTINCT pid) AS persons, count(*) AS claims, sum(days) AS days FROM ndb.rcpt GROUP BY ALL ORDER BY ALL;

-- death within a year of admission / 入院後一年以内の死亡
WITH f AS (SELECT pid, min(admit_date) AS t0 FROM ndb.bu GROUP BY pid)
SELECT year(t0) AS y, count(*) AS n, count(*) FILTER (WHERE d.death_date - t0 BETWEEN 0 AND 365) AS dead FROM f LEFT JOIN ndb.death d USING (pid) GROUP BY ALL ORDER BY y;

-- function at admission and discharge / 入退院時の ADL
SELECT sex, count(bi_discharge) AS n, avg(bi_admit) AS before, avg(bi_discharge) AS after, avg(bi_discharge - bi_admit) AS gain FROM dpc.form1 GROUP BY sex ORDER BY sex;

-- dose in defined daily doses / DDD 換算
WITH d(class, ddd) AS (VALUES ('3969', 2.0), ('3961', 5.0), ('2171', 40.0)),
u AS (SELECT i.pid, sum(qty * days / ddd) AS ddds FROM ndb.iy i JOIN d ON d.class = left(i.yj12, 4) GROUP BY i.pid)
SELECT count(*) AS n, avg(ddds) AS mean, stddev(ddds) AS sd FROM u;

-- risk by a linear score / 線形スコアの平均
SELECT sex, count(*) AS n, avg(0.05 * age + 0.01 * sbp + 0.3 * (smoking = 1)::INT) AS score FROM ndb.checkup GROUP BY sex ORDER BY sex;

-- cost with and without the dear cases / 高額例を丸めた医療費
WITH c AS (SELECT pid, max(sex) AS sex, sum(points) AS cost FROM ndb.rcpt GROUP BY pid)
SELECT sex, avg(cost) AS mean, avg(least(cost, 300000)) AS capped FROM c GROUP BY sex ORDER BY sex;
