# METADATA
# title: What may be asked for together
# description: >-
#   Steps: submit, grant (both: links, columns and data sets of an application), look (the form asks while someone fills
#   it in). Input: enclave/application/linkage.py, dataset.py; examples/application_*.json. Days are ISO dates.
package enclave.application

import data.enclave.question

# METADATA
# description: The answer; anything but `allow` being true is a no. The obligations say what is not permitted.
# entrypoint: true
decision := {"allow": count(deny) == 0, "deny": deny, "obligations": obligations}

obligations := {"pairs": refused_pairs, "apart": refused_apart, "sets": refused_sets}

# METADATA
# description: A step that is not known is a no.
deny contains "application.state" if not step_known

step_known if input.step in {"submit", "grant", "look"}

# METADATA
# description: A question that leaves out what it is about is a no.
deny contains "policy.input_incomplete" if not complete

complete if {
	question.day(input.at)
	is_array(input.pairs)
	every asked in input.pairs {
		question.some_texts(asked.pair)
		is_boolean(asked.one_register)
		dated(asked.rows)
		dated(asked.alone)
	}
	is_array(input.apart)
	every one in input.apart {
		question.texts(one.when)
		question.texts(one.hide)
	}
	input.tier in {"record", "aggregate"}
	is_array(input.sets)
	every asked in input.sets {
		question.text(asked.database)
		question.text(asked.set)
		dated(asked.rows)
		is_boolean(asked.here)
		question.texts(asked.lacking)
		asked.tier in {null, "record", "aggregate"}
		bound(asked.axes)
		bound(asked.outputs)
	}
	is_array(input.outputs)
	every one in input.outputs {
		question.text(one.id)
		question.whole(one.axes)
	}
}

# A bound of nothing would be a bound that nobody set.
bound(number) if number == null

bound(number) if {
	question.whole(number)
	number > 0
}

# Rows whose days cannot be read would neither allow a pair nor keep one of the two alone.
dated(rows) if {
	is_array(rows)
	every row in rows {
		question.day(row.valid_from)
		ends(row)
	}
}

ends(row) if row.valid_to == null

ends(row) if question.day(row.valid_to)

# -- linkage -----------------------------------------------------------------------------------------------------------

# METADATA
# description: Databases are linked where a row of the matrix allows it on that day.
deny contains "application.linkage_not_permitted" if count(refused_pairs) > 0

refused_pairs contains asked.pair if {
	some asked in input.pairs
	not permitted(asked)
}

# METADATA
# description: The matrix allows the pair, and neither database stands alone.
permitted(asked) if {
	is_array(asked.alone)
	not stands_alone(asked)
	some row in asked.rows
	in_force(row)
}

# METADATA
# description: Two databases that an operator registered over one register of persons.
permitted(asked) if asked.one_register == true

stands_alone(asked) if {
	some row in asked.alone
	in_force(row)
}

in_force(row) if {
	question.day(row.valid_from) <= question.day(input.at)
	goes_on(row)
}

goes_on(row) if row.valid_to == null

goes_on(row) if question.day(input.at) < question.day(row.valid_to)

# -- columns -----------------------------------------------------------------------------------------------------------

# METADATA
# description: Whoever is given a column of `when` is given none of `hide`.
deny contains "application.columns_apart" if count(refused_apart) > 0

refused_apart contains {"when": asked.when, "hide": asked.hide} if {
	some asked in input.apart
	count(asked.when) > 0
	count(asked.hide) > 0
}

# -- data sets ---------------------------------------------------------------------------------------------------------

# METADATA
# description: A database is asked for as a set that is given, here and on that day, within what the set holds.
deny contains one.code if some one in refused_sets

refused_sets contains {"database": asked.database, "code": "application.dataset_not_open"} if {
	some asked in input.sets
	not open(asked)
}

open(asked) if {
	some row in asked.rows
	in_force(row)
}

refused_sets contains {"database": asked.database, "code": "application.dataset_not_here"} if {
	some asked in input.sets
	asked.here == false
}

refused_sets contains {"database": asked.database, "code": "application.dataset_columns"} if {
	some asked in input.sets
	count(asked.lacking) > 0
}

refused_sets contains {"database": asked.database, "code": "application.dataset_tier"} if {
	some asked in input.sets
	question.text(asked.tier)
	asked.tier != input.tier
}

refused_sets contains {"database": asked.database, "code": "application.dataset_axes"} if {
	some asked in input.sets
	some output in input.outputs
	output.axes > asked.axes
	question.whole(asked.axes)
}

refused_sets contains {"database": asked.database, "code": "application.dataset_outputs"} if {
	some asked in input.sets
	count(input.outputs) > asked.outputs
	question.whole(asked.outputs)
}
