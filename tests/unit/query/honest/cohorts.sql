-- new users of a drug after a year without it / 一年間使用のない人の新規使用者
WITH rx AS (
  SELECT pid, act_date, substr(yj12, 1, 7) AS yj7,
         lag(act_date) OVER (PARTITION BY pid, substr(yj12, 1, 7) ORDER BY act_date) AS before
  FROM ndb.iy
), first_in AS (SELECT pid, min(service_ym) AS seen FROM ndb.rcpt GROUP BY pid)
SELECT rx.pid, yj7, act_date AS index_date
FROM rx JOIN first_in f USING (pid)
WHERE yj7 IN ('3969010', '3969011') AND (before IS NULL OR act_date - before > 365)
  AND f.seen <= act_date - INTERVAL 1 YEAR;

-- active comparator cohort with exclusions written as anti joins / 対照薬つきコホートと ANTI JOIN による除外
WITH idx AS (
  SELECT pid, arg_min(left(yj12, 7), act_date) AS drug, min(act_date) AS t0 FROM ndb.iy
  WHERE left(yj12, 4) IN ('3969', '3961') GROUP BY pid
)
SELECT i.pid, i.drug, i.t0 FROM idx i
ANTI JOIN (SELECT pid, start_date FROM ndb.sy WHERE icd10 LIKE 'N18%') d ON d.pid = i.pid AND d.start_date < i.t0
SEMI JOIN ndb.checkup c ON c.pid = i.pid;

-- persons without a claim in the look-back window, by NOT EXISTS / 観察前期間に請求のない人（NOT EXISTS）
SELECT i.pid, i.act_date FROM ndb.iy AS i
WHERE NOT EXISTS (
  SELECT 1 FROM ndb.sy AS s
  WHERE s.pid = i.pid AND s.icd10 = 'I10' AND NOT s.suspected
    AND s.start_date BETWEEN i.act_date - INTERVAL '180 days' AND i.act_date - INTERVAL '1 day')
  AND i.form = '内';

-- index date and follow-up end as the earliest of death, event and study end / 起点日と、死亡・発症・研究終了の最も早い日
WITH idx AS (SELECT pid, min(act_date) AS t0 FROM ndb.iy GROUP BY 1),
ev AS (SELECT s.pid, min(s.start_date) AS t1 FROM ndb.sy s JOIN idx USING (pid)
       WHERE s.icd10 IN ('I219', 'I500') AND s.start_date > idx.t0 GROUP BY s.pid)
SELECT idx.pid, t0, least(coalesce(t1, DATE '2023-03-31'), coalesce(d.death_date, DATE '2023-03-31')) AS tend,
       t1 IS NOT NULL AND (d.death_date IS NULL OR t1 <= d.death_date) AS event,
       date_diff('day', t0, tend) / 365.25 AS years
FROM idx LEFT JOIN ev USING (pid) LEFT JOIN ndb.death d USING (pid);

-- one index stay per person, by DISTINCT ON / 一人一入院（DISTINCT ON）
SELECT DISTINCT ON (pid) pid, admit_date, discharge_date, main_icd FROM dpc.form1 ORDER BY pid, admit_date, data_id;

-- one index stay per person, by QUALIFY / 一人一入院（QUALIFY）
SELECT pid, admit_date, resource_icd FROM dpc.form1
QUALIFY row_number() OVER (PARTITION BY pid ORDER BY admit_date, data_id) = 1;

-- one index stay per person, by a numbered subquery / 一人一入院（番号を付けた副問い合わせ）
SELECT pid, admit_date FROM (
  SELECT pid, admit_date, ROW_NUMBER() OVER (PARTITION BY pid ORDER BY admit_date ASC, data_id) AS rn FROM dpc.form1
) t WHERE t.rn = 1;

-- a matched pair by sex and age within two years / 性と年齢（±2 歳）で組にした対照
WITH exposed AS (SELECT DISTINCT f.pid, sex, age FROM dpc.form1 f WHERE main_icd LIKE 'I%'),
pool AS (SELECT DISTINCT pid, sex, age FROM dpc.form1 WHERE pid NOT IN (SELECT pid FROM exposed))
SELECT e.pid AS case_id, p.pid AS control_id FROM exposed e JOIN pool p ON p.sex = e.sex AND abs(p.age - e.age) <= 2
QUALIFY row_number() OVER (PARTITION BY e.pid ORDER BY abs(p.age - e.age), p.pid) <= 2;

-- the last laboratory value before the index date, by ASOF join / 起点日前の最後の検査値（ASOF JOIN）
WITH idx AS (SELECT pid, min(act_date) AS t0 FROM ndb.iy GROUP BY pid)
SELECT idx.pid, t0, l.exam_date, l.value
FROM idx ASOF LEFT JOIN (SELECT pid, exam_date, max(value) AS value FROM nextgen.lab WHERE jlac10 = '3D046' GROUP BY ALL) l
  ON idx.pid = l.pid AND idx.t0 >= l.exam_date;

-- the nearest check-up on either side of the index date / 起点日に最も近い健診（前後どちらでも）
WITH idx AS (SELECT pid, min(act_date) AS t0 FROM ndb.iy GROUP BY pid)
SELECT idx.pid, arg_min(c.hba1c, abs(date_diff('day', c.check_date, idx.t0))) AS a1c,
       min(abs(c.check_date - idx.t0)) AS days_apart
FROM idx JOIN ndb.checkup AS c USING (pid) GROUP BY idx.pid;

-- two diagnoses of one disease at least thirty days apart / 30 日以上あいた同一病名 2 回
SELECT a.pid, min(a.start_date) AS first_dx FROM ndb.sy a JOIN ndb.sy b
  ON a.pid = b.pid AND a.icd10 = b.icd10 AND b.start_date - a.start_date >= 30
WHERE a.icd10 = 'E119' AND NOT (a.suspected OR b.suspected) GROUP BY a.pid;

-- a flow chart of exclusions as one row / 除外の流れを一行に
WITH c AS (SELECT pid, max(age) AS age, max(sex) AS sex FROM ndb.rcpt GROUP BY pid)
SELECT count(*) AS all_persons, count(*) FILTER (WHERE age >= 40) AS step1,
       count(*) FILTER (WHERE age >= 40 AND EXISTS (SELECT 1 FROM ndb.checkup k WHERE k.pid = c.pid)) AS step2,
       count_if(age >= 40 AND pid NOT IN (SELECT pid FROM ndb.death)) AS step3
FROM c;

-- who had all three of a set of diagnoses / 病名がすべて揃った人
SELECT pid FROM ndb.sy WHERE icd10 IN ('E119', 'I10', 'E780') GROUP BY pid HAVING count(DISTINCT icd10) = 3
INTERSECT SELECT pid FROM ndb.rcpt;

-- cohorts as sets: had a drug, had no stay / 集合としてのコホート（薬あり・入院なし）
SELECT pid FROM ndb.iy WHERE yj12 LIKE '3999014%' EXCEPT SELECT pid FROM ndb.bu ORDER BY 1;

-- sequence of first three drugs of each person / 各人の最初の三剤の順序
WITH r AS (SELECT pid, left(yj12, 4) AS cls, min(act_date) AS d FROM ndb.iy GROUP BY ALL)
SELECT path, count(*) AS n FROM (
  SELECT pid, string_agg(cls, '>' ORDER BY d, cls) AS path FROM (
    SELECT *, row_number() OVER (PARTITION BY pid ORDER BY d, cls) AS k FROM r) WHERE k <= 3 GROUP BY pid)
GROUP BY path ORDER BY n DESC, path LIMIT 20;

-- switchers within ninety days / 90 日以内の切替え
SELECT count(DISTINCT a.pid) AS switched FROM ndb.iy a JOIN ndb.iy b ON b.pid = a.pid
WHERE a.yj12 LIKE '3961%' AND b.yj12 LIKE '3969%' AND b.act_date > a.act_date AND b.act_date <= a.act_date + 90;

-- risk and control windows of a self-controlled series / 自己対照研究のリスク期間と対照期間
SELECT s.pid, s.dose_no, sum(CASE WHEN d.start_date - s.shot_date BETWEEN 0 AND 28 THEN 1 ELSE 0 END) AS risk,
       sum(CASE WHEN d.start_date - s.shot_date NOT BETWEEN 0 AND 28 THEN 1 ELSE 0 END) AS control
FROM vac.shot s JOIN ndb.sy d ON d.pid = s.pid AND abs(d.start_date - s.shot_date) < 200 GROUP BY s.pid, s.dose_no;

-- children of care: enrolment gaps closed when shorter than two months / 二か月未満の空白を閉じた加入期間
WITH m AS (SELECT DISTINCT pid, service_ym FROM ndb.rcpt),
g AS (SELECT *, CASE WHEN date_diff('month', lag(service_ym) OVER w, service_ym) <= 2 THEN 0 ELSE 1 END AS new
      FROM m WINDOW w AS (PARTITION BY pid ORDER BY service_ym)),
s AS (SELECT *, sum(new) OVER (PARTITION BY pid ORDER BY service_ym ROWS UNBOUNDED PRECEDING) AS spell FROM g)
SELECT pid, spell, min(service_ym) AS von, max(service_ym) + INTERVAL 1 MONTH AS bis, count(*) AS months
FROM s GROUP BY pid, spell;

-- follow-up in months as a calendar spine / 月を軸にした追跡
WITH months AS (SELECT ym FROM generate_series(DATE '2019-04-01', DATE '2020-03-01', INTERVAL 1 MONTH) AS t(ym))
SELECT m.ym, count(DISTINCT r.pid) AS persons FROM months m LEFT JOIN ndb.rcpt r ON r.service_ym = m.ym
GROUP BY m.ym ORDER BY m.ym;

-- years as a spine for prevalence, counted from a range / 年を軸にした有病者数（range から）
SELECT y.y AS fy, count(DISTINCT s.pid) AS cases FROM range(2018, 2023) AS y(y)
JOIN ndb.sy s ON s.start_date >= make_date(y.y, 4, 1) AND s.start_date < make_date(y.y + 1, 4, 1)
WHERE s.icd10 = 'E119' GROUP BY y.y;

-- prescriptions spread over the days they cover / 処方を服用日に展開
SELECT count(*) AS covered_days FROM (
  SELECT DISTINCT pid, act_date + i::INTEGER AS d FROM ndb.iy JOIN range(90) AS n(i) ON n.i < iy.days);
