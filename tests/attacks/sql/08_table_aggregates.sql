-- attack: min as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, min(bmi) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, avg(bmi) AS x FROM nafld.patients GROUP BY male

-- attack: max as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, max(age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, sum(age) AS x FROM nafld.patients GROUP BY male

-- attack: arg_min as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, arg_min(status, age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count_if(status = 1) AS x FROM nafld.patients GROUP BY male

-- attack: any_value as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, any_value(status) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(status) AS x FROM nafld.patients GROUP BY male

-- attack: first as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, first(status) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(*) AS x FROM nafld.patients GROUP BY male

-- attack: median as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, median(bmi) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, stddev(bmi) AS x FROM nafld.patients GROUP BY male

-- attack: quantile_cont as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, quantile_cont(bmi, 0.0001) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, variance(bmi) AS x FROM nafld.patients GROUP BY male

-- attack: mode as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, mode(status) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(DISTINCT status) AS x FROM nafld.patients GROUP BY male

-- attack: string_agg as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, string_agg(status, ',') AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(DISTINCT pid) AS x FROM nafld.patients GROUP BY male

-- attack: list as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, list(status) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, stddev_pop(age) AS x FROM nafld.patients GROUP BY male

-- attack: regr_slope as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, regr_slope(status, age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, var_pop(age) AS x FROM nafld.patients GROUP BY male

-- attack: bool_or as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, bool_or(status = 1) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(*) FILTER (status = 1) AS x FROM nafld.patients GROUP BY male

-- attack: count as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, count(DISTINCT pid, status) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, count(DISTINCT age) AS x FROM nafld.patients GROUP BY male

-- attack: kurtosis as a cell
-- code: query.table_aggregate
-- form: table
SELECT male, kurtosis(age) AS x FROM nafld.patients GROUP BY male
-- twin: table
SELECT male, stddev_samp(age) AS x FROM nafld.patients GROUP BY male

