-- table one with flags of five diseases / 5 疾患の有無を並べた表 1
WITH base AS (SELECT pid, max(sex) AS sex, max(age) AS age FROM ndb.rcpt GROUP BY pid), dx AS (SELECT pid, max(CASE WHEN icd10 LIKE 'E11%' THEN 1 ELSE 0 END) AS dm, max(CASE WHEN icd10 = 'I10' THEN 1 ELSE 0 END) AS htn, max(CASE WHEN icd10 LIKE 'I50%' THEN 1 ELSE 0 END) AS hf, max(CASE WHEN icd10 LIKE 'N18%' THEN 1 ELSE 0 END) AS ckd, max(CASE WHEN icd10 LIKE 'C%' THEN 1 ELSE 0 END) AS ca FROM ndb.sy WHERE NOT suspected GROUP BY pid) SELECT sex, count(*) AS n, avg(age) AS age, stddev(age) AS sd, sum(coalesce(dm, 0)) AS dm, sum(coalesce(htn, 0)) AS htn, sum(coalesce(hf, 0)) AS hf, sum(coalesce(ckd, 0)) AS ckd, sum(coalesce(ca, 0)) AS ca FROM base LEFT JOIN dx USING (pid) GROUP BY sex;

-- bands of a comorbidity score / 併存疾患スコアの区分
WITH c AS (SELECT pid, max(CASE WHEN icd10 LIKE 'I21%' THEN 1 ELSE 0 END) + max(CASE WHEN icd10 LIKE 'I50%' THEN 1 ELSE 0 END) + max(CASE WHEN icd10 LIKE 'E11%' THEN 1 ELSE 0 END) + 2 * max(CASE WHEN icd10 LIKE 'N18%' THEN 1 ELSE 0 END) + 2 * max(CASE WHEN icd10 LIKE 'C%' THEN 1 ELSE 0 END) AS cci FROM ndb.sy WHERE NOT suspected GROUP BY pid) SELECT CASE WHEN cci = 0 THEN '0' WHEN cci <= 2 THEN '1-2' ELSE '3+' END AS cci, count(*) AS n FROM c GROUP BY 1;

-- mean and spread of a comorbidity score / 併存疾患スコアの平均と標準偏差
WITH c AS (SELECT pid, max(CASE WHEN icd10 LIKE 'I21%' THEN 1 ELSE 0 END) + max(CASE WHEN icd10 LIKE 'E11%' THEN 1 ELSE 0 END) + 2 * max(CASE WHEN icd10 LIKE 'N18%' THEN 1 ELSE 0 END) AS cci FROM ndb.sy GROUP BY pid), b AS (SELECT pid, max(sex) AS sex FROM ndb.rcpt GROUP BY pid) SELECT sex, count(*) AS n, avg(cci) AS m, stddev(cci) AS sd FROM b JOIN c USING (pid) GROUP BY sex;

-- new users by first drug, with the length of their look-back / 新規使用者（初回薬剤別）と観察可能期間
WITH f AS (SELECT pid, min(act_date) AS idx, arg_min(left(yj12, 7), act_date) AS drug FROM ndb.iy WHERE yj12 LIKE '3969%' OR yj12 LIKE '3961%' GROUP BY pid), h AS (SELECT pid, min(service_ym) AS enter FROM ndb.rcpt GROUP BY pid) SELECT drug, count(*) AS n, avg(date_diff('month', enter, idx)) AS lookback FROM f JOIN h USING (pid) WHERE enter <= idx - INTERVAL 180 DAY GROUP BY drug;

-- events and person-years of those without the event / 既往のない人の発生数と人年
WITH b AS (SELECT pid, max(sex) AS sex, min(service_ym) AS t0, max(service_ym) AS t1 FROM ndb.rcpt GROUP BY pid), e AS (SELECT pid, min(start_date) AS d FROM ndb.sy WHERE icd10 LIKE 'I21%' GROUP BY pid) SELECT sex, count(*) AS n, sum(CASE WHEN e.d > b.t0 AND e.d <= b.t1 THEN 1 ELSE 0 END) AS ev, sum(date_diff('day', b.t0, least(coalesce(e.d, b.t1), b.t1))) / 365.25 AS py FROM b LEFT JOIN e USING (pid) WHERE e.d IS NULL OR e.d > b.t0 GROUP BY sex;

-- certified for care after a first stay, over linked databases / 初回入院後の要介護認定（連結）
WITH c AS (SELECT pid, min(cert_date) AS first_cert, max(care_level) AS lvl FROM kaigo.cert GROUP BY pid), a AS (SELECT pid, min(admit_date) AS adm FROM dpc.form1 GROUP BY pid) SELECT lvl, count(*) AS n, count(*) FILTER (first_cert > adm) AS after FROM c JOIN a USING (pid) GROUP BY lvl ORDER BY lvl;

-- change of function during a stay / 入院中の ADL の変化
SELECT sex, count(*) AS n, avg(bi_discharge - bi_admit) AS d, stddev(bi_discharge - bi_admit) AS sd FROM dpc.form1 WHERE bi_discharge IS NOT NULL GROUP BY sex;

-- doses by vaccine with totals / 接種回数とワクチン（合計付き）
SELECT dose_no, vaccine, count(DISTINCT pid) AS n FROM vac.shot GROUP BY ROLLUP (dose_no, vaccine) ORDER BY ALL;

-- onset within four weeks of a dose / 接種後 4 週以内の発症
WITH x AS (SELECT s.pid, s.dose_no, max(CASE WHEN n.onset_date BETWEEN s.shot_date AND s.shot_date + 27 THEN 1 ELSE 0 END) AS hit FROM vac.shot s LEFT JOIN idb.notif n ON n.pid = s.pid GROUP BY s.pid, s.dose_no) SELECT dose_no, count(*) AS n, sum(hit) AS hits FROM x GROUP BY dose_no ORDER BY dose_no;

-- admissions by fiscal year and age / 年度・年齢階級別の入院
SELECT year(admit_date - INTERVAL 3 MONTH) AS fy, age // 10 * 10 AS a, count(*) AS n FROM dpc.form1 WHERE age BETWEEN 40 AND 89 GROUP BY ALL ORDER BY ALL;

-- mean of slopes, one per person / 人ごとの傾きの平均
WITH s AS (SELECT pid, regr_slope(egfr, epoch(check_date::TIMESTAMP) / 31557600.0) AS b, count(egfr) AS k FROM ndb.checkup GROUP BY pid) SELECT count(*) AS n, avg(b) AS slope FROM s WHERE k >= 2 AND b IS NOT NULL;

-- number of drug classes in a year / 一年間の薬効分類数
WITH m AS (SELECT pid, count(DISTINCT left(yj12, 4)) AS k FROM ndb.iy WHERE act_date BETWEEN DATE '2019-04-01' AND DATE '2020-03-31' GROUP BY pid) SELECT CASE WHEN k >= 4 THEN '4+' ELSE k::VARCHAR END AS drugs, count(*) AS n FROM m GROUP BY 1 ORDER BY 1;

-- percentages with totals of two keys / 割合と二つの項目の合計
SELECT sex, smoking, count(*) AS n, 100.0 * count(*) FILTER (u_protein >= 1) / count(*) AS prot FROM ndb.checkup GROUP BY ROLLUP (sex, smoking);

-- months between claims, capped / 受診間隔（月、上限付き）
WITH v AS (SELECT pid, service_ym, lag(service_ym) OVER (PARTITION BY pid ORDER BY service_ym, rcpt_id) AS prev FROM ndb.rcpt) SELECT least(date_diff('month', prev, service_ym), 12) AS gap, count(*) AS n FROM v WHERE prev IS NOT NULL GROUP BY 1 ORDER BY 1;

-- registered diseases: treatment, age and severity / 指定難病：治療・年齢・重症度
SELECT disease_no, count(*) AS n, count(*) FILTER (steroid) AS st, avg(age) AS age, avg(severity) AS sev FROM nanbyo.reg GROUP BY disease_no;

-- bands instead of a median / 中央値の代わりの区分
SELECT width, count(*) AS n FROM (SELECT pid, CASE WHEN points < 10000 THEN '1: <10k' WHEN points < 30000 THEN '2: 10-30k' ELSE '3: 30k+' END AS width FROM ndb.rcpt) t GROUP BY width;

-- age-standardised share from written weights / 重みを書いた年齢調整割合
WITH std(a, w) AS (VALUES (40, 0.28), (50, 0.24), (60, 0.22), (70, 0.16), (80, 0.10)), d AS (SELECT pid, sex, least(greatest(age // 10 * 10, 40), 80) AS a, CASE WHEN sbp >= 140 THEN 1 ELSE 0 END AS h FROM ndb.checkup) SELECT sex, sum(h * w) / sum(w) AS adj, count(*) AS n FROM d JOIN std USING (a) GROUP BY sex;

-- deaths after a first diagnosis / 初回診断後の死亡
WITH i AS (SELECT pid, min(start_date) AS idx FROM ndb.sy WHERE icd10 LIKE 'C%' GROUP BY pid) SELECT count(*) AS n, count(d.pid) AS died, count(*) FILTER (d.death_date <= i.idx + INTERVAL 5 YEAR) AS in5 FROM i LEFT JOIN ndb.death d ON d.pid = i.pid AND d.death_date >= i.idx;

-- labels in Japanese / 日本語のラベル
SELECT CASE sex WHEN 1 THEN '男性' ELSE '女性' END AS 性別, CASE WHEN age < 65 THEN '65歳未満' WHEN age < 75 THEN '前期高齢者' ELSE '後期高齢者' END AS 年齢区分, count(DISTINCT pid) AS 人数, sum(points) AS 点数 FROM ndb.rcpt GROUP BY ALL ORDER BY ALL;

-- means by insurer and kind of claim / 保険者・レセプト種別の平均
SELECT insurer_kind, rcpt_kind, count(*) AS n, avg(points) AS p FROM ndb.rcpt WHERE rcpt_kind IN ('med_in', 'med_out', 'dpc') GROUP BY ALL ORDER BY ALL;
