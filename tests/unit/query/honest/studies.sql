-- incidence by fiscal year with prevalent cases washed out, person-years by month / 有病者を除いた年度別罹患率（月単位の人年）
WITH seen AS (SELECT pid, MIN(service_ym) AS von, MAX(service_ym) AS bis FROM ndb.rcpt GROUP BY pid),
onset AS (SELECT pid, MIN(start_date) AS d FROM ndb.sy WHERE icd10 ~ 'E1[0-4].*' AND suspected IS FALSE GROUP BY pid),
months AS (SELECT (DATE '2018-04-01' + to_months(i))::DATE AS ym FROM range(60) AS r(i)),
pm AS (SELECT s.pid, m.ym, YEAR(m.ym) - (MONTH(m.ym) < 4)::INT AS fy, o.d FROM seen s JOIN months m ON m.ym BETWEEN s.von AND s.bis LEFT JOIN onset o ON o.pid = s.pid WHERE o.d IS NULL OR o.d >= m.ym)
SELECT fy, COUNT(*) / 12.0 AS py, COUNT(*) FILTER (WHERE date_trunc('month', d) = ym) AS cases, 1000.0 * cases / NULLIF(py, 0) AS per_1000py FROM pm GROUP BY fy ORDER BY fy;

-- new users by a NOT EXISTS over the class, Postgres fashion / 同一薬効群の既使用を除いた新規使用者（Postgres 流）
select distinct on (i.pid) i.pid, i.act_date as t0, left(i.yj12, 7) as drug
from ndb.iy i
where i.yj12 ~ '396.*'
  and not exists (select 1 from ndb.iy p where p.pid = i.pid and p.yj12 like '396%' and p.act_date >= i.act_date - interval '365 days' and p.act_date < i.act_date)
order by i.pid, i.act_date, i.yj12, i.rcpt_id;

-- days covered by a spine of days, each day once / 日単位の表で重複なく数えた PDC
WITH fills AS (SELECT pid, act_date AS s, (act_date + days::int - 1) AS e, min(act_date) OVER (PARTITION BY pid) AS t0 FROM ndb.iy WHERE yj12 LIKE '2171%'),
d AS (SELECT DISTINCT f.pid, f.t0 + k.i::INT AS day FROM fills f JOIN range(180) k(i) ON f.t0 + k.i::INT BETWEEN f.s AND f.e)
SELECT pid, count(*)::decimal(9,3) / 180 AS pdc, count(*) >= 144 AS adherent FROM d GROUP BY pid ORDER BY pid;

-- supplies carried over to the next fill / 残薬を繰り越した供給日数
WITH f AS (SELECT pid, act_date, days, row_number() OVER w AS n, sum(days) OVER (w ROWS UNBOUNDED PRECEDING) AS cum, first_value(act_date) OVER w AS t0
           FROM ndb.iy WHERE left(yj12, 4) = '2189' WINDOW w AS (PARTITION BY pid ORDER BY act_date, rcpt_id))
SELECT pid, n, greatest(act_date, (t0 + (cum - days)::INT)) AS starts, greatest(act_date, t0 + (cum - days)::INT) + days AS ends, lead(act_date, 1, DATE '9999-12-31') OVER (PARTITION BY pid ORDER BY n) > ends AS gap FROM f;

-- charlson with a lookup of prefixes, weights once per class / 接頭辞表で引くチャールソン指数
WITH w(prefix, grp, pts) AS (VALUES ('I21', 'mi', 1), ('I50', 'chf', 1), ('E11', 'dm', 1), ('N18', 'ckd', 2), ('C16', 'ca', 2), ('M06', 'ra', 1), ('F03', 'dem', 1), ('J44', 'copd', 1)),
hit AS (SELECT DISTINCT s.pid, w.grp, w.pts FROM ndb.sy s JOIN w ON starts_with(s.icd10, w.prefix) WHERE NOT s.suspected)
SELECT CASE WHEN score >= 3 THEN '3+' ELSE score::VARCHAR END AS cci, count(*) AS persons, round(100.0 * count(*) / sum(count(*)) OVER (), 1) AS pct
FROM (SELECT r.pid, coalesce(sum(h.pts), 0) AS score FROM (SELECT DISTINCT pid FROM ndb.rcpt) r LEFT JOIN hit h USING (pid) GROUP BY r.pid) GROUP BY 1 ORDER BY 1;

-- elixhauser flags as columns and their sum / Elixhauser の有無を列にする
SELECT pid, bool_or(icd10 = 'I10') AS htn, bool_or(regexp_matches(icd10, '^I50')) AS chf, bool_or(icd10 IN ('E119', 'E780')) AS met, bool_or(icd10 ILIKE 'c16%') AS ca,
       htn::INT + chf::INT + met::INT + ca::INT AS burden FROM ndb.sy WHERE start_date >= DATE '2019-04-01' - INTERVAL 1 YEAR GROUP BY pid HAVING burden > 0 ORDER BY burden DESC, pid;

-- stays merged into care episodes, gaps and islands by a running maximum / 連続入院をまとめる（累積最大値による島）
WITH s AS (SELECT pid, admit_date a, discharge_date d FROM dpc.form1 UNION ALL SELECT pid, admit_date, discharge_date FROM ndb.bu),
m AS (SELECT *, MAX(d) OVER (PARTITION BY pid ORDER BY a, d ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach FROM s),
k AS (SELECT *, SUM(CASE WHEN reach IS NULL OR a > reach + INTERVAL '1' DAY THEN 1 ELSE 0 END) OVER (PARTITION BY pid ORDER BY a, d) AS ep FROM m)
SELECT pid, ep, MIN(a) AS admitted, MAX(d) AS discharged, DATEDIFF('day', MIN(a), MAX(d)) AS los, COUNT(*) AS stays FROM k GROUP BY pid, ep HAVING COUNT(*) >= 2;

-- islands of consecutive months of care by a date minus its number / 日付から番号を引いて連続月を束ねる
SELECT pid, min(ym) AS first_month, max(ym) AS last_month, count(*) AS months
FROM (SELECT pid, ym, ym - to_months(row_number() OVER (PARTITION BY pid ORDER BY ym)::INTEGER) AS anchor FROM (SELECT DISTINCT pid, service_ym AS ym FROM kaigo.claim) u) g
GROUP BY pid, anchor HAVING count(*) > 1 ORDER BY 1, 2;

-- time-varying exposure: intervals cut at the day of switching / 時間依存性曝露：切替日で区間を分ける
WITH t AS (SELECT pid, min(act_date) t0, min(act_date) FILTER (WHERE yj12 LIKE '3969%') t1 FROM ndb.iy GROUP BY pid),
e AS (SELECT t.pid, t0, t1, least(coalesce(dd.death_date, DATE '2023-03-31'), DATE '2023-03-31') AS tend, dd.death_date FROM t LEFT JOIN ndb.death dd ON dd.pid = t.pid),
iv AS (SELECT pid, 0 AS exposed, t0 AS von, coalesce(least(t1, tend), tend) AS bis, death_date FROM e WHERE t1 IS NULL OR t1 > t0
       UNION ALL SELECT pid, 1, t1, tend, death_date FROM e WHERE t1 IS NOT NULL AND t1 <= tend)
SELECT exposed, count(DISTINCT pid) AS persons, sum(bis - von) / 365.25 AS py, count(*) FILTER (WHERE death_date = bis) AS deaths FROM iv WHERE bis > von GROUP BY exposed ORDER BY exposed;

-- exposure on each event's day by the latest fill / 発症日における直近処方
SELECT s.pid, s.start_date, (SELECT max(i.act_date) FROM ndb.iy i WHERE i.pid = s.pid AND i.act_date <= s.start_date) AS last_fill,
       EXISTS (SELECT * FROM ndb.iy i WHERE i.pid = s.pid AND s.start_date BETWEEN i.act_date AND i.act_date + i.days::INT) AS exposed
FROM ndb.sy s WHERE s.icd10 = 'J189' AND NOT s.suspected;

-- intention to treat with a look-back and a landmark / 観察前期間とランドマークを置いた ITT
WITH cand AS (SELECT pid, min(act_date) AS t0, min_by(left(yj12, 4), (act_date, rcpt_id)) AS arm FROM ndb.iy WHERE left(yj12, 4) IN ('3969', '3961') GROUP BY pid),
elig AS (SELECT c.* FROM cand c WHERE EXISTS (SELECT 1 FROM ndb.rcpt r WHERE r.pid = c.pid AND r.service_ym < c.t0 - INTERVAL 6 MONTH)
         AND c.pid NOT IN (SELECT pid FROM ndb.sy s WHERE s.icd10 = 'N185' AND s.start_date < c.t0) AND NOT EXISTS (SELECT 1 FROM ndb.death d WHERE d.pid = c.pid AND d.death_date <= c.t0 + 30)),
fu AS (SELECT e.arm, e.t0 + 30 AS lm, (SELECT min(start_date) FROM ndb.sy s WHERE s.pid = e.pid AND s.icd10 = 'I500' AND s.start_date > e.t0 + 30) AS ev FROM elig e)
SELECT arm, count(*) AS n, count(ev) AS events, avg(least(coalesce(ev, DATE '2023-03-31'), lm + 730) - lm) AS mean_days FROM fu GROUP BY arm ORDER BY arm;

-- as treated: follow-up ends when the drug is stopped for sixty days / 服薬中止後 60 日で打ち切る
WITH f AS (SELECT pid, act_date, act_date + CAST(days AS INT) + 60 AS until, lead(act_date) OVER (PARTITION BY pid ORDER BY act_date, rcpt_id) AS nxt FROM ndb.iy WHERE yj12 LIKE '1141%'),
s AS (SELECT pid, min(act_date) AS t0, min(until) FILTER (WHERE nxt IS NULL OR nxt > until) AS stopped FROM f GROUP BY pid)
SELECT stopped - t0 AS persisted, count(*) AS n, sum(count(*)) OVER (ORDER BY stopped - t0 DESC) AS still_on FROM s GROUP BY 1 ORDER BY 1;

-- risk-set matching: up to three controls alive and free of it on the day / リスクセット・マッチング（3 対照まで）
WITH cs AS (SELECT pid, min(start_date) AS d FROM ndb.sy WHERE icd10 = 'I219' GROUP BY pid),
p AS (SELECT pid, max(sex) AS sex, min(age) AS age, min(sma_code) AS area FROM ndb.rcpt GROUP BY pid),
k AS (SELECT cs.pid AS case_id, cs.d, c.pid AS control_id, abs(c.age - q.age) AS apart FROM cs JOIN p q ON q.pid = cs.pid JOIN p c ON c.pid <> cs.pid AND c.sex = q.sex AND c.area = q.area AND abs(c.age - q.age) <= 5
      LEFT JOIN cs x ON x.pid = c.pid LEFT JOIN ndb.death t ON t.pid = c.pid WHERE (x.d IS NULL OR x.d > cs.d) AND (t.death_date > cs.d) IS NOT FALSE)
SELECT case_id, control_id, d AS index_date, row_number() OVER w AS nth FROM k WINDOW w AS (PARTITION BY case_id ORDER BY apart, control_id) QUALIFY nth <= 3;

-- one to one matching without putting back, by ranks within strata / 層内順位による 1 対 1 マッチング
WITH x AS (SELECT pid, any_value(sex ORDER BY check_date) AS sex, min(age) // 5 AS a5, bool_or(smoking = 2) AS exposed FROM ndb.checkup GROUP BY pid),
r AS (SELECT *, row_number() OVER (PARTITION BY sex, a5, exposed ORDER BY pid) AS rn FROM x)
SELECT a.pid AS exposed_id, b.pid AS control_id, a.sex, a.a5 * 5 AS age5 FROM r AS a INNER JOIN r AS b USING (sex, a5, rn) WHERE a.exposed AND NOT b.exposed ORDER BY ALL;

-- kaplan-meier with numbers at risk and Greenwood's error / カプラン・マイヤー表と Greenwood の標準誤差
WITH o AS (SELECT extent, greatest(date_diff('month', dx_date, last_date), 0) AS m, vital FROM cancer.reg WHERE behavior = 3),
g AS (SELECT extent, m, sum(vital) AS d, count(*) AS c FROM o GROUP BY ALL),
n AS (SELECT *, sum(c) OVER (PARTITION BY extent ORDER BY m ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS at_risk FROM g),
k AS (SELECT extent, m, d, at_risk, exp(sum(ln(1 - d::DOUBLE / nullif(at_risk, d))) OVER w) AS s, sum(d / nullif(at_risk * (at_risk - d), 0)) OVER w AS v FROM n WINDOW w AS (PARTITION BY extent ORDER BY m))
SELECT extent, m, at_risk, d, round(s, 4) AS surv, round(s - 1.96 * s * sqrt(v), 4) AS lo, round(least(1, s + 1.96 * s * sqrt(v)), 4) AS hi FROM k WHERE d > 0 ORDER BY extent, m;

-- log-rank: observed and expected by arm / ログランク検定の観測数と期待数
WITH o AS (SELECT CASE WHEN extent <= 410 THEN 'early' ELSE 'late' END AS arm, last_date - dx_date AS t, vital = 1 AS dead FROM cancer.reg),
ts AS (SELECT DISTINCT t FROM o WHERE dead),
r AS (SELECT ts.t, count(*) FILTER (WHERE o.t >= ts.t) AS n, count(*) FILTER (WHERE o.t >= ts.t AND arm = 'early') AS n1, count(*) FILTER (WHERE o.t = ts.t AND dead) AS d, count(*) FILTER (WHERE o.t = ts.t AND dead AND arm = 'early') AS d1 FROM ts, o GROUP BY ts.t)
SELECT sum(d1) AS observed, sum(d * n1 * 1.0 / n) AS expected, sum(CASE WHEN n > 1 THEN d * 1.0 * n1 / n * (1 - n1 * 1.0 / n) * (n - d) / (n - 1) END) AS variance, (observed - expected) ** 2 / variance AS chi2 FROM r;

-- direct standardisation to a model population written out / モデル人口を書き込んだ直接法の年齢調整率
WITH model AS (SELECT * FROM (VALUES (35, 44, 16.0), (45, 54, 14.5), (55, 64, 12.0), (65, 74, 9.5), (75, 120, 7.0)) AS m(lo, hi, w)),
c AS (SELECT p.sma_code, m.lo, m.w, COUNT(DISTINCT p.pid) AS n, COUNT(DISTINCT CASE WHEN s.icd10 = 'I10' THEN p.pid END) AS x
      FROM ndb.rcpt p INNER JOIN model m ON p.age BETWEEN m.lo AND m.hi LEFT OUTER JOIN ndb.sy s ON s.pid = p.pid AND s.suspected = FALSE GROUP BY p.sma_code, m.lo, m.w)
SELECT sma_code, ROUND(100000. * SUM(w * x / n) / SUM(w), 1) AS asr, SQRT(SUM(w * w * x * (n - x) / POWER(n, 3))) / SUM(w) * 1e5 AS se FROM c GROUP BY sma_code ORDER BY asr DESC;

-- as-of by a union and a carried value, without a special join / UNION とウィンドウで書く as-of 結合
WITH u AS (SELECT pid, act_date AS d, 1 AS is_event, NULL::DOUBLE AS v FROM ndb.iy WHERE yj12 LIKE '3961%' UNION ALL SELECT pid, exam_date, 0, value FROM nextgen.lab WHERE jlac10 = '3D046'),
f AS (SELECT *, last_value(v IGNORE NULLS) OVER (PARTITION BY pid ORDER BY d, is_event, v ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS latest FROM u)
SELECT pid, d, latest FROM f WHERE is_event = 1;

-- as-of by a range join and the last row of each / 範囲結合と QUALIFY で書く as-of 結合
SELECT i.pid, i.rcpt_id, i.act_date, c.check_date, c.hba1c FROM ndb.iy i LEFT JOIN ndb.checkup c ON c.pid = i.pid AND c.check_date <= i.act_date AND c.check_date > i.act_date - 365
QUALIFY row_number() OVER (PARTITION BY i.rcpt_id ORDER BY c.check_date DESC NULLS LAST, c.sbp, c.bmi) = 1;

-- a pivot by FILTER: drugs by fiscal year / FILTER によるピボット（薬効群×年度）
SELECT left(yj12, 4) AS cls, count(DISTINCT pid) FILTER (WHERE act_date >= '2018-04-01' AND act_date < '2019-04-01') AS fy2018, count(DISTINCT pid) FILTER (WHERE year(act_date - INTERVAL '3 months') = 2019) AS fy2019,
       count(DISTINCT pid) FILTER (WHERE act_date BETWEEN '2020-04-01'::date AND '2021-03-31'::date) AS fy2020, count(DISTINCT pid) AS total FROM ndb.iy GROUP BY 1 ORDER BY total DESC, 1;

-- a long table from wide columns, by a cross join with names / 横持ちを縦持ちに（名前の表との直積）
SELECT c.pid, c.check_date, n.item, CASE n.item WHEN 'bmi' THEN c.bmi WHEN 'sbp' THEN c.sbp WHEN 'hba1c' THEN c.hba1c WHEN 'egfr' THEN c.egfr END AS val
FROM ndb.checkup c CROSS JOIN (VALUES ('bmi'), ('sbp'), ('hba1c'), ('egfr')) n(item) WHERE CASE n.item WHEN 'bmi' THEN c.bmi WHEN 'sbp' THEN c.sbp ELSE 1 END IS NOT NULL;

-- percentiles within group, ascending and descending, and the mode / WITHIN GROUP の百分位と最頻値
SELECT rcpt_kind, percentile_cont(0.5) WITHIN GROUP (ORDER BY points) AS med, percentile_disc(0.9) WITHIN GROUP (ORDER BY points DESC) AS p10, quantile_cont(points, 0.25)::INT AS q1, mode() WITHIN GROUP (ORDER BY rcpt_kind) AS m,
       quantile_disc(points, [0.1, 0.9]) AS p1090, max(points) - min(points) AS span FROM ndb.rcpt GROUP BY rcpt_kind ORDER BY rcpt_kind;

-- outliers by Tukey's fences / Tukey の基準による外れ値
WITH q AS (SELECT jlac10, quantile_cont(value, 0.25) AS q1, quantile_cont(value, 0.75) AS q3 FROM nextgen.lab GROUP BY jlac10)
SELECT l.jlac10, count(*) AS n, count_if(l.value NOT BETWEEN q1 - 1.5 * (q3 - q1) AND q3 + 1.5 * (q3 - q1)) AS outliers, sum(CASE WHEN l.value > q3 THEN 1 ELSE 0 END) AS upper FROM nextgen.lab l JOIN q USING (jlac10) GROUP BY l.jlac10 ORDER BY 1;

-- rolling twelve months of cost and the month's rank / 直近 12 か月の費用と月の順位
WITH m AS (SELECT pid, service_ym, sum(points) AS pts FROM ndb.rcpt GROUP BY pid, service_ym)
SELECT pid, service_ym, sum(pts) OVER (PARTITION BY pid ORDER BY service_ym RANGE BETWEEN INTERVAL 11 MONTHS PRECEDING AND CURRENT ROW) AS y12, avg(pts) OVER (PARTITION BY pid ORDER BY service_ym ROWS BETWEEN 2 PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW) AS before, rank() OVER (PARTITION BY service_ym ORDER BY pts DESC) AS r FROM m;

-- counts over peer groups of days / 同日群を単位にしたフレーム
SELECT pid, act_date, count(*) OVER (PARTITION BY pid ORDER BY act_date GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS near FROM ndb.si WHERE kubun = 'A001';

-- codes cleaned by patterns and parts / コードの整形（正規表現・分割・詰め物）
SELECT DISTINCT upper(trim(both ' ' from icd10)) AS c, regexp_replace(icd10, '^([A-Z]\d{2})(\d*)$', '\1.\2') AS dotted, lpad(ltrim(disease_code, '8'), 4, '0') AS short, split_part(dotted, '.', 1) AS three, substring(icd10 from 2 for 2)::INT AS num,
       string_split(dotted, '.')[1] AS cat, coalesce(nullif(regexp_extract(icd10, '\d$'), ''), '-') AS last, icd10 = ANY(ARRAY['E119', 'I10']) AS common, icd10 IN ['J189', 'J440'] AS lung FROM ndb.sy;

-- codes in ranges as texts, a letter and a number apart / 章別（文字列の範囲）の集計
SELECT CASE WHEN icd10 < 'C' THEN 'I' WHEN icd10 < 'D5' THEN 'II' WHEN icd10 >= 'E00' AND icd10 < 'E91' THEN 'IV' WHEN icd10 SIMILAR TO 'F%' THEN 'V' WHEN left(icd10, 1) = 'I' THEN 'IX' WHEN icd10[1] = 'J' THEN 'X' ELSE 'other' END AS chapter,
       COUNT(*) AS n, COUNT(DISTINCT pid) AS persons, 100.0 * AVG(CAST(suspected AS INT)) AS pct_suspected FROM ndb.sy GROUP BY chapter HAVING COUNT(*) >= 5 ORDER BY n DESC;

-- dates from parts and texts, ISO weeks, ages on the first of April / 日付の組立て・ISO 週・4 月 1 日時点の年齢
SELECT pid, make_date(year(birth_ym) + 65, 4, 1) AS turns65, strftime(shot_date, '%G-W%V') AS iso_week, date_part('isodow', shot_date) AS dow, date_trunc('week', shot_date)::DATE AS monday, shot_date - date_trunc('month', shot_date)::DATE AS day0,
       date_sub('year', birth_ym, make_date(2021, 4, 1)) AS age_april, CAST(strftime(shot_date, '%Y%m') AS INTEGER) AS yyyymm, strptime(strftime(shot_date, '%Y%m') || '01', '%Y%m%d')::DATE AS first_day, extract('quarter' FROM shot_date) AS q, (shot_date::TIMESTAMP - birth_ym::TIMESTAMP) > INTERVAL '65 years' AS over65 FROM vac.shot;

-- overlap of two periods in days / 二つの期間の重なり日数
SELECT f.pid, greatest(0, least(f.discharge_date, i.act_date + i.days::INT) - greatest(f.admit_date, i.act_date)) AS both_days FROM dpc.form1 f JOIN ndb.iy i ON i.pid = f.pid AND i.act_date <= f.discharge_date AND i.act_date + i.days::INT >= f.admit_date;

-- exact age-specific person-time by a table of birthdays / 誕生日ごとに区切った年齢別人時
WITH b AS (SELECT DISTINCT pid, birth_ym FROM vac.shot), iv AS (SELECT pid, a.age, (birth_ym + to_years(a.age::INT))::DATE AS von, (birth_ym + to_years(a.age::INT + 1))::DATE AS bis FROM b CROSS JOIN range(30, 100) a(age))
SELECT age // 10 * 10 AS age10, sum(date_diff('day', greatest(von, DATE '2021-04-01'), least(bis, DATE '2022-04-01'))) / 365.25 AS py FROM iv WHERE von < DATE '2022-04-01' AND bis > DATE '2021-04-01' GROUP BY ALL ORDER BY ALL;

-- dispensings within the persistence window of a self join, T-SQL habits / 自己結合による継続判定（T-SQL 流）
SELECT a.pid, COUNT(*) AS refills, MAX(DATEDIFF('day', a.act_date, b.act_date)) AS longest, MIN(CASE WHEN b.act_date IS NULL THEN 1 ELSE 0 END) AS none
FROM ndb.iy AS a LEFT OUTER JOIN ndb.iy AS b ON (b.pid = a.pid AND LEFT(b.yj12, 7) = LEFT(a.yj12, 7) AND b.act_date > a.act_date AND DATEDIFF('day', a.act_date, b.act_date) <= a.days + 30)
WHERE IFNULL(b.days, 0) >= 0 GROUP BY a.pid;

-- null-safe comparisons, pairs in lists and postfix tests / NULL を含む比較と組の一覧
SELECT count(*) FILTER (a.bmi IS NOT DISTINCT FROM b.bmi) AS same, count(*) FILTER (a.egfr ISNULL) AS no_egfr, count(*) FILTER (b.egfr NOTNULL AND a.egfr <> b.egfr) AS moved, count(*) FILTER ((a.sex, a.smoking) IN ((1, 2), (2, 0))) AS pairs, count(*) FILTER (a.sbp == b.sbp) AS eq
FROM ndb.checkup a JOIN ndb.checkup b ON a.pid = b.pid AND a.check_date < b.check_date;

-- sequence of states per month with the last one carried / 月次の状態遷移
WITH s AS (SELECT pid, date_trunc('month', cert_date)::DATE AS ym, max(care_level) AS lv FROM kaigo.cert GROUP BY ALL),
t AS (SELECT pid, ym, lv, lead(lv) OVER w AS nxt, lead(ym) OVER w AS nym FROM s WINDOW w AS (PARTITION BY pid ORDER BY ym))
SELECT lv AS "from", nxt AS "to", count(*) AS n, avg(date_diff('month', ym, nym))::DECIMAL(6,1) AS months, round(count(*) / sum(count(*)) OVER (PARTITION BY lv)::DOUBLE, 3) AS p FROM t WHERE nxt IS NOT NULL GROUP BY lv, nxt ORDER BY 1, 2;

-- difference in differences in one row / 差の差を一行で
SELECT avg(points) FILTER (insurer_kind = 'nhi' AND service_ym >= '2020-04-01') - avg(points) FILTER (insurer_kind = 'nhi' AND service_ym < '2020-04-01') AS d1,
       avg(points) FILTER (insurer_kind <> 'nhi' AND service_ym >= '2020-04-01') - avg(points) FILTER (insurer_kind <> 'nhi' AND service_ym < '2020-04-01') AS d0, d1 - d0 AS did, var_samp(points) / count(*) AS v FROM ndb.rcpt;

-- interrupted time series: months numbered, level and slope / 分割時系列の準備
SELECT service_ym, dense_rank() OVER (ORDER BY service_ym) AS t, CASE WHEN service_ym >= DATE '2020-03-01' THEN 1 ELSE 0 END AS post, greatest(0, date_diff('month', DATE '2020-03-01', service_ym)) AS since, count(*) AS n, month(service_ym) AS season, sin(2 * pi() * month(service_ym) / 12) AS s1 FROM ndb.rcpt GROUP BY service_ym ORDER BY service_ym;

-- standardised differences before matching / 標準化差
WITH g AS (SELECT smoking = 2 AS e, avg(age) AS m, var_samp(age) AS v, avg((sex = 1)::INT) AS p FROM ndb.checkup GROUP BY 1)
SELECT abs(a.m - b.m) / sqrt((a.v + b.v) / 2) AS smd_age, abs(a.p - b.p) / sqrt((a.p * (1 - a.p) + b.p * (1 - b.p)) / 2) AS smd_sex FROM g a JOIN g b ON a.e AND NOT b.e;

-- herfindahl index of hospitals within areas, nested aggregates / 地域内の病院集中度
SELECT sma_code, sum(share * share) AS hhi, max(share) AS top, arg_max(facility_id, n) AS leader FROM (SELECT sma_code, facility_id, count(DISTINCT pid) AS n, count(DISTINCT pid) / sum(count(DISTINCT pid)) OVER (PARTITION BY sma_code) AS share FROM ndb.rcpt GROUP BY sma_code, facility_id QUALIFY row_number() OVER (PARTITION BY sma_code ORDER BY count(DISTINCT pid) DESC, facility_id) <= 10) GROUP BY sma_code ORDER BY 1;

-- crossing of municipal borders for care, with names from the reference / 住所地外受診（参照表で名称を付ける）
SELECT home.muni_name AS lives, care.sma_code AS treated, COUNT(DISTINCT r.pid) AS n, IF(home.sma_code = care.sma_code, '内', '外') AS kubun FROM ndb.rcpt r JOIN core.muni home ON home.muni_code = r.muni_code JOIN (SELECT facility_id, mode(sma_code ORDER BY sma_code) AS sma_code FROM ndb.si GROUP BY facility_id) care ON care.facility_id = r.facility_id GROUP BY ALL ORDER BY ALL;

-- first-ever and recurrent events numbered, with the days between / 初発と再発、間隔日数
SELECT pid, start_date, row_number() OVER w AS nth, start_date - lag(start_date) OVER w AS since, CASE WHEN row_number() OVER w = 1 THEN '初発' WHEN start_date - lag(start_date) OVER w > 28 THEN '再発' ELSE '同一' END AS kind FROM (SELECT DISTINCT pid, start_date FROM ndb.sy WHERE icd10 LIKE 'I21%' OR icd10 LIKE 'I5%') WINDOW w AS (PARTITION BY pid ORDER BY start_date);

-- a negative control outcome beside the outcome / 陰性対照アウトカムを並べる
WITH v AS (SELECT pid, min(shot_date) AS d FROM vac.shot WHERE dose_no = 1 GROUP BY 1), l(k, code) AS (SELECT 'outcome', 'I514' UNION ALL SELECT 'outcome', 'I309' UNION ALL SELECT 'control', 'L120')
SELECT l.k, count(DISTINCT s.pid) FILTER (s.start_date BETWEEN v.d AND v.d + 42) AS after, count(DISTINCT s.pid) FILTER (s.start_date BETWEEN v.d - 42 AND v.d - 1) AS before FROM v JOIN ndb.sy s USING (pid) JOIN l ON l.code = s.icd10 GROUP BY l.k ORDER BY l.k;

-- top three values with their days, as lists / 上位三件を一覧で
SELECT pid, max(points, 3) AS top3, arg_max(service_ym, points, 2) AS when2, list(points ORDER BY points DESC, rcpt_id)[1:3] AS sliced, len(list(DISTINCT rcpt_kind)) AS kinds, list_sort(list(DISTINCT rcpt_kind)) AS sorted FROM ndb.rcpt GROUP BY pid;

-- the same step used three times, each with its own filter / 同じ段階を三度使う
WITH base AS (SELECT pid, min(service_ym) AS d FROM ndb.rcpt GROUP BY pid), a AS (SELECT pid FROM base WHERE d < '2019-01-01'), b AS (FROM base SELECT pid WHERE d >= '2019-01-01')
SELECT 'early' AS grp, (SELECT count(*) FROM a) AS n, (SELECT count(*) FROM a SEMI JOIN ndb.death USING (pid)) AS died UNION ALL SELECT 'late', (SELECT count(*) FROM b), (SELECT count(*) FROM b WHERE pid IN (SELECT pid FROM ndb.death)) UNION ALL SELECT 'all', count(*), NULL FROM base;

-- comments, dollar quotes and odd spacing / コメント・ドル引用・空白
/* the cohort */ SELECT/* people */count ( * )AS"n", -- all of them
  $$it's$$ AS note, 'It''s' AS quote, .5 + 1. AS num, 1e-3 AS small, -(-2) AS minus, + 3 AS plus, NOT NOT true AS yes
FROM ndb.rcpt AS "r t" WHERE "r t".points>=0 and not "r t".pid is null;

-- types by the names of other engines / 他の製品の型名
SELECT points::float8 AS a, points::int8 AS b, points::numeric(12,2) AS c, CAST(points AS REAL) AS d, CAST(points AS STRING) AS e, points::TEXT AS f, CAST(days AS INT64) AS g, CAST(service_ym AS DATETIME) AS h, CAST(points AS DOUBLE PRECISION) AS i, CAST(rcpt_kind AS CHAR(3)) AS j, points::bool AS k, CAST(points AS HUGEINT) AS l FROM ndb.rcpt LIMIT 20;

-- joins chained by hand with brackets and aliases in both languages / 括弧と和文の別名
SELECT 患者."pid", 入院.n AS "入院回数", coalesce(死亡.death_date IS NOT NULL, false) AS "死亡" FROM (SELECT DISTINCT pid FROM ndb.rcpt) AS 患者 LEFT JOIN (SELECT pid, count(*) AS n FROM dpc.form1 GROUP BY pid) 入院 ON (入院.pid = 患者.pid) LEFT JOIN ndb.death 死亡 ON 死亡.pid = 患者.pid ORDER BY "入院回数" DESC NULLS LAST, 1 LIMIT 25;

-- the latest value by a subquery with an order and a limit / 順序と件数を付けた副問い合わせによる直近値
SELECT i.pid, i.act_date, (SELECT c.hba1c FROM ndb.checkup c WHERE c.pid = i.pid AND c.check_date <= i.act_date ORDER BY c.check_date DESC, c.hba1c LIMIT 1) AS hba1c FROM ndb.iy i;

-- cumulative incidence with death as competing risk / 競合リスクのある累積発生率
WITH i AS (SELECT pid, min(act_date) t0 FROM ndb.iy GROUP BY pid), o AS (SELECT i.pid, least(coalesce(e.d, DATE '2023-03-31'), coalesce(x.death_date, DATE '2023-03-31')) - t0 AS t, CASE WHEN e.d <= coalesce(x.death_date, e.d) THEN 1 WHEN x.death_date IS NOT NULL THEN 2 ELSE 0 END AS k
  FROM i LEFT JOIN (SELECT s.pid, min(s.start_date) d FROM ndb.sy s JOIN i ON i.pid = s.pid AND s.start_date > i.t0 WHERE s.icd10 = 'I500' GROUP BY s.pid) e USING (pid) LEFT JOIN ndb.death x ON x.pid = i.pid AND x.death_date > t0),
h AS (SELECT t // 90 AS q, count(*) FILTER (k = 1) AS d1, count(*) FILTER (k = 2) AS d2, count(*) AS c, sum(count(*)) OVER (ORDER BY t // 90 ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS n FROM o WHERE t > 0 GROUP BY 1),
s AS (SELECT *, coalesce(exp(sum(ln(greatest(1e-9, 1 - (d1 + d2) / n::DOUBLE))) OVER (ORDER BY q ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)), 1) AS s0 FROM h)
SELECT q * 90 AS day, n, d1, d2, round(sum(s0 * d1 / n) OVER (ORDER BY q), 5) AS cif FROM s ORDER BY q;

-- capture and recapture of two sources / 二つの情報源の捕捉再捕捉
SELECT count(*) FILTER (a AND b) AS twice, count(*) FILTER (a AND NOT b) AS only_a, count(*) FILTER (NOT a AND b) AS only_b, (twice + only_a) * (twice + only_b) / nullif(twice, 0)::DOUBLE AS lincoln
FROM (SELECT coalesce(x.pid, y.pid) AS pid, x.pid IS NOT NULL AS a, y.pid IS NOT NULL AS b FROM (SELECT DISTINCT pid FROM ndb.sy WHERE icd10 = 'U071') x FULL OUTER JOIN (SELECT DISTINCT pid FROM idb.notif WHERE disease = 'COVID-19') y ON x.pid = y.pid);

-- a list of codes by unnest, excluded ones by <> ALL / unnest による病名コードの一覧
SELECT c.code, count(DISTINCT s.pid) AS n FROM unnest(ARRAY['E119', 'I10', 'N185', 'I500']) AS c(code) LEFT JOIN ndb.sy s ON s.icd10 = c.code AND s.outcome <> ALL(ARRAY[3, 4]) GROUP BY c.code ORDER BY c.code;
