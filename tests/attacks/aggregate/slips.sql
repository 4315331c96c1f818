-- attack: persons one by one / 一人ずつの行
-- code: query.tier_rows
-- form: rows
SELECT sex, age, egfr FROM ndb.checkup
-- twin: table
SELECT sex, age // 10 * 10 AS age10, count(*) AS n, avg(egfr) AS egfr FROM ndb.checkup GROUP BY ALL

-- attack: areas of two tables together / 二つの表の地域の組合せ
-- code: query.areas_apart
-- form: table
SELECT r.pref_code, c.pref_code AS registered, count(DISTINCT r.pid) AS n
FROM ndb.rcpt r JOIN cancer.reg c USING (pid) GROUP BY ALL
-- twin: table
SELECT c.pref_code, count(DISTINCT r.pid) AS n FROM ndb.rcpt r JOIN cancer.reg c USING (pid) GROUP BY ALL

-- attack: the first of an ordered subquery / 並べた副問い合わせの最初の値
-- code: query.node
-- form: table
WITH f AS (SELECT pid, first(rcpt_kind) AS kind FROM (SELECT * FROM ndb.rcpt ORDER BY service_ym) GROUP BY pid)
SELECT kind, count(*) AS n FROM f GROUP BY kind
-- twin: table
WITH f AS (SELECT pid, first(rcpt_kind ORDER BY service_ym, rcpt_kind) AS kind FROM ndb.rcpt GROUP BY pid)
SELECT kind, count(*) AS n FROM f GROUP BY kind

-- attack: the age at an event / イベント時の年齢
-- code: perturbed
-- form: table
SELECT date_diff('year', birth_ym, onset_date) // 10 * 10 AS age10, count(DISTINCT pid) AS n
FROM idb.notif WHERE disease = 'COVID-19' GROUP BY ALL
-- twin: table
SELECT date_diff('year', birth_ym, DATE '2021-04-01') // 10 * 10 AS age10, count(DISTINCT pid) AS n
FROM idb.notif WHERE disease = 'COVID-19' GROUP BY ALL

-- attack: one month of birth out of two lists put together / 二つの一覧をつないだ上での出生年月
-- code: query.blocks_cut
-- form: table
WITH u AS (SELECT pid, birth_ym FROM idb.notif WHERE severity = 1
  UNION ALL SELECT pid, birth_ym FROM idb.notif WHERE severity = 2)
SELECT count(DISTINCT pid) AS n FROM u WHERE birth_ym = DATE '1980-03-01'
-- twin: table
SELECT count(DISTINCT pid) AS n FROM idb.notif WHERE severity IN (1, 2) AND birth_ym < DATE '1981-04-01'

-- attack: an area of a few persons / 数人しかいない地域
-- code: query.areas_small
-- form: table
SELECT sex, count(DISTINCT pid) AS n FROM ndb.rcpt WHERE pref_code = '46' GROUP BY sex
-- twin: table
SELECT sex, count(DISTINCT pid) AS n FROM ndb.rcpt WHERE pref_code IN ('40', '46', '47') GROUP BY sex
