-- attack: zero width space in a name
-- code: query.format_character
-- form: rows
SELECT * FROM secret{U+200B}.people
-- twin: rows
SELECT * FROM nafld.patients

-- attack: word joiner in a name
-- code: query.format_character
-- form: rows
SELECT * FROM secret{U+2060}.people
-- twin: rows
SELECT * FROM nafld.patients

-- attack: byte order mark in a name
-- code: query.format_character
-- form: rows
SELECT * FROM secret{U+FEFF}.people
-- twin: rows
SELECT * FROM nafld.patients

-- attack: soft hyphen in a name
-- code: query.format_character
-- form: rows
SELECT * FROM secret{U+00AD}.people
-- twin: rows
SELECT * FROM nafld.patients

-- attack: right-to-left override in a name
-- code: query.format_character
-- form: rows
SELECT * FROM secret{U+202E}.people
-- twin: rows
SELECT * FROM nafld.patients

-- attack: nul in a name
-- code: query.format_character
-- form: rows
SELECT * FROM secret{U+0000}.people
-- twin: rows
SELECT * FROM nafld.patients

-- attack: no-break space between words
-- code: query.format_character
-- form: rows
SELECT{U+00A0}age FROM nafld.patients
-- twin: rows
SELECT age FROM nafld.patients

-- attack: ideographic space between words
-- code: query.format_character
-- form: rows
SELECT age{U+3000}FROM nafld.patients
-- twin: rows
SELECT age, '肝臓{U+3000}線維化' AS label FROM nafld.patients

-- attack: zero width space in a text
-- code: query.format_character
-- form: rows
SELECT 'a{U+200B}b' AS t
-- twin: rows
SELECT 'a b' AS t

