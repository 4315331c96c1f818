-- crude rates per thousand person-years by sex and age / 性・年齢別の粗率（千人年あたり）
WITH p AS (SELECT pid, any_value(sex) AS sex, min(age) AS age, min(service_ym) AS t0, max(service_ym) AS t1
           FROM ndb.rcpt GROUP BY pid),
e AS (SELECT pid, min(start_date) AS ev FROM ndb.sy WHERE icd10 = 'J189' AND NOT suspected GROUP BY pid)
SELECT sex, age // 10 * 10 AS age10, count(*) AS n, sum(date_diff('day', t0, t1)) / 365.25 AS py,
       count(*) FILTER (WHERE ev BETWEEN t0 AND t1) AS events, round(1000 * events / nullif(py, 0), 2) AS rate
FROM p LEFT JOIN e USING (pid) GROUP BY ALL ORDER BY ALL;

-- directly standardised rates with a standard population / 標準人口による直接法の年齢調整率
WITH age AS (SELECT sma_code, (age // 5) * 5 AS age5, sex, count(DISTINCT pid) AS n FROM ndb.rcpt GROUP BY ALL),
std AS (SELECT age5, sex, sum(population) AS w FROM core.pop GROUP BY age5, sex)
SELECT a.sma_code, 100000.0 * sum(a.n * 1.0 / p.population * s.w) / sum(s.w) AS dsr
FROM age a JOIN core.pop p ON p.sma_code = a.sma_code AND p.age5 = a.age5 AND p.sex = a.sex
JOIN std s ON s.age5 = a.age5 AND s.sex = a.sex GROUP BY a.sma_code ORDER BY a.sma_code;

-- standardised claim ratio: observed over expected / 標準化レセプト出現比（観測／期待）
WITH obs AS (SELECT sma_code, sex, age // 5 * 5 AS age5, count(*) AS o FROM ndb.rcpt WHERE rcpt_kind = 'med_out' GROUP BY 1, 2, 3),
rate AS (SELECT sex, age5, sum(o) / sum(population)::DOUBLE AS r FROM obs JOIN core.pop USING (sma_code, sex, age5) GROUP BY sex, age5),
expd AS (SELECT sma_code, sum(population * r) AS e FROM core.pop JOIN rate USING (sex, age5) GROUP BY sma_code)
SELECT sma_code, sum(o) AS observed, any_value(e) AS expected, 100.0 * sum(o) / any_value(e) AS scr
FROM obs JOIN expd USING (sma_code) GROUP BY sma_code ORDER BY scr DESC;

-- standardised mortality ratio with a Byar interval / 標準化死亡比と Byar の区間
WITH o AS (SELECT count(*) AS d FROM ndb.death), e AS (SELECT sum(population) * 0.01 AS e FROM core.pop)
SELECT d, e, d / e AS smr, d * power(1 - 1.0 / (9 * d) - 1.96 / (3 * sqrt(d)), 3) / e AS lo,
       (d + 1) * pow(1 - 1.0 / (9 * (d + 1)) + 1.96 / (3 * sqrt(d + 1)), 3) / e AS hi FROM o, e;

-- incidence rate ratio with its logarithmic interval / 罹患率比とその対数の区間
WITH g AS (SELECT sex, count(*) AS n, count(*) FILTER (hba1c >= 6.5) AS d FROM ndb.checkup GROUP BY sex),
w AS (SELECT max(CASE WHEN sex = 1 THEN d END)::DOUBLE AS d1, max(CASE WHEN sex = 1 THEN n END) AS n1,
             max(CASE WHEN sex = 2 THEN d END)::DOUBLE AS d2, max(CASE WHEN sex = 2 THEN n END) AS n2 FROM g)
SELECT (d1 / n1) / (d2 / n2) AS rr, exp(ln((d1 / n1) / (d2 / n2)) - 1.96 * sqrt(1 / d1 - 1.0 / n1 + 1 / d2 - 1.0 / n2)) AS lo FROM w;

-- charlson index by case / CASE によるチャールソン指数
WITH dx AS (
  SELECT pid,
    max(CASE WHEN icd10 LIKE 'I21%' OR icd10 LIKE 'I22%' THEN 1 ELSE 0 END) AS mi,
    max(CASE WHEN substr(icd10, 1, 3) = 'I50' THEN 1 ELSE 0 END) AS chf,
    max(CASE WHEN icd10 >= 'E10' AND icd10 < 'E15' THEN 1 ELSE 0 END) AS dm,
    max(CASE WHEN icd10 SIMILAR TO '(N18|N19).*' THEN 2 ELSE 0 END) AS ckd,
    max(IF(starts_with(icd10, 'C') AND NOT icd10 LIKE 'C44%', 2, 0)) AS cancer,
    max(CASE WHEN regexp_matches(icd10, '^J4[0-7]') THEN 1 ELSE 0 END) AS copd,
    max(CASE left(icd10, 3) WHEN 'M06' THEN 1 WHEN 'M05' THEN 1 ELSE 0 END) AS ra
  FROM ndb.sy WHERE suspected IS NOT TRUE GROUP BY pid)
SELECT mi + chf + dm + ckd + cancer + copd + ra AS cci, count(*) AS n FROM dx GROUP BY cci ORDER BY cci;

-- medication possession ratio over a year / 一年間の MPR（服薬保有率）
WITH t AS (SELECT pid, min(act_date) AS t0 FROM ndb.iy WHERE yj12 LIKE '2171%' GROUP BY pid)
SELECT t.pid, sum(i.days) AS supplied, least(1.0, sum(i.days) / 365.0) AS mpr, sum(i.days) >= 0.8 * 365 AS adherent
FROM t JOIN ndb.iy i ON i.pid = t.pid AND i.yj12 LIKE '2171%' AND i.act_date BETWEEN t.t0 AND t.t0 + INTERVAL 364 DAYS
GROUP BY t.pid;

-- proportion of days covered without counting a day twice / 同じ日を二度数えない服薬日数
WITH r AS (SELECT pid, act_date AS s, act_date + CAST(days AS INTEGER) AS e FROM ndb.iy WHERE yj12 LIKE '2189%'),
m AS (SELECT *, max(e) OVER (PARTITION BY pid ORDER BY s, e ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS prev FROM r)
SELECT pid, sum(greatest(0, e - greatest(s, coalesce(prev, s)))) AS covered FROM m GROUP BY pid;

-- readmission within thirty days / 30 日以内の再入院
WITH st AS (
  SELECT pid, admit_date, discharge_date, lead(admit_date) OVER (PARTITION BY pid ORDER BY admit_date, data_id) AS next_admit
  FROM dpc.form1 WHERE outcome <> 7)
SELECT date_trunc('quarter', discharge_date) AS q, count(*) AS stays,
       sum((next_admit - discharge_date BETWEEN 1 AND 30)::INT) AS readmitted,
       avg(CASE WHEN datediff('day', discharge_date, next_admit) BETWEEN 1 AND 30 THEN 1.0 ELSE 0.0 END) AS share
FROM st GROUP BY 1 ORDER BY 1;

-- length of stay: percentiles by hospital / 病院別の在院日数の百分位
SELECT facility_id, count(*) AS n, median(discharge_date - admit_date) AS p50,
       quantile_cont(discharge_date - admit_date, 0.25) AS p25, quantile_cont(discharge_date - admit_date, 0.75) AS p75,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY discharge_date - admit_date) AS p90,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY discharge_date - admit_date) AS p95
FROM dpc.form1 GROUP BY facility_id ORDER BY n DESC, facility_id;

-- five quantiles at once / 五つの分位点を一度に
SELECT sex, quantile_cont(hba1c, [0.05, 0.25, 0.5, 0.75, 0.95]) AS q FROM ndb.checkup GROUP BY sex ORDER BY sex;

-- winsorised mean at a percentile / 百分位で丸めた平均
WITH q AS (SELECT quantile_cont(points, 0.99) AS p99 FROM ndb.rcpt)
SELECT rcpt_kind, avg(least(points, p99)) AS wmean, stddev_samp(points) / avg(points) AS cv
FROM ndb.rcpt CROSS JOIN q GROUP BY rcpt_kind ORDER BY rcpt_kind;

-- table one: n (%), mean (sd), median [iqr] / 表 1（n・%、平均・SD、中央値・四分位）
SELECT sex, count(*) AS n, round(100.0 * count(*) / sum(count(*)) OVER (), 1) AS pct, round(avg(bmi), 1) AS mean_bmi,
       round(stddev(bmi), 1) AS sd_bmi, round(median(egfr), 1) AS med, quantile_disc(sbp, 0.25) AS q1,
       count(*) FILTER (WHERE smoking = 1) AS smokers, sum(CASE WHEN bmi IS NULL THEN 1 END) AS missing_bmi
FROM ndb.checkup GROUP BY sex ORDER BY sex;

-- trends: change from the previous year and running totals / 前年差と累計
WITH y AS (SELECT year(service_ym) AS y, sum(points) AS pts FROM ndb.rcpt GROUP BY 1)
SELECT y, pts, pts - lag(pts) OVER (ORDER BY y) AS diff, sum(pts) OVER (ORDER BY y ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS cum,
       avg(pts) OVER (ORDER BY y ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS smooth, pts * 1.0 / first_value(pts) OVER (ORDER BY y) AS rel FROM y ORDER BY y;

-- age-period table with margins / 周辺合計のある年齢×期間の表
SELECT age // 10 * 10 AS age10, year(service_ym) AS period, count(DISTINCT pid) AS n, grouping(age // 10 * 10) AS g1
FROM ndb.rcpt GROUP BY CUBE (age // 10 * 10, year(service_ym)) ORDER BY 1 NULLS FIRST, 2 NULLS FIRST;

-- costs by insurer and kind with subtotals / 保険者・種別ごとの費用と小計
SELECT insurer_kind, rcpt_kind, sum(points) * 10 AS yen, grouping_id(insurer_kind, rcpt_kind) AS level
FROM ndb.rcpt GROUP BY ROLLUP (insurer_kind, rcpt_kind) ORDER BY level, insurer_kind, rcpt_kind;

-- two one-way tables in one / 一つにまとめた二つの一元表
SELECT sex, smoking, count(*) AS n, avg(sbp) AS sbp FROM ndb.checkup GROUP BY GROUPING SETS ((sex), (smoking), ()) ORDER BY ALL;

-- a crosstab by case / CASE によるクロス表
SELECT sma_code, sum(CASE WHEN u_protein = 0 THEN 1 ELSE 0 END) AS neg, sum(CASE WHEN u_protein = 1 THEN 1 ELSE 0 END) AS trace,
       sum(CASE WHEN u_protein >= 2 THEN 1 ELSE 0 END) AS pos, count(*) AS total FROM ndb.checkup GROUP BY sma_code ORDER BY sma_code;

-- share of the top tenth in all costs / 費用の上位一割の割合
WITH p AS (SELECT pid, sum(points) AS pts FROM ndb.rcpt GROUP BY pid), d AS (SELECT *, ntile(10) OVER (ORDER BY pts DESC, pid) AS decile FROM p)
SELECT decile, sum(pts) AS pts, 100.0 * sum(pts) / (SELECT sum(pts) FROM p) AS share FROM d GROUP BY decile ORDER BY decile;

-- gini coefficient of spending / 費用のジニ係数
WITH p AS (SELECT pid, sum(points)::DOUBLE AS x FROM ndb.rcpt GROUP BY pid), r AS (SELECT x, row_number() OVER (ORDER BY x, pid) AS i, count(*) OVER () AS n FROM p)
SELECT 2 * sum(i * x) / (max(n) * sum(x)) - (max(n) + 1.0) / max(n) AS gini FROM r;

-- sensitivity and predictive value of a claims definition against the check-up / 請求病名の定義の感度と的中率（健診を基準に）
WITH t AS (SELECT c.pid, max(c.hba1c >= 6.5) AS truth, max(EXISTS (SELECT 1 FROM ndb.sy s WHERE s.pid = c.pid AND s.icd10 = 'E119' AND NOT s.suspected)) AS test
           FROM ndb.checkup c GROUP BY c.pid)
SELECT count(*) FILTER (truth AND test) * 1.0 / nullif(count(*) FILTER (truth), 0) AS sens,
       count(*) FILTER (WHERE NOT truth AND NOT test)::DOUBLE / nullif(count(*) FILTER (WHERE NOT truth), 0) AS spec,
       avg(truth::INT) FILTER (WHERE test) AS ppv FROM t;

-- regression of pressure on age within sex / 性別の血圧の年齢への回帰
SELECT sex, regr_slope(sbp, age) AS b, regr_intercept(sbp, age) AS a, regr_r2(sbp, age) AS r2, corr(sbp, age) AS r, covar_samp(sbp, age) AS cov,
       regr_count(sbp, bmi) AS n FROM ndb.checkup GROUP BY sex ORDER BY sex;

-- kaplan-meier by windows / ウィンドウによるカプラン・マイヤー
WITH s AS (SELECT greatest(1, last_date - dx_date) AS t, vital = 1 AS dead FROM cancer.reg WHERE behavior = 3),
k AS (SELECT t, count(*) FILTER (dead) AS d, count(*) AS n FROM s GROUP BY t),
r AS (SELECT t, d, sum(n) OVER (ORDER BY t DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS at_risk FROM k)
SELECT t, d, at_risk, exp(sum(ln(nullif(1 - d / at_risk, 0))) OVER (ORDER BY t)) AS surv FROM r WHERE d > 0 ORDER BY t;

-- net benefit of bands of eGFR, with labels / eGFR 区分と表示名
SELECT CASE WHEN egfr >= 90 THEN 'G1' WHEN egfr >= 60 THEN 'G2' WHEN egfr >= 30 THEN 'G3' WHEN egfr IS NULL THEN '不明' ELSE 'G4-5' END AS stage,
       count(*) AS n, avg(age)::DECIMAL(5, 1) AS age, min(age) AS lo, max(age) AS hi, mode(smoking) AS smoking FROM ndb.checkup GROUP BY stage ORDER BY stage;

-- mean arterial burden with robust spread / 頑健なばらつきの指標
SELECT mad(sbp) AS mad, geomean(hba1c) AS gm, sem(sbp) AS se, skewness(egfr) AS sk, kurtosis(egfr) AS ku, var_samp(sbp) AS v, var_pop(sbp) AS vp FROM ndb.checkup;

-- occupancy: stays per day of a month / 病床利用：月の日ごとの在院者数
SELECT d.d::DATE AS day, count(f.data_id) AS beds FROM generate_series(DATE '2020-01-01', DATE '2020-01-31', INTERVAL '1 day') AS d(d)
LEFT JOIN dpc.form1 f ON f.admit_date <= d.d AND f.discharge_date > d.d GROUP BY 1 ORDER BY 1;

-- log transform and cube root of costs / 費用の対数と立方根
SELECT log10(points) AS l10, ln(points) AS ln, log(points) AS lg, log2(points) AS l2, cbrt(points) AS c, points ** 2 AS sq, points ^ 2 AS sq2,
       mod(points, 7) AS m, points % 7 AS m2, sign(points - 300) AS s, trunc(points / 7) AS t, ceil(points / 7.0) AS ce, ceiling(points / 7.0) AS ce2, floor(points / 7.0) AS f FROM ndb.rcpt LIMIT 50;
