-- parts of dates in every spelling / 日付の部分（あらゆる書き方）
SELECT extract(year FROM act_date) AS y, extract('month' FROM act_date) AS m, date_part('dow', act_date) AS dow, datepart('quarter', act_date) AS q, year(act_date) AS y2,
       month(act_date) AS m2, day(act_date) AS d, dayofmonth(act_date) AS dm, dayofyear(act_date) AS doy, dayofweek(act_date) AS dw, isodow(act_date) AS iso, week(act_date) AS w,
       weekofyear(act_date) AS woy, yearweek(act_date) AS yw, isoyear(act_date) AS iy, quarter(act_date) AS qq, last_day(act_date) AS ld, monthname(act_date) AS mn, dayname(act_date) AS dn,
       decade(act_date) AS dc, century(act_date) AS ce, extract(epoch FROM act_date) AS ep, extract(doy FROM act_date) AS doy2, extract(week FROM act_date) AS w2, weekday(act_date) AS wd FROM ndb.iy LIMIT 40;

-- fiscal years that begin in April / 4 月に始まる年度
SELECT year(service_ym) - CASE WHEN month(service_ym) < 4 THEN 1 ELSE 0 END AS fy, year(service_ym - INTERVAL 3 MONTH) AS fy2, year(service_ym - to_months(3)) AS fy3, count(*) AS n FROM ndb.rcpt GROUP BY ALL ORDER BY ALL;

-- sums and differences of dates / 日付の加減
SELECT act_date + 7 AS a, act_date - 7 AS b, act_date + INTERVAL 7 DAY AS c, act_date + INTERVAL (days) DAY AS d, act_date + to_days(days::INTEGER) AS e, act_date - DATE '2018-04-01' AS f,
       date_add(act_date, INTERVAL 1 MONTH) AS g, act_date + INTERVAL '1 year 2 months' AS h, date_sub('month', DATE '2018-04-15', act_date) AS i, datesub('year', DATE '2015-04-15', act_date) AS j,
       datediff('week', DATE '2018-04-15', act_date) AS k, date_diff('month', DATE '2018-04-15', act_date) AS l, age(act_date, DATE '2015-04-15') AS m, act_date + days * INTERVAL 1 DAY AS o,
       date_trunc('month', act_date) AS p, date_trunc('year', act_date)::DATE AS q, datetrunc('week', act_date) AS r, time_bucket(INTERVAL 14 DAYS, act_date) AS s, INTERVAL 3 DAYS + act_date AS t FROM ndb.iy LIMIT 60;

-- texts to dates and back / 文字列と日付の変換
SELECT strftime(act_date, '%Y-%m') AS ym, strftime(act_date, '%Y/%m/%d') AS d, strptime('2020-04-01', '%Y-%m-%d')::DATE AS p, try_strptime('20200431', '%Y%m%d') AS bad, CAST('2020-04-01' AS DATE) AS c,
       '2020-04-01'::DATE AS cc, DATE '2020-04-01' AS l, TIMESTAMP '2020-04-01 12:30:00' AS ts, date '2020-02-28' + 2 AS feb, try_cast('x' AS INTEGER) AS n, make_date(2020, 4, 1) AS md, act_date::TIMESTAMP AS t2, CAST(act_date AS VARCHAR) AS t3 FROM ndb.iy LIMIT 10;

-- age at an event from a birth month / 生年月からのイベント時年齢
SELECT pid, date_diff('year', birth_ym, shot_date) AS by_year, date_sub('year', birth_ym, shot_date) AS complete, floor(date_diff('day', birth_ym, shot_date) / 365.25) AS approx,
       year(shot_date) - year(birth_ym) - CASE WHEN (month(shot_date), day(shot_date)) < (month(birth_ym), day(birth_ym)) THEN 1 ELSE 0 END AS exact, extract(year FROM age(shot_date, birth_ym)) AS by_age FROM vac.shot;

-- texts / 文字列
SELECT substr(yj12, 1, 4) AS a, substring(yj12, 5, 3) AS b, substring(yj12 FROM 1 FOR 3) AS c, left(yj12, 2) AS d, right(yj12, 2) AS e, upper(form) AS f, lower(yj12) AS g, length(yj12) AS h, len(yj12) AS i, char_length(yj12) AS j,
       trim(yj12) AS k, ltrim(yj12) AS l, rtrim(yj12) AS m, lpad(drug_code, 8, '0') AS n, rpad(drug_code, 8, 'x') AS o, replace(yj12, 'F', '-') AS p, translate(yj12, 'FM', '12') AS q, concat(yj12, '/', form) AS r, yj12 || ':' || form AS s,
       concat_ws('-', yj12, form) AS t, reverse(yj12) AS u, starts_with(yj12, '39') AS v, contains(yj12, 'F1') AS w, strpos(yj12, 'F') AS x, position('F' IN yj12) AS y, instr(yj12, 'F') AS z, split_part(yj12, 'F', 1) AS aa,
       regexp_replace(yj12, '[A-Z]', '*') AS bb, regexp_extract(yj12, '([A-Z])', 1) AS cc, yj12 LIKE '3%' AS dd, yj12 NOT LIKE '3%' AS ee, form ILIKE '内' AS ff, prefix(yj12, '39') AS gg, regexp_full_match(yj12, '\d+[A-Z]\d+') AS ii,
       trim(LEADING '3' FROM yj12) AS jj, trim(BOTH '0' FROM yj12) AS kk, ltrim(yj12, '3') AS ll, suffix(yj12, '20') AS mm, ends_with(yj12, '20') AS nn, yj12 ~ '39.*' AS oo, yj12 !~ '.*F1.*' AS oo2, yj12 ~ '39' AS oo3, substring(yj12, 3) AS pp, yj12 LIKE '39\_%' ESCAPE '\' AS qq FROM ndb.iy LIMIT 60;

-- choices / 条件による選択
SELECT CASE sex WHEN 1 THEN '男' WHEN 2 THEN '女' END AS s, coalesce(bmi, 0) AS b, ifnull(egfr, -1) AS e, nullif(smoking, 0) AS n, if(sbp >= 140, 'high', 'ok') AS i, greatest(sbp, 120) AS g, least(sbp, 120) AS l, bmi IS NULL AS isn, bmi IS NOT NULL AS notn,
       egfr IS DISTINCT FROM 60 AS idf, egfr IS NOT DISTINCT FROM bmi AS indf, (sbp >= 140) IS TRUE AS t, (bmi >= 25) IS NOT TRUE AS nt, sbp BETWEEN 120 AND 129 AS bt, smoking IN (1, 2) AS inn, smoking NOT IN (1, 2) AS nin, NOT sbp > 100 AS nn, sbp <> 120 AS ne, sbp != 120 AS ne2, -sbp AS neg
FROM ndb.checkup LIMIT 60;

-- numbers and casts / 数と型変換
SELECT round(hba1c, 1) AS r, round(hba1c) AS r0, hba1c::INTEGER AS i, CAST(hba1c AS DECIMAL(4, 1)) AS d, sbp / 10 AS f, sbp // 10 AS di, sbp % 10 AS m, abs(-sbp) AS a, sqrt(sbp) AS s, sbp::VARCHAR AS v, CAST(sbp AS BIGINT) * 1000000 AS big, sbp::DOUBLE AS db, 1e3 AS e, 0.5 AS h, pi() AS pi, exp(1) AS ex, (sbp > 120)::INT AS b, cast(1 AS BOOLEAN) AS bo, round(sbp, -1) AS tens, isnan(hba1c) AS nan
FROM ndb.checkup LIMIT 60;

-- codes as a table of constants / 定数表としてのコード
SELECT v.name, count(DISTINCT s.pid) AS n FROM (VALUES ('E119', '糖尿病'), ('I10', '高血圧'), ('F03', '認知症')) AS v(code, name) LEFT JOIN ndb.sy s ON s.icd10 = v.code GROUP BY v.name ORDER BY v.name;

-- codes as a common table / WITH に書いたコード
WITH codes(code, cls) AS (VALUES ('3969010', 'DPP4'), ('3961008', 'SU')) SELECT cls, count(*) AS n FROM ndb.iy JOIN codes ON left(yj12, 7) = code GROUP BY cls ORDER BY cls;

-- codes as a union of constants / UNION で書いたコード
WITH c AS (SELECT 'E119' AS code, 1 AS w UNION ALL SELECT 'N185', 2 UNION ALL SELECT 'I500', 1) SELECT pid, sum(w) AS score FROM (SELECT DISTINCT pid, icd10 FROM ndb.sy) s JOIN c ON s.icd10 = c.code GROUP BY pid;

-- ranges of codes joined by inequality / 不等号で結合するコードの範囲
SELECT b.label, count(*) AS n FROM ndb.checkup c JOIN (SELECT 0 AS lo, 120 AS hi, 'normal' AS label UNION ALL SELECT 120, 140, 'elevated' UNION ALL SELECT 140, 400, 'high') b ON c.sbp >= b.lo AND c.sbp < b.hi GROUP BY b.label ORDER BY b.label;

-- every kind of join / あらゆる結合
SELECT count(*) AS n, count(b.pid) AS m FROM kaigo.cert a FULL OUTER JOIN welfare.cert b ON a.pid = b.pid;

-- a right join and a cross join / 右外部結合と直積
SELECT m.muni_name, s.sex, count(r.rcpt_id) AS n FROM ndb.rcpt r RIGHT JOIN core.muni m ON r.muni_code = m.muni_code CROSS JOIN (VALUES (1), (2)) AS s(sex) WHERE r.sex = s.sex OR r.sex IS NULL GROUP BY ALL ORDER BY ALL;

-- joins over several columns by USING / USING による複数列の結合
SELECT count(*) AS n FROM ndb.si JOIN ndb.rcpt USING (pid, facility_id) JOIN ndb.sy USING (pid);

-- joins in brackets / かっこの中の結合
SELECT count(*) AS n FROM (ndb.rcpt r JOIN ndb.checkup c ON r.pid = c.pid) LEFT JOIN ndb.death d ON d.pid = r.pid;

-- old joins by commas / コンマによる古い結合
SELECT r.sma_code, count(*) AS n FROM ndb.rcpt r, core.muni m, core.pop p WHERE r.muni_code = m.muni_code AND p.sma_code = m.sma_code AND p.sex = r.sex AND p.age5 = r.age / 5 * 5 GROUP BY r.sma_code;

-- a pair of columns in a subquery / 副問い合わせとの列の組の比較
SELECT count(*) AS n FROM dpc.form1 WHERE (pid, admit_date) IN (SELECT pid, min(admit_date) FROM dpc.form1 GROUP BY pid);

-- comparison with all and any / ALL と ANY の比較
SELECT count(*) AS n FROM ndb.checkup WHERE sbp >= ALL (SELECT sbp FROM ndb.checkup WHERE smoking = 1 AND sbp < 150) AND sma_code = ANY (SELECT sma_code FROM core.muni);

-- correlated subqueries in the list / 列に書いた相関副問い合わせ
SELECT d.pid, (SELECT count(*) FROM ndb.rcpt r WHERE r.pid = d.pid AND r.service_ym >= d.death_date - INTERVAL 6 MONTH) AS visits, (SELECT max(c.check_date) FROM ndb.checkup c WHERE c.pid = d.pid AND c.check_date < d.death_date) AS last_check FROM ndb.death d;

-- columns left out, replaced and renamed / 列の除外・置換・改名
SELECT * EXCLUDE (points, days), points * 10 AS yen FROM ndb.rcpt LIMIT 20;

-- columns replaced / 列の置換
SELECT * REPLACE (round(hba1c) AS hba1c, upper(sma_code) AS sma_code) FROM ndb.checkup LIMIT 20;

-- columns renamed / 列の改名
SELECT * RENAME (sbp AS systolic) FROM ndb.checkup LIMIT 20;

-- FROM first / FROM から始める書き方
FROM ndb.checkup SELECT sex, count(*) AS n GROUP BY sex ORDER BY sex;

-- aliases before their expressions / 式の前に書く別名
SELECT age10: age // 10 * 10, n: count(*) FROM ndb.rcpt GROUP BY ALL ORDER BY ALL;

-- aliases reused in the same list and in where / 同じ一覧と WHERE での別名の再利用
SELECT points * 10 AS yen, yen * 0.3 AS copay, year(service_ym) AS y FROM ndb.rcpt WHERE y = 2020 AND yen > 1000 ORDER BY yen DESC, copay LIMIT 30;

-- union of sources with different columns / 列の異なる表の UNION
SELECT pid, service_ym AS d, '医科' AS src FROM ndb.rcpt UNION ALL BY NAME SELECT '介護' AS src, pid, service_ym AS d FROM kaigo.claim;

-- set operations that keep repeats / 重複を残す集合演算（EXCEPT ALL）
SELECT pid FROM ndb.rcpt EXCEPT ALL SELECT pid FROM ndb.bu;

-- intersections that keep repeats / 重複を残す共通部分
(SELECT pid FROM ndb.rcpt INTERSECT ALL SELECT pid FROM ndb.bu) ORDER BY pid LIMIT 50;

-- limits, offsets and fetch / LIMIT・OFFSET・FETCH
SELECT pid, points FROM ndb.rcpt ORDER BY points DESC, rcpt_id OFFSET 10 ROWS FETCH FIRST 5 ROWS ONLY;

-- a materialized step / 実体化する段階
WITH big AS MATERIALIZED (SELECT pid, sum(points) AS p FROM ndb.rcpt GROUP BY pid), small AS NOT MATERIALIZED (SELECT pid FROM ndb.death) SELECT count(*) AS n, sum(p) AS p FROM big WHERE pid IN (FROM small);

-- order by position and direction with nulls / 位置・方向・NULL の順による並べ替え
SELECT sex, egfr, bmi FROM ndb.checkup ORDER BY 2 DESC NULLS LAST, 3 ASC NULLS FIRST, 1, pid LIMIT 30;

-- distinct rows and counts of pairs / 異なる行と組の数
SELECT count(DISTINCT (pid, icd10)) AS pairs, count(DISTINCT pid || icd10) AS pairs2 FROM ndb.sy;

-- truth values as counts / 真偽値の集計
SELECT pid, bool_or(icd10 = 'E119') AS dm, bool_and(NOT suspected) AS sure, count_if(is_main) AS mains, sum(is_main::INT) AS mains2, countif(suspected) AS sus FROM ndb.sy GROUP BY pid;

-- having with several conditions / 複数の条件の HAVING
SELECT facility_id, avg(points) AS m FROM ndb.rcpt GROUP BY facility_id HAVING count(DISTINCT pid) >= 20 AND sum(points) > 1000 ORDER BY m;

-- Japanese names for columns / 日本語の列名
SELECT sex AS "性別", count(*) AS "人数", avg(age) AS 平均年齢 FROM ndb.rcpt GROUP BY sex ORDER BY "性別";

-- numbers with separators and hexadecimal / 桁区切りのある数
SELECT count(*) AS n FROM ndb.rcpt WHERE points > 1_000;

-- intervals in a comparison / 間隔の比較
SELECT count(*) AS n FROM idb.notif WHERE dx_date - onset_date > 3 AND age(dx_date, onset_date) < INTERVAL 7 DAY;

-- words around numbers / 数の前後に言葉を付ける
SELECT 'n=' || count(*)::VARCHAR || ' (' || round(100.0 * count(*) FILTER (sex = 1) / count(*), 1) || '%)' AS cell FROM ndb.rcpt;

-- the earliest of several dates per person / 各人の最も早い日付
SELECT pid, min(d) AS first_contact FROM (SELECT pid, service_ym AS d FROM ndb.rcpt UNION SELECT pid, check_date FROM ndb.checkup UNION SELECT pid, cert_date FROM kaigo.cert) GROUP BY pid;

-- a subquery in from with a lateral reading / FROM の副問い合わせの結合
SELECT c.pid, x.n FROM ndb.checkup c, (SELECT pid, count(*) AS n FROM ndb.rcpt GROUP BY pid) AS x WHERE x.pid = c.pid AND c.sbp > 160;

-- conditions on a window's result in a subquery / 副問い合わせでのウィンドウの結果の条件
SELECT facility_id, avg(gap) AS mean_gap FROM (SELECT facility_id, service_ym - lag(service_ym) OVER (PARTITION BY pid ORDER BY service_ym, rcpt_id) AS gap FROM ndb.rcpt) g WHERE gap IS NOT NULL GROUP BY 1 ORDER BY 1;

-- bands by width / 幅による区分
SELECT floor(bmi / 2.5) * 2.5 AS band, count(*) AS n FROM ndb.checkup WHERE bmi IS NOT NULL GROUP BY 1 ORDER BY 1;

-- hospital case mix index against the mean / 病院の在院日数の比
WITH f AS (SELECT facility_id, avg(discharge_date - admit_date) AS los, count(*) AS n FROM dpc.form1 GROUP BY facility_id), m AS (SELECT avg(discharge_date - admit_date) AS los FROM dpc.form1)
SELECT f.facility_id, f.los / m.los AS ratio, CASE WHEN f.los > 1.2 * m.los THEN 'long' ELSE 'usual' END AS flag FROM f CROSS JOIN m ORDER BY ratio;

-- vaccine schedule: complete within the interval / 接種間隔の遵守
SELECT a.vaccine, count(*) AS n, avg(b.shot_date - a.shot_date) AS gap, count(*) FILTER (b.shot_date - a.shot_date BETWEEN 18 AND 42) AS on_time FROM vac.shot a JOIN vac.shot b ON a.pid = b.pid AND a.dose_no = 1 AND b.dose_no = 2 GROUP BY a.vaccine ORDER BY 1;

-- place of death by care level, linked / 要介護度別の死亡場所（連結）
SELECT coalesce(k.care_level::VARCHAR, 'なし') AS care, d.place, count(*) AS n FROM ndb.death d LEFT JOIN (SELECT pid, max_by(care_level, cert_date) AS care_level FROM kaigo.cert GROUP BY pid) k USING (pid) GROUP BY ALL ORDER BY ALL;

-- postoperative stay by procedure and time to surgery / 手術別の術後日数と手術までの日数
SELECT op_kcode, count(*) AS n, avg(op_date - admit_date) AS wait, avg(discharge_date - op_date) AS after, avg(bi_discharge - bi_admit) AS gain FROM dpc.form1 WHERE op_kcode IS NOT NULL GROUP BY op_kcode HAVING count(*) > 3 ORDER BY n DESC, op_kcode;

-- laboratory values with units made one / 検査値の単位の統一
SELECT jlac10, CASE unit WHEN '%' THEN value * 10.93 - 23.5 ELSE value END AS v FROM nextgen.lab WHERE jlac10 IN ('3D046') AND isfinite(value);

-- polypharmacy on a given day / ある日の多剤併用
SELECT n, count(*) AS persons FROM (SELECT pid, count(DISTINCT left(yj12, 7)) AS n FROM ndb.iy WHERE DATE '2020-10-01' BETWEEN act_date AND act_date + days::INT GROUP BY pid) GROUP BY n ORDER BY n;
