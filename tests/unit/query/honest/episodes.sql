-- treatment episodes with a permissible gap of thirty days / 30 日の空白を許す治療期間
WITH r AS (SELECT pid, act_date AS s, act_date + (days || ' days')::INTERVAL AS e FROM ndb.iy WHERE yj12 LIKE '3969%'),
f AS (SELECT *, CASE WHEN s <= max(e) OVER (PARTITION BY pid ORDER BY s, e ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) + INTERVAL 30 DAY THEN 0 ELSE 1 END AS fresh FROM r),
g AS (SELECT *, sum(fresh) OVER (PARTITION BY pid ORDER BY s, e) AS episode FROM f)
SELECT pid, episode, min(s) AS start, max(e)::DATE AS stop, count(*) AS fills FROM g GROUP BY pid, episode;

-- stays joined to an episode when one follows the other within a day / 翌日までの再入院をつないだ入院期間
WITH x AS (SELECT pid, admit_date, discharge_date, lag(discharge_date) OVER w AS pd FROM ndb.bu WINDOW w AS (PARTITION BY pid ORDER BY admit_date, discharge_date)),
y AS (SELECT *, count(CASE WHEN pd IS NULL OR admit_date > pd + 1 THEN 1 END) OVER (PARTITION BY pid ORDER BY admit_date, discharge_date) AS ep FROM x)
SELECT pid, ep, min(admit_date) AS a, max(discharge_date) AS d, max(discharge_date) - min(admit_date) AS los FROM y GROUP BY pid, ep;

-- islands of months with care, by the difference of two numbers / 番号の差で束ねる連続月
WITH m AS (SELECT DISTINCT pid, year(service_ym) * 12 + month(service_ym) AS k FROM kaigo.claim),
i AS (SELECT pid, k, k - row_number() OVER (PARTITION BY pid ORDER BY k) AS isle FROM m)
SELECT pid, min(k) AS k0, max(k) AS k1, count(*) AS len FROM i GROUP BY pid, isle HAVING count(*) >= 2;

-- thirty days before and after, by a range frame over dates / 日付の範囲フレーム（前後 30 日）
SELECT pid, act_date, count(*) OVER (PARTITION BY pid ORDER BY act_date RANGE BETWEEN INTERVAL 30 DAYS PRECEDING AND INTERVAL 30 DAYS FOLLOWING) AS around,
       sum(points) OVER (PARTITION BY pid ORDER BY act_date RANGE BETWEEN INTERVAL '90' DAY PRECEDING AND CURRENT ROW) AS last90 FROM ndb.si;

-- worsening of the care level between two assessments / 二回の認定の間の要介護度の悪化
SELECT pid, cert_date, care_level, lag(care_level, 1, 0) OVER w AS before, care_level - lag(care_level) OVER w AS change, first_value(care_level) OVER w AS base,
       last_value(care_level) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS final, nth_value(care_level, 2) OVER w AS second
FROM kaigo.cert WINDOW w AS (PARTITION BY pid ORDER BY cert_date, care_level, dementia_rank);

-- carry the last known value forward / 最後の値の繰越し
SELECT pid, check_date, last_value(egfr IGNORE NULLS) OVER (PARTITION BY pid ORDER BY check_date, sbp ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS egfr_locf FROM ndb.checkup;

-- decline of eGFR by a third within two years / 二年以内の eGFR の三割低下
SELECT a.pid, min(b.check_date) AS reached FROM ndb.checkup a JOIN ndb.checkup b ON b.pid = a.pid AND b.check_date > a.check_date
  AND b.check_date <= a.check_date + INTERVAL 2 YEARS WHERE b.egfr <= 0.7 * a.egfr GROUP BY a.pid;

-- ranks and cumulative distributions / 順位と累積分布
SELECT facility_id, n, rank() OVER (ORDER BY n DESC) AS r, dense_rank() OVER (ORDER BY n DESC) AS dr, percent_rank() OVER (ORDER BY n) AS pr, cume_dist() OVER (ORDER BY n) AS cd
FROM (SELECT facility_id, count(*) AS n FROM dpc.form1 GROUP BY facility_id) ORDER BY facility_id;

-- share within the group by a window without order / 順序のないウィンドウによる群内割合
SELECT sma_code, rcpt_kind, count(*) AS n, count(*) * 100.0 / sum(count(*)) OVER (PARTITION BY sma_code) AS pct FROM ndb.rcpt GROUP BY sma_code, rcpt_kind ORDER BY 1, 2;

-- conditional counts over a window / ウィンドウ上の条件つき件数
SELECT pid, service_ym, count(*) FILTER (WHERE rcpt_kind = 'dpc') OVER (PARTITION BY pid ORDER BY service_ym) AS dpc_so_far FROM ndb.rcpt;

-- top two diagnoses of each hospital / 病院ごとの上位二病名
SELECT facility_id, main_icd, count(*) AS n FROM dpc.form1 GROUP BY facility_id, main_icd QUALIFY rank() OVER (PARTITION BY facility_id ORDER BY count(*) DESC) <= 2 ORDER BY ALL;

-- first and last of each person with their values / 各人の最初と最後の値
SELECT pid, min_by(hba1c, check_date) AS first_a1c, max_by(hba1c, check_date) AS last_a1c, argmax(sbp, check_date) AS sbp, arg_min(bmi, check_date) AS bmi FROM
  (SELECT * FROM ndb.checkup QUALIFY count(*) OVER (PARTITION BY pid, check_date) = 1) GROUP BY pid;

-- the list of a person's diagnoses in order / 各人の病名の順序つき一覧
SELECT pid, string_agg(DISTINCT icd10, ',' ORDER BY icd10) AS codes, list(icd10 ORDER BY start_date, icd10) AS seq, array_agg(DISTINCT icd10 ORDER BY icd10) AS uniq FROM ndb.sy WHERE is_main GROUP BY pid;

-- who has one of several codes in a collected list / 集めた一覧に対するコードの有無
SELECT pid FROM (SELECT pid, list(DISTINCT icd10) AS codes FROM ndb.sy GROUP BY pid) WHERE list_contains(codes, 'E119') AND len(codes) >= 3;
