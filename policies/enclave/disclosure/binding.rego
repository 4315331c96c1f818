# METADATA
# title: Which rule sets bind
# description: >-
#   A rule set binds where it is in force and covers a database that is asked about; about no database at all, every set in
#   force. The same as `binding` of enclave/disclosure/rules.py, which the commands without a policy server use.
package enclave.disclosure.binding

import data.enclave.question

# METADATA
# description: The sets (id to set) of `sets` that bind for questions about these databases at the moment `now` (RFC 3339).
of(sets, databases, now) := {id: rules |
	some id, rules in sets
	in_force(rules, now)
	concerns(rules, databases)
}

# METADATA
# description: Whether each database is covered by a set that binds, and there is one; what no rule protects is not shown.
covered(bound, databases) if {
	count(bound) > 0
	every database in databases {
		some rules in bound
		covers(rules, database)
	}
}

# METADATA
# description: Whether a set is in force - from the first day to the day before the last one (UTC), or without an end.
in_force(rules, now) if {
	question.day(rules.valid_from) <= question.instant(now)
	goes_on(rules, now)
}

goes_on(rules, _) if rules.valid_to == null

goes_on(rules, now) if question.instant(now) < question.day(rules.valid_to)

concerns(_, databases) if count(databases) == 0

concerns(rules, databases) if {
	some database in databases
	covers(rules, database)
}

# METADATA
# description: Whether a set says something of a database.
covers(rules, database) if {
	some name in rules.scope.databases
	name in {"*", database}
}
