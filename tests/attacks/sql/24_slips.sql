-- attack: a word spelled wrongly / 単語の綴りの誤り
-- code: query.syntax
-- form: rows
SELECT pid, age FORM patients WHERE age >= 65
-- twin: rows
SELECT pid, age FROM patients WHERE age >= 65

-- attack: a bracket left open / かっこの閉じ忘れ
-- code: query.syntax
-- form: rows
SELECT male, round(avg(bmi, 1) AS bmi FROM patients GROUP BY male
-- twin: rows
SELECT male, round(avg(bmi), 1) AS bmi FROM patients GROUP BY male

-- attack: a table of one's own / 自分の表を作る
-- code: query.statement
-- form: rows
CREATE TABLE cohort AS SELECT pid, age FROM patients WHERE age >= 65
-- twin: rows
WITH cohort AS (SELECT pid, age FROM patients WHERE age >= 65)
SELECT event, count(DISTINCT pid) AS n FROM cohort JOIN events USING (pid) GROUP BY event

-- attack: two statements at once / 一度に二つの文
-- code: query.statement
-- form: rows
SELECT count(*) AS n FROM patients; SELECT count(*) AS m FROM events
-- twin: rows
SELECT (SELECT count(*) FROM patients) AS n, (SELECT count(*) FROM events) AS m

-- attack: today's date / 今日の日付
-- code: query.function
-- form: rows
SELECT pid, date_diff('year', entry, current_date) AS years FROM patients
-- twin: rows
SELECT pid, date_diff('year', entry, DATE '2026-04-01') AS years FROM patients

-- attack: an approximation of what is counted exactly / 正確に数えられるものの近似
-- code: query.function
-- form: rows
SELECT test, approx_count_distinct(pid) AS n FROM labs GROUP BY test
-- twin: rows
SELECT test, count(DISTINCT pid) AS n FROM labs GROUP BY test

-- attack: a sample by chance / 無作為抽出
-- code: query.node
-- form: rows
SELECT pid, age FROM patients TABLESAMPLE 10%
-- twin: rows
SELECT pid, age FROM patients WHERE pid % 10 = 3

-- attack: columns made of values / 値から列を作る
-- code: query.node
-- form: rows
SELECT * FROM labs PIVOT (avg(value) FOR test IN ('hdl', 'chol'))
-- twin: rows
SELECT pid, avg(value) FILTER (test = 'hdl') AS hdl, avg(value) FILTER (test = 'chol') AS chol FROM labs GROUP BY pid

-- attack: a wide space between words / 語の間の全角空白
-- code: query.format_character
-- form: rows
SELECT age,{U+3000}bmi FROM patients
-- twin: rows
SELECT age, bmi FROM patients

-- attack: more rows than a list may have / 一覧の上限を超える行
-- code: query.limit_list
-- form: rows
SELECT count(*) AS n FROM range(1000000) AS t(i)
-- twin: rows
SELECT count(*) AS n FROM range(3650) AS t(i)

-- attack: a parameter without a value / 値のないパラメータ
-- code: query.parameter
-- form: rows
SELECT count(*) AS n FROM patients WHERE age >= $low
-- twin: rows
SELECT count(*) AS n FROM patients WHERE age >= 65

-- attack: the name of a status / 状態の列と同じ名前
-- code: query.name_taken
-- form: table
SELECT male, count(*) AS n, sum(status) AS n_status FROM patients GROUP BY male
-- twin: table
SELECT male, count(*) AS n, sum(status) AS deaths FROM patients GROUP BY male

-- attack: a table spelled wrongly / 表の名前の誤り
-- code: query.table_unknown
-- form: rows
SELECT count(*) AS n FROM patient
-- twin: rows
SELECT count(*) AS n FROM patients

-- attack: a table that was not applied for / 申出に含まれない表
-- code: query.table_not_permitted
-- form: rows
SELECT note FROM nafld.notes
-- twin: rows
SELECT event FROM nafld.events

-- attack: a column that was not applied for / 申出に含まれない列
-- code: query.column_not_permitted
-- form: rows
SELECT male, avg(weight) AS weight FROM patients GROUP BY male
-- twin: rows
SELECT male, avg(bmi) AS bmi FROM patients GROUP BY male

-- attack: a column of two tables / 二つの表にある列
-- code: query.column_ambiguous
-- form: rows
SELECT pid, days FROM events JOIN labs USING (pid)
-- twin: rows
SELECT pid, e.days FROM events e JOIN labs l USING (pid)

-- attack: databases that are side by side, not linked / 連結が認められていないデータベース
-- code: query.not_linked
-- form: rows
SELECT r.stage, avg(p.bmi) AS bmi FROM patients p JOIN apart.registry r USING (pid) GROUP BY r.stage
-- twin: rows
SELECT v.icd10, avg(p.bmi) AS bmi FROM patients p JOIN claims.visits v USING (pid) GROUP BY v.icd10

-- attack: a text that is no number / 数でない文字列
-- code: query.value
-- form: rows
SELECT CAST(test AS INTEGER) AS code FROM labs
-- twin: rows
SELECT TRY_CAST(test AS INTEGER) AS code FROM labs

-- attack: a column neither grouped nor aggregated / 集計もグループ化もしていない列
-- code: query.types
-- form: rows
SELECT male, age, count(*) AS n FROM patients GROUP BY male
-- twin: rows
SELECT male, age // 10 * 10 AS age10, count(*) AS n FROM patients GROUP BY ALL

-- attack: records in place of cells / 集計ではなく個々の行
-- code: query.table_shape
-- form: table
SELECT age, bmi FROM patients
-- twin: table
SELECT age // 20 * 20 AS age20, avg(bmi) AS bmi FROM patients GROUP BY ALL

-- attack: a key that is not shown / 出力していない項目
-- code: query.table_shape
-- form: table
SELECT count(*) AS n FROM patients GROUP BY male
-- twin: table
SELECT male, count(*) AS n FROM patients GROUP BY male

-- attack: only the large cells / 大きいセルだけ
-- code: query.table_having
-- form: table
SELECT age // 20 * 20 AS age20, count(*) AS n FROM patients GROUP BY 1 HAVING count(*) >= 10
-- twin: table
SELECT age // 20 * 20 AS age20, count(*) AS n FROM patients GROUP BY 1

-- attack: the first lines / 最初の数行
-- code: query.table_limit
-- form: table
SELECT test, count(*) AS n FROM labs GROUP BY test ORDER BY test LIMIT 10
-- twin: table
SELECT test, count(*) AS n FROM labs GROUP BY test ORDER BY test

-- attack: values without a count / 件数のない値の一覧
-- code: query.table_distinct
-- form: table
SELECT DISTINCT event FROM events
-- twin: table
SELECT event, count(DISTINCT pid) AS n FROM events GROUP BY event

-- attack: shares by a window / ウィンドウ関数による割合
-- code: query.table_window
-- form: table
SELECT male, count(*) * 100.0 / sum(count(*)) OVER () AS pct FROM patients GROUP BY male
-- twin: table
SELECT male, count(*) AS n FROM patients GROUP BY ROLLUP (male)

-- attack: the most frequent first / 多い順
-- code: query.table_order
-- form: table
SELECT event, count(DISTINCT pid) AS n FROM events GROUP BY event ORDER BY n DESC
-- twin: table
SELECT event, count(DISTINCT pid) AS n FROM events GROUP BY event ORDER BY event

-- attack: a median as a cell / 中央値のセル
-- code: query.table_aggregate
-- form: table
SELECT male, median(bmi) AS bmi FROM patients GROUP BY male
-- twin: table
SELECT male, avg(bmi) AS mean, stddev(bmi) AS sd FROM patients GROUP BY male

-- attack: the youngest and the oldest / 最小と最大
-- code: query.table_aggregate
-- form: table
SELECT event, min(days) AS first, max(days) AS last FROM events GROUP BY event
-- twin: table
SELECT event, days // 2500 * 2500 AS days2500, count(DISTINCT pid) AS n FROM events GROUP BY ALL

-- attack: a step that forgets the person / 人を残さない途中の集計
-- code: query.person_unknown
-- form: table
WITH m AS (SELECT days // 1000 AS k, count(*) AS tests FROM labs GROUP BY k)
SELECT least(tests, 5) AS tests, count(*) AS n FROM m GROUP BY ALL
-- twin: table
WITH m AS (SELECT pid, count(*) AS tests FROM labs GROUP BY pid)
SELECT CASE WHEN tests < 5 THEN '1-4' ELSE '5-' END AS tests, count(*) AS n FROM m GROUP BY ALL

-- attack: the counting within a step / 段階の中での集計
-- code: query.person_unknown
-- form: table
WITH t AS (SELECT male, count(*) AS n FROM patients GROUP BY male)
SELECT male, n FROM t
-- twin: table
SELECT male, count(*) AS n FROM patients GROUP BY male

-- attack: quarters of everybody / 全員での四分位
-- code: query.person_unknown
-- form: table
WITH q AS (SELECT pid, ntile(4) OVER (ORDER BY bmi) AS quarter FROM patients)
SELECT quarter, count(*) AS n FROM q GROUP BY quarter
-- twin: table
WITH q AS (SELECT pid, CASE WHEN bmi < 25 THEN 1 WHEN bmi < 32 THEN 2 WHEN bmi < 38 THEN 3 ELSE 4 END AS quarter FROM patients)
SELECT quarter, count(*) AS n FROM q GROUP BY quarter

-- attack: a line for each person / 一人一行
-- code: query.key_identifies
-- form: table
SELECT pid, count(*) AS tests FROM labs GROUP BY pid
-- twin: table
WITH m AS (SELECT pid, count(*) AS tests FROM labs GROUP BY pid)
SELECT CASE WHEN tests < 5 THEN '1-4' ELSE '5-' END AS tests, count(*) AS n FROM m GROUP BY ALL

-- attack: persons by their numbers / 番号で選んだ人
-- code: query.identifier_condition
-- form: table
SELECT male, count(*) AS n FROM patients WHERE pid NOT IN (4242, 4243) GROUP BY male
-- twin: table
SELECT male, count(*) AS n FROM patients WHERE pid NOT IN (SELECT pid FROM events WHERE event = 'htn') GROUP BY male

-- attack: a measurement as it stands / 測定値そのまま
-- code: query.key_continuous
-- form: table
SELECT bmi, count(*) AS n FROM patients GROUP BY bmi
-- twin: table
SELECT floor(bmi / 10) * 10 AS bmi10, count(*) AS n FROM patients GROUP BY ALL

-- attack: groups that are too fine / 細かすぎる区分
-- code: hidden
-- form: table
SELECT age, count(*) AS n FROM patients WHERE age BETWEEN 60 AND 64 GROUP BY age
-- twin: table
SELECT age // 20 * 20 AS age20, count(*) AS n FROM patients WHERE age BETWEEN 40 AND 79 GROUP BY ALL

-- attack: what a subtraction would tell / 引き算で分かること
-- code: hidden
-- form: table
SELECT count(*) AS n, count(*) FILTER (age <> 60) AS others FROM patients
-- twin: table
SELECT count(*) AS n, count(*) FILTER (age < 60) AS younger FROM patients
