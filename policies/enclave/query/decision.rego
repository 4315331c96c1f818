# METADATA
# title: May this question be answered?
# description: >-
#   One decision per question. Input: facts of the statement, permit, session, what was used today
#   (enclave/query/authorise.py; examples/query_*.json). The yes carries the parameters of every rule set that binds.
package enclave.query

import data.enclave.disclosure.binding
import data.enclave.permit
import data.enclave.question

# METADATA
# description: The answer; anything but `allow` being true is a no.
# entrypoint: true
decision := {"allow": count(deny) == 0, "deny": deny, "obligations": obligations}

# -- a whole question --------------------------------------------------------------------------------------------------

# METADATA
# description: A fact that is left out could have been the reason of a no.
deny contains "policy.input_incomplete" if not complete

complete if {
	question.instant(input.now)
	question.text(input.session.person)
	question.text(input.session.project)
	question.text(input.session.permit)
	question.text(input.permit.permit_id)
	question.text(input.tier)
	is_boolean(input.extract.blocks)
	question.texts(input.facts.functions)
	tables_complete
	keys_complete
}

tables_complete if {
	is_array(input.facts.tables)
	every use in input.facts.tables {
		question.text(use.database)
		question.text(use.table)
		question.texts(use.columns)
		is_boolean(use.person)
		is_boolean(use.reference)
	}
	is_array(input.facts.databases)
	{use.database | some use in input.facts.tables} == {database | some database in input.facts.databases}
}

keys_complete if {
	is_array(input.facts.keys)
	every key in input.facts.keys {
		is_boolean(key.identifies)
		question.texts(key.roles)
		form_of_key_known(key)
	}
}

form_of_key_known(key) if key.bare == false

form_of_key_known(key) if {
	key.bare == true
	question.text(key.type)
}

# -- permit and session ------------------------------------------------------------------------------------------------

# METADATA
# description: A permit is used between its dates only.
deny contains code if some code in permit.not_in_force

# METADATA
# description: Only a handler asks.
deny contains "permit.not_handler" if not person_is_handler

person_is_handler if permit.handler(input.session.person)

# METADATA
# description: >-
#   The session was opened for this project and under this permit and revision, or under an earlier one from which this one
#   differs in nothing but its limits.
deny contains "session.permit_changed" if not session_matches

session_matches if {
	input.session.project == input.permit.project
	input.session.permit == input.permit.reference
}

session_matches if {
	input.session.project == input.permit.project
	input.session.carried == true
	every reference in [input.session.permit, input.permit.reference] {
		startswith(reference, sprintf("%s@", [input.permit.permit_id]))
	}
}

# METADATA
# description: The extract was built for this permit.
deny contains "query.extract_differs" if not extract_matches

extract_matches if startswith(input.extract.permit, sprintf("%s@", [input.permit.permit_id]))

# -- tier and form -----------------------------------------------------------------------------------------------------

# METADATA
# description: A call may narrow its tier, never widen it.
deny contains "query.tier_wider" if not tier_within_permit

tier_within_permit if {
	input.permit.tier == "record"
	input.tier in {"record", "aggregate"}
}

tier_within_permit if {
	input.permit.tier == "aggregate"
	input.tier == "aggregate"
}

# METADATA
# description: Records are seen in the record tier only.
deny contains "query.tier_rows" if not form_within_tier

form_within_tier if input.form == "table"

form_within_tier if {
	input.form == "rows"
	input.tier == "record"
}

# METADATA
# description: Without blocks in the extract, thresholds alone would protect nobody from an adaptive question.
deny contains "query.aggregate_unprepared" if not tier_prepared

tier_prepared if input.permit.tier == "record"

tier_prepared if input.extract.blocks == true

# -- what is asked -----------------------------------------------------------------------------------------------------

# METADATA
# description: Tables of the permit, and public ones that explain its codes.
deny contains "query.table_not_permitted" if {
	some use in input.facts.tables
	not table_permitted(use)
}

table_permitted(use) if question.some_texts(input.permit.databases[use.database][use.table])

table_permitted(use) if explains(use)

# METADATA
# description: A list of codes or places that custody put into the extract; nobody's data.
explains(use) if {
	use.reference == true
	use.person == false
}

# METADATA
# description: Columns of the permit only.
deny contains "query.column_not_permitted" if {
	some use in input.facts.tables
	some column in use.columns
	not column_permitted(use, column)
}

column_permitted(use, column) if column in input.permit.databases[use.database][use.table]

column_permitted(use, _) if explains(use)

# The pseudonym joins and counts persons in every table, but is itself shown only where the permit shows it.
column_permitted(use, column) if {
	column == "pid"
	input.form == "table"
	use.person == true
}

# METADATA
# description: Functions of the grammar only; the gateway closes the grammar too, and both must agree.
deny contains "query.function" if {
	some function in input.facts.functions
	not function in data.grammar.functions
}

# METADATA
# description: Databases of persons are joined only where the permit links them.
deny contains "query.not_linked" if not linked

linked if count(person_databases) <= 1

linked if {
	some group in input.permit.linkage_groups
	every database in person_databases {
		database in group
	}
}

person_databases := {use.database | some use in input.facts.tables; use.person == true}

# METADATA
# description: A cell named by a person identifier is a person.
deny contains "query.key_identifies" if {
	some key in input.facts.keys
	identifies(key)
}

identifies(key) if key.identifies == true

identifies(key) if "person" in key.roles

# METADATA
# description: An unrounded measurement as a key makes nearly every person a cell of their own.
deny contains "query.key_continuous" if {
	some key in input.facts.keys
	key.bare == true
	key.type in {"FLOAT", "DOUBLE"}
}

# -- budgets -----------------------------------------------------------------------------------------------------------

# METADATA
# description: A budget of the day that is used up ends the day's questions; only a limit that is said to be null is none.
deny contains sprintf("query.budget_%s", [kind]) if {
	some kind in {"queries", "rows", "bytes"}
	not budget_left(kind)
}

budget_left(kind) if {
	question.whole(input.used[kind])
	budget(kind) == null
}

budget_left(kind) if {
	question.whole(input.used[kind])
	question.whole(budget(kind))
	input.used[kind] < budget(kind)
}

budget(kind) := input.permit.limits[sprintf("%s_day", [kind])]

# -- rule sets ---------------------------------------------------------------------------------------------------------

# METADATA
# description: Every database asked about is covered by a rule set in force.
deny contains "query.rule_set_missing" if not covered

covered if binding.covered(bound, protected)

# METADATA
# description: The databases asked about whose rows are not public; a question about none is bound by every set of its permit.
protected := {use.database | some use in input.facts.tables; not explains(use)}

bound := binding.of({id: data.data[id] | some id in input.permit.rule_sets}, protected, input.now)

default obligations := {}

# METADATA
# description: What the answer is bound to - rule sets with their parameters, and what is left of the day's budgets.
obligations := object.union({"rule_sets": bound, "tier": input.tier}, left) if complete

left[name] := number if {
	some kind in {"rows", "bytes"}
	name := sprintf("max_%s", [kind])
	is_number(budget(kind))
	number := budget(kind) - input.used[kind]
}
