-- attack: [10] max_by as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, max_by(status, age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, sum(status) AS x FROM nafld.patients GROUP BY male

-- attack: [10] min_by as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, min_by(bmi, age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(bmi) AS x FROM nafld.patients GROUP BY male

-- attack: [10] argmax as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, argmax(futime, bmi) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(futime) AS x FROM nafld.patients GROUP BY male

-- attack: [10] last as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, last(status) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(status) AS x FROM nafld.patients GROUP BY male

-- attack: [10] max with a number as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, max(futime, 3) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, sum(futime) AS x FROM nafld.patients GROUP BY male

-- attack: [10] min filtered as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, min(age) FILTER (WHERE status = 1) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(age) FILTER (WHERE status = 0) AS x FROM nafld.patients GROUP BY male

-- attack: [10] max of an expression as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, max(futime * 2) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, sum(futime * 2) AS x FROM nafld.patients GROUP BY male

-- attack: [10] first ordered as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, first(futime ORDER BY age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, sum(futime) AS x FROM nafld.patients GROUP BY male

-- attack: [10] bool_and as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, bool_and(status = 0) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count_if(status = 0) AS x FROM nafld.patients GROUP BY male

-- attack: [10] max distinct as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, max(DISTINCT age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(DISTINCT age) AS x FROM nafld.patients GROUP BY male

-- attack: [11] array_agg as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, array_agg(status) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(status) AS x FROM nafld.patients GROUP BY male

-- attack: [11] group_concat as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, group_concat(age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(age) AS x FROM nafld.patients GROUP BY male

-- attack: [11] listagg as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, listagg(age, ',') AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, sum(age) AS x FROM nafld.patients GROUP BY male

-- attack: [11] list distinct as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, list(DISTINCT status) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(DISTINCT status) AS x FROM nafld.patients GROUP BY male

-- attack: [11] list ordered as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, list(status ORDER BY age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, sum(status) AS x FROM nafld.patients GROUP BY male

-- attack: [11] a list's length as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, len(list(status)) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(status) AS x FROM nafld.patients GROUP BY male

-- attack: [11] a member of a list as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, list_contains(list(age), 42) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count_if(age > 42) AS x FROM nafld.patients GROUP BY male

-- attack: [11] the first of a list as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, list_extract(list(age ORDER BY age), 1) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(age) AS x FROM nafld.patients GROUP BY male

-- attack: [11] a list as text as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, array_to_string(list(age), ',') AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, sum(age) AS x FROM nafld.patients GROUP BY male

-- attack: [12] quantile as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, quantile(bmi, 0) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(bmi) AS x FROM nafld.patients GROUP BY male

-- attack: [12] quantile_disc as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, quantile_disc(futime, 0.9999) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(futime) AS x FROM nafld.patients GROUP BY male

-- attack: [12] percentile_cont as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, percentile_cont(0.0001) WITHIN GROUP (ORDER BY bmi) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(bmi) AS x FROM nafld.patients GROUP BY male

-- attack: [12] percentile_disc as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, percentile_disc(1) WITHIN GROUP (ORDER BY bmi) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, stddev(bmi) AS x FROM nafld.patients GROUP BY male

-- attack: [12] a list of quantiles as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, quantile_cont(bmi, [0, 1]) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, variance(bmi) AS x FROM nafld.patients GROUP BY male

-- attack: [12] median filtered as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, median(bmi) FILTER (WHERE age > 50) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(bmi) FILTER (WHERE age > 50) AS x FROM nafld.patients GROUP BY male

-- attack: [12] mad as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, mad(bmi) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, stddev_pop(bmi) AS x FROM nafld.patients GROUP BY male

-- attack: [21] regr_intercept as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, regr_intercept(status, age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(status) AS x FROM nafld.patients GROUP BY male

-- attack: [21] covar_samp as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, covar_samp(status, age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, sum(status) AS x FROM nafld.patients GROUP BY male

-- attack: [21] covar_pop as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, covar_pop(futime, age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, sum(futime) AS x FROM nafld.patients GROUP BY male

-- attack: [21] corr as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, corr(status, age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(age) AS x FROM nafld.patients GROUP BY male

-- attack: [21] regr_r2 as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, regr_r2(status, age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, variance(age) AS x FROM nafld.patients GROUP BY male

-- attack: [21] regr_avgx as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, regr_avgx(status, age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(age) AS x FROM nafld.patients GROUP BY male

-- attack: [21] regr_sxy as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, regr_sxy(status, age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, sum(age) AS x FROM nafld.patients GROUP BY male

-- attack: [21] regr_count as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, regr_count(bmi, age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(bmi) AS x FROM nafld.patients GROUP BY male

-- attack: [23] skewness as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, skewness(bmi) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(bmi) AS x FROM nafld.patients GROUP BY male

-- attack: [23] sem as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, sem(bmi) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(bmi) AS x FROM nafld.patients GROUP BY male

-- attack: [23] geomean as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, geomean(bmi) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(bmi) AS x FROM nafld.patients GROUP BY male

-- attack: [23] mean by its other name as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, mean(bmi) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(bmi) AS x FROM nafld.patients GROUP BY male

-- attack: [11] histogram
-- code: query.function
-- form: table
SELECT male, histogram(status) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(status) AS x FROM nafld.patients GROUP BY male

-- attack: [11] approx_top_k
-- code: query.function
-- form: table
SELECT male, approx_top_k(age, 3) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(age) AS x FROM nafld.patients GROUP BY male

-- attack: [11] unnest
-- code: query.function
-- form: table
SELECT male, unnest(list(status)) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(status) AS x FROM nafld.patients GROUP BY male

-- attack: [11] map
-- code: query.function
-- form: table
SELECT male, map([1], [1]) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(*) AS x FROM nafld.patients GROUP BY male

-- attack: [22] bit_or
-- code: query.function
-- form: table
SELECT male, bit_or(age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, sum(age) AS x FROM nafld.patients GROUP BY male

-- attack: [22] bit_and
-- code: query.function
-- form: table
SELECT male, bit_and(age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(age) AS x FROM nafld.patients GROUP BY male

-- attack: [22] bit_xor of hash
-- code: query.function
-- form: table
SELECT male, bit_xor(hash(age)) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(DISTINCT age) AS x FROM nafld.patients GROUP BY male

-- attack: [22] product
-- code: query.function
-- form: table
SELECT male, product(age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, sum(age) AS x FROM nafld.patients GROUP BY male

-- attack: [23] entropy
-- code: query.function
-- form: table
SELECT male, entropy(status) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, variance(status) AS x FROM nafld.patients GROUP BY male

-- attack: [27] approx_count_distinct
-- code: query.function
-- form: table
SELECT male, approx_count_distinct(pid) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(DISTINCT pid) AS x FROM nafld.patients GROUP BY male

-- attack: [27] approx_quantile
-- code: query.function
-- form: table
SELECT male, approx_quantile(bmi, 0.5) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(bmi) AS x FROM nafld.patients GROUP BY male

-- attack: [27] reservoir_quantile
-- code: query.function
-- form: table
SELECT male, reservoir_quantile(bmi, 0.5) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(bmi) AS x FROM nafld.patients GROUP BY male

-- attack: [22] bitstring_agg
-- code: query.function
-- form: table
SELECT male, bitstring_agg(age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(age) AS x FROM nafld.patients GROUP BY male

-- attack: [22] sum of md5
-- code: query.function
-- form: table
SELECT male, sum(md5_number(CAST(age AS VARCHAR))) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, sum(age) AS x FROM nafld.patients GROUP BY male

-- attack: [23] kurtosis_pop
-- code: query.function
-- form: table
SELECT male, kurtosis_pop(bmi) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, stddev_pop(bmi) AS x FROM nafld.patients GROUP BY male

-- attack: [22] bit_count
-- code: query.function
-- form: table
SELECT male, sum(bit_count(age)) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, sum(age) AS x FROM nafld.patients GROUP BY male

-- attack: [11] a list literal of columns
-- code: query.node
-- form: rows
SELECT [pid, age] AS x FROM nafld.patients
-- twin: rows
SELECT pid, age FROM nafld.patients WHERE list_contains([1, 2], age % 3)
