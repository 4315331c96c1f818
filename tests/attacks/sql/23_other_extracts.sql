-- attack: [45] a version by its name
-- code: query.node
-- form: rows
SELECT * FROM "v-81c2/2".nafld.patients
-- twin: rows
SELECT * FROM nafld.patients

-- attack: [45] a version in time
-- code: query.node
-- form: rows
SELECT * FROM nafld.patients AT (VERSION => 1)
-- twin: rows
SELECT * FROM nafld.patients

-- attack: [45] as of a time
-- code: query.node
-- form: rows
SELECT * FROM nafld.patients FOR SYSTEM_TIME AS OF '2020-01-01'
-- twin: rows
SELECT * FROM nafld.patients WHERE entry < '2020-01-01'

-- attack: [45] another catalog
-- code: query.node
-- form: rows
SELECT * FROM other.nafld.patients
-- twin: rows
SELECT * FROM nafld.patients

-- attack: [45] the engine's own catalog name
-- code: query.node
-- form: rows
SELECT * FROM held.nafld.patients
-- twin: rows
SELECT * FROM nafld.patients

-- attack: [46] databases that are not linked, in a subquery
-- code: query.not_linked
-- form: rows
SELECT count(*) FROM nafld.patients WHERE pid IN (SELECT pid FROM apart.registry)
-- twin: rows
SELECT count(*) FROM nafld.patients WHERE pid IN (SELECT pid FROM claims.visits)

-- attack: [46] databases that are not linked, in a union
-- code: query.not_linked
-- form: rows
SELECT pid FROM nafld.patients UNION SELECT pid FROM apart.registry
-- twin: rows
SELECT pid FROM nafld.patients UNION SELECT pid FROM claims.visits

-- attack: [46] databases that are not linked, in a step
-- code: query.not_linked
-- form: rows
WITH r AS (SELECT pid FROM apart.registry) SELECT count(*) FROM r JOIN nafld.patients USING (pid)
-- twin: rows
WITH r AS (SELECT pid FROM claims.visits) SELECT count(*) FROM r JOIN nafld.patients USING (pid)

-- attack: [46] databases that are not linked, in EXISTS
-- code: query.not_linked
-- form: rows
SELECT pid FROM nafld.patients p WHERE EXISTS (SELECT 1 FROM apart.registry r WHERE r.stage = p.age)
-- twin: rows
SELECT pid FROM nafld.patients p WHERE EXISTS (SELECT 1 FROM claims.visits r WHERE r.pid = p.pid)

-- attack: [46] another project's database
-- code: query.table_unknown
-- form: rows
SELECT * FROM project_b.patients
-- twin: rows
SELECT * FROM nafld.patients

-- attack: [46] databases that are not linked, by a list
-- code: query.not_linked
-- form: rows
SELECT count(*) FROM nafld.patients, apart.registry, area.bands
-- twin: rows
SELECT count(*) FROM nafld.patients, area.bands
