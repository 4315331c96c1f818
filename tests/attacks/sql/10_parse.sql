-- attack: unbalanced
-- code: query.syntax
-- form: rows
SELECT (1
-- twin: rows
SELECT (1)

-- attack: two froms
-- code: query.node
-- form: rows
SELECT a FROM FROM b
-- twin: rows
SELECT age FROM patients

-- attack: dangling operator
-- code: query.syntax
-- form: rows
SELECT 1 +
-- twin: rows
SELECT 1 + 1

-- attack: unclosed text
-- code: query.syntax
-- form: rows
SELECT 'abc
-- twin: rows
SELECT 'abc'

-- attack: empty
-- code: query.syntax
-- form: rows
   
-- twin: rows
SELECT 1

-- attack: only a comment
-- code: query.syntax
-- form: rows
-- nothing
-- twin: rows
SELECT 1 -- something

-- attack: no columns
-- code: query.syntax
-- form: rows
SELECT FROM patients
-- twin: rows
SELECT age FROM patients

-- attack: keyword soup
-- code: query.syntax
-- form: rows
SELECT WHERE GROUP
-- twin: rows
SELECT 1 WHERE true

