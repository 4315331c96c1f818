-- UC1 new users of two drugs, events per person-year / 二剤の新規使用者と人年あたりの発症
WITH rx AS (SELECT pid, min(act_date) idx, CASE WHEN substr(yj12,1,7) IN ('3969010','3969011') THEN 'DPP4' WHEN substr(yj12,1,7)='3961008' THEN 'SU' END grp FROM ndb.iy WHERE substr(yj12,1,7) IN ('3969010','3969011','3961008') GROUP BY pid, grp),
one AS (SELECT * FROM rx QUALIFY count(*) OVER (PARTITION BY pid)=1),
dem AS (SELECT pid, any_value(sex) sex, min(age) age FROM ndb.rcpt GROUP BY pid),
ev AS (SELECT pid, min(service_ym) ev FROM ndb.sy WHERE icd10='L120' AND NOT suspected GROUP BY pid)
SELECT grp, sex, least(100,(age//5)*5) age5, count(*) n, count(*) FILTER (ev > idx) events,
       sum(date_diff('day', idx, least(coalesce(CASE WHEN ev>idx THEN ev END, DATE '2024-03-31'), DATE '2024-03-31')))/365.25 py,
       1000.0*events/nullif(py,0) rate_1000py
FROM one JOIN dem USING(pid) LEFT JOIN ev USING(pid) WHERE age>=40 GROUP BY ALL ORDER BY ALL;
-- UC1a with a look-back window: nothing of either drug in the year before / 観察前一年間どちらの薬もない人
WITH first AS (SELECT pid, min(act_date) idx FROM ndb.iy WHERE yj12 LIKE '3969%' GROUP BY pid),
new AS (SELECT f.pid, f.idx FROM first f WHERE NOT EXISTS (SELECT 1 FROM ndb.iy b WHERE b.pid=f.pid AND b.yj12 LIKE '3961%' AND b.act_date >= f.idx - INTERVAL 365 DAY AND b.act_date < f.idx)),
dem AS (SELECT pid, max(sex) sex FROM ndb.rcpt GROUP BY pid)
SELECT sex, count(*) n, count(*) FILTER (EXISTS (SELECT 1 FROM ndb.sy s WHERE s.pid = new.pid AND s.icd10='L120' AND s.service_ym > new.idx)) events FROM new JOIN dem USING (pid) GROUP BY ALL;
-- UC1b row_number for the index drug, ages in tens / row_number による起点薬、10 歳階級
WITH ranked AS (SELECT pid, act_date, yj12, row_number() OVER (PARTITION BY pid ORDER BY act_date, yj12) rn FROM ndb.iy),
idx AS (SELECT pid, act_date idx, substr(yj12,1,4) cls FROM ranked WHERE rn = 1),
dem AS (SELECT pid, arg_min(age, service_ym) age, arg_min(sex, service_ym) sex FROM ndb.rcpt GROUP BY pid)
SELECT cls, sex, age // 10 * 10 age10, count(*) n, avg(date_diff('day', idx, DATE '2024-03-31')) followed FROM idx JOIN dem USING (pid) GROUP BY ALL;
-- UC1c a rate ratio of two groups in one line / 二群の率比を一行で
WITH e AS (SELECT pid, min(act_date) idx, bool_or(yj12 LIKE '3969%') dpp4 FROM ndb.iy WHERE yj12 LIKE '396%' GROUP BY pid),
o AS (SELECT e.pid, e.dpp4, min(s.service_ym) ev FROM e LEFT JOIN ndb.sy s ON s.pid = e.pid AND s.icd10 = 'L120' AND s.service_ym > e.idx GROUP BY e.pid, e.dpp4)
SELECT count(*) FILTER (dpp4) n1, count(*) FILTER (NOT dpp4) n0, count(ev) FILTER (dpp4) e1, count(ev) FILTER (NOT dpp4) e0, (e1 / n1) / nullif(e0 / n0, 0) rr FROM o;
-- UC3 survival by prefecture and extent / 都道府県・進展度別の生存
SELECT pref_code, extent, count(*) n, count(*) FILTER (vital=1 AND date_diff('day',dx_date,last_date)<=1095) deaths_3y, 1-deaths_3y/n::DOUBLE surv_3y FROM cancer.reg WHERE topo LIKE 'C16%' AND behavior=3 AND year(dx_date)=2018 GROUP BY ALL ORDER BY ALL;
-- UC3a by sex and age / 性・年齢別
SELECT sex, age // 10 * 10 age10, count(*) n, sum(vital) deaths, 1.0 * sum(vital) / count(*) fatal FROM cancer.reg WHERE topo LIKE 'C16%' GROUP BY ROLLUP (sex, age // 10 * 10);
-- UC3b indirectly standardised by reference rates given as values / 基準率を値で与えた間接法
SELECT r.pref_code, count(*) n, sum(r.vital) observed, sum(x.rate) expected, sum(r.vital) / nullif(sum(x.rate), 0) smr
FROM cancer.reg r JOIN (VALUES (1, 0, 50, 0.2), (1, 50, 65, 0.4), (1, 65, 200, 0.6), (2, 0, 50, 0.15), (2, 50, 65, 0.35), (2, 65, 200, 0.55)) x(sex, lo, hi, rate) ON r.sex = x.sex AND r.age >= x.lo AND r.age < x.hi GROUP BY ALL;
-- UC3d standardised by reference rates, by extent / 基準率による標準化、進展度別
WITH x AS (SELECT * FROM (VALUES (1, 0, 50, 0.2), (1, 50, 65, 0.4), (1, 65, 200, 0.6), (2, 0, 50, 0.15), (2, 50, 65, 0.35), (2, 65, 200, 0.55)) v(sex, lo, hi, rate)),
e AS (SELECT r.pid, r.extent, r.vital, x.rate FROM cancer.reg r JOIN x ON r.sex = x.sex AND r.age BETWEEN x.lo AND x.hi - 1)
SELECT extent, count(*) n, sum(vital) observed, sum(rate) expected, sum(vital) / nullif(sum(rate), 0) smr FROM e GROUP BY ALL ORDER BY ALL;
-- UC3c incidence against the population / 人口に対する罹患
WITH c AS (SELECT pid, sex, age // 5 * 5 age5 FROM cancer.reg WHERE behavior = 3 AND dx_date < DATE '2019-01-01'),
pop AS (SELECT sex, age5, sum(population) population FROM core.pop GROUP BY ALL)
SELECT c.sex, c.age5, count(*) cases FROM c JOIN pop ON pop.sex = c.sex AND pop.age5 = c.age5 GROUP BY ALL;
-- UC4 a self-controlled window around a shot / 接種前後の自己対照期間
WITH e AS (SELECT v.pid, v.vaccine, v.dose_no, v.shot_date, v.sex, date_diff('year',v.birth_ym,v.shot_date) age, min(s.service_ym) ev FROM vac.shot v LEFT JOIN ndb.sy s ON s.pid=v.pid AND s.icd10 IN ('I514','I309') AND NOT s.suspected AND s.service_ym BETWEEN v.shot_date-INTERVAL 60 DAY AND v.shot_date+INTERVAL 60 DAY GROUP BY ALL)
SELECT vaccine, dose_no, sex, (age//10)*10 age10, count(*) vaccinated, count(*) FILTER (date_diff('day',shot_date,ev) BETWEEN 0 AND 21) risk_window, count(*) FILTER (date_diff('day',shot_date,ev) BETWEEN -60 AND -1 OR date_diff('day',shot_date,ev) BETWEEN 22 AND 60) control_window FROM e GROUP BY ALL ORDER BY ALL;
-- UC4a of the first dose only, by sex / 初回接種のみ、性別
WITH v AS (SELECT pid, min(shot_date) d, arg_min(vaccine, shot_date) vx, max(sex) sex FROM vac.shot GROUP BY pid)
SELECT vx, sex, count(DISTINCT v.pid) vaccinated, count(DISTINCT CASE WHEN s.service_ym BETWEEN v.d AND v.d + INTERVAL 42 DAY THEN s.pid END) cases FROM v LEFT JOIN ndb.sy s ON s.pid = v.pid AND s.icd10 IN ('I514', 'I309', 'J189') GROUP BY ALL;
-- UC4b ages at a fixed day, by whether anything happened / ある日の年齢、事象の有無別
WITH v AS (SELECT pid, min(shot_date) d, any_value(birth_ym) b FROM vac.shot WHERE dose_no = 1 GROUP BY pid),
h AS (SELECT DISTINCT v.pid FROM v JOIN ndb.sy s ON s.pid = v.pid AND s.service_ym > v.d WHERE s.icd10 = 'J189')
SELECT CASE WHEN date_diff('year', v.b, DATE '2021-04-01') >= 65 THEN '65+' ELSE '-64' END grp, h.pid IS NOT NULL AS hit, count(*) n FROM v LEFT JOIN h USING (pid) GROUP BY ALL ORDER BY ALL;
-- UC4c days between doses / 接種間隔の日数
WITH d AS (SELECT pid, sex, dose_no, shot_date, lag(shot_date) OVER (PARTITION BY pid ORDER BY shot_date) shot0 FROM vac.shot)
SELECT sex, date_diff('day', shot0, shot_date) // 30 apart, count(*) n FROM d WHERE shot0 IS NOT NULL GROUP BY ALL ORDER BY ALL;
-- UC5 what follows an infection / 感染の後に続くもの
WITH c AS (SELECT pid, min(onset_date) t0, any_value(sex) sex FROM idb.notif WHERE disease='COVID-19' GROUP BY pid),
x AS (SELECT c.pid, c.sex, CASE WHEN s.icd10='U071' THEN 'COVID' WHEN s.icd10='R432' THEN 'taste' ELSE 'other' END dx, date_diff('month',c.t0,s.service_ym) m FROM c JOIN ndb.sy s USING(pid) WHERE s.icd10 IN ('R432') AND s.service_ym BETWEEN c.t0 AND c.t0+INTERVAL 12 MONTH)
SELECT sex, dx, m, count(DISTINCT pid) n FROM x GROUP BY ALL ORDER BY ALL;
-- UC5a against those without a notification / 届出のない人との比較
WITH c AS (SELECT pid, min(onset_date) t0 FROM idb.notif WHERE disease = 'COVID-19' GROUP BY pid),
pop AS (SELECT pid, max(sex) sex, max(CASE WHEN age >= 65 THEN 1 ELSE 0 END) aged FROM ndb.rcpt GROUP BY pid)
SELECT aged, CASE WHEN c.pid IS NULL THEN 'without' ELSE 'with' END notified, count(*) n, count(*) FILTER (pop.pid IN (SELECT s.pid FROM ndb.sy s WHERE s.icd10 = 'R432')) taste FROM pop LEFT JOIN c USING (pid) GROUP BY ALL ORDER BY ALL;
-- UC5b severity and the cost of the following half year / 重症度とその後半年の費用
WITH c AS (SELECT pid, max(severity) sev, min(onset_date) t0 FROM idb.notif GROUP BY pid)
SELECT sev, count(DISTINCT c.pid) n, sum(r.points) * 10.0 / count(DISTINCT c.pid) yen FROM c LEFT JOIN ndb.rcpt r ON r.pid = c.pid AND r.service_ym >= c.t0 AND r.service_ym < c.t0 + INTERVAL 6 MONTH GROUP BY sev ORDER BY sev;
-- UC5c by prefecture and wave / 都道府県と流行の波
SELECT pref_code, CASE WHEN onset_date < DATE '2020-04-01' THEN 1 WHEN onset_date < DATE '2021-04-01' THEN 2 ELSE 3 END wave, count(DISTINCT pid) n, avg(severity) severity FROM idb.notif WHERE disease = 'COVID-19' GROUP BY ALL ORDER BY ALL;
-- UC7 heat map of kidney function and dialysis / 腎機能の分布と透析
WITH b AS (SELECT *, CASE WHEN egfr>=90 THEN 'G1' WHEN egfr>=60 THEN 'G2' WHEN egfr>=45 THEN 'G3a' WHEN egfr>=30 THEN 'G3b' WHEN egfr>=15 THEN 'G4' ELSE 'G5' END g, CASE u_protein WHEN 0 THEN 'A1' WHEN 1 THEN 'A2' ELSE 'A3' END a FROM ndb.checkup), d AS (SELECT pid, min(act_date) hd FROM ndb.si WHERE kubun='J038' GROUP BY pid)
SELECT g, a, count(*) n, count(*) FILTER (hd>check_date AND hd<=check_date+INTERVAL 3 YEAR) dialysis, 1000.0*dialysis/n per_1000 FROM b LEFT JOIN d USING(pid) GROUP BY ALL ORDER BY ALL;
-- UC7a the first examination of each person, by sex / 各人の最初の健診、性別
WITH f AS (SELECT pid, sex, egfr, bmi, row_number() OVER (PARTITION BY pid ORDER BY check_date) rn FROM ndb.checkup)
SELECT sex, count(*) n, avg(egfr) egfr, stddev(bmi) sd, count(*) FILTER (egfr < 60) ckd, 100.0 * ckd / n pct FROM f WHERE rn = 1 GROUP BY CUBE (sex);
-- UC7b people older than 65 with low values, by age / 65 歳以上の低値、年齢別
SELECT age // 5 * 5 age5, count(*) n, avg(CASE WHEN egfr < 45 THEN 1.0 ELSE 0.0 END) low FROM ndb.checkup WHERE age BETWEEN 65 AND 84 AND egfr IS NOT NULL GROUP BY ALL ORDER BY ALL;
-- UC7c change between two examinations / 二回の健診の間の変化
WITH y AS (SELECT pid, first_value(egfr) OVER (PARTITION BY pid ORDER BY check_date) a, egfr b, row_number() OVER (PARTITION BY pid ORDER BY check_date DESC) rn FROM ndb.checkup)
SELECT CASE WHEN b < a - 20 THEN 'fell' WHEN b > a + 20 THEN 'rose' ELSE 'same' END change, count(*) n FROM y WHERE rn = 1 AND a IS NOT NULL AND b IS NOT NULL GROUP BY ALL ORDER BY ALL;
-- UC7d shares with totals, told apart by their level / 合計の段階を示す列のある割合
SELECT sex, u_protein, grouping(sex, u_protein) AS level, count(*) n, 100.0 * count(*) FILTER (egfr < 60) / count(*) AS pct FROM ndb.checkup GROUP BY ROLLUP (sex, u_protein) ORDER BY sex, u_protein;
-- UC8 treatments of an intractable disease / 指定難病の治療
SELECT n.pref_code, n.severity, count(*) n, count(*) FILTER (n.steroid) steroid, count(*) FILTER (EXISTS (SELECT 1 FROM ndb.iy i WHERE i.pid=n.pid AND substr(i.yj12,1,7)='3999014')) tacrolimus, count(*) FILTER (EXISTS(SELECT 1 FROM shoman.reg s WHERE s.pid=n.pid)) from_shoman FROM nanbyo.reg n WHERE disease_no=11 AND apply_fy=2021 GROUP BY ALL ORDER BY ALL;
-- UC8a by sex and age, over all years / 性・年齢別（全年度）
SELECT sex, age // 10 * 10 age10, count(DISTINCT pid) persons, count(DISTINCT CASE WHEN steroid THEN pid END) steroid FROM nanbyo.reg WHERE disease_no IN (9, 10, 11) GROUP BY ALL ORDER BY ALL;
-- UC8b cost in the year of application, over linked claims / 申請年度の費用（連結レセプト）
WITH a AS (SELECT pid, disease_no, min(apply_fy) fy FROM nanbyo.reg GROUP BY pid, disease_no),
c AS (SELECT pid, year(service_ym) y, sum(points) p FROM ndb.rcpt GROUP BY ALL)
SELECT a.disease_no, count(DISTINCT a.pid) n, avg(c.p) points FROM a LEFT JOIN c ON c.pid = a.pid AND c.y = a.fy GROUP BY ALL ORDER BY ALL;
-- UC8c those who were in the children's programme before / 以前に小児慢性の対象だった人
SELECT n.disease_no, count(DISTINCT n.pid) n FROM nanbyo.reg n SEMI JOIN shoman.reg s ON s.pid = n.pid AND s.apply_fy <= n.apply_fy GROUP BY n.disease_no ORDER BY 1;
-- UC11 admissions of persons with support / 障害支援区分別の入院
SELECT w.support_level, count(DISTINCT w.pid) n, count(DISTINCT r.pid) FILTER (r.rcpt_kind IN ('med_in','dpc')) admitted, sum(r.points)*10.0/count(DISTINCT w.pid) yen_pp FROM welfare.cert w LEFT JOIN ndb.rcpt r ON r.pid=w.pid AND r.service_ym BETWEEN DATE '2021-04-01' AND DATE '2022-03-31' GROUP BY 1 ORDER BY 1;
-- UC11a against everybody else / その他の人との比較
WITH w AS (SELECT DISTINCT pid FROM welfare.cert)
SELECT CASE WHEN w.pid IS NOT NULL THEN 1 ELSE 0 END supported, r.sex, count(DISTINCT r.pid) n, sum(r.points) points FROM ndb.rcpt r LEFT JOIN w ON w.pid = r.pid GROUP BY ALL ORDER BY ALL;
-- UC11b by kind of disability and prefecture / 障害種別と都道府県
WITH home AS (SELECT pid, any_value(pref_code) pref FROM ndb.rcpt GROUP BY pid)
SELECT pref, disability_kind, count(DISTINCT w.pid) n FROM welfare.cert w JOIN home USING (pid) GROUP BY ALL ORDER BY ALL;
-- UC11c months with a claim per person / 一人あたりの請求月数
WITH m AS (SELECT w.pid, w.support_level, count(DISTINCT r.service_ym) mm FROM welfare.cert w LEFT JOIN ndb.rcpt r ON r.pid = w.pid GROUP BY ALL)
SELECT support_level, least(mm, 5) mm, count(*) n FROM m GROUP BY ALL ORDER BY ALL;
