# METADATA
# title: May custody act?
# description: >-
#   Actions: database.register, person.withdraw, person.trace, extract.build, extract.open, extract.erase,
#   provision.report, release.examine, release.conclude, release.enter, release.list.
#   Input: enclave/adapters/custodian.py; examples/custody_*.json.
package enclave.custody

import data.enclave.permit
import data.enclave.question

# METADATA
# description: The answer; anything but `allow` being true is a no.
# entrypoint: true
decision := {"allow": count(deny) == 0, "deny": deny, "obligations": {}}

# METADATA
# description: Who acts, through which service and when, is always said.
deny contains "policy.input_incomplete" if not complete

complete if {
	question.instant(input.now)
	question.text(input.caller)
	question.text(input.actor.person)
	question.text(input.actor.role)
}

# METADATA
# description: An action is allowed to whom it belongs, and an unknown one to nobody.
deny contains "custody.not_allowed" if not role_allows

role_allows if {
	input.action in {
		"database.register", "person.withdraw", "person.trace",
		"extract.build", "extract.erase", "provision.report",
		"release.enter", "release.list",
	}
	input.actor.role == "custodian"
}

# The command line of the machine's keeper stands in for the custodian's hands; it sees no data.
role_allows if {
	input.action in {"database.register", "extract.build", "extract.erase"}
	input.caller == "operator"
	input.actor.role in {"operator", "service"}
}

role_allows if {
	input.action == "extract.open"
	input.caller == "gateway"
	input.actor.role in {"handler", "service"}
}

role_allows if {
	input.action == "release.examine"
	input.caller == "gateway"
	input.actor.role in {"handler", "service"}
}

# The last checker's vote is what releases.
role_allows if {
	input.action == "release.conclude"
	input.caller == "portal"
	input.actor.role == "checker"
}

# METADATA
# description: An extract is built and opened, and its numbers are examined for release, under a permit in force.
deny contains code if {
	input.action in {"extract.build", "extract.open", "release.examine"}
	some code in permit.not_in_force
}

# METADATA
# description: An extract is opened, and its numbers are examined for release, for a handler.
deny contains "permit.not_handler" if {
	input.action in {"extract.open", "release.examine"}
	not opener_is_handler
}

opener_is_handler if permit.handler(input.actor.person)

opener_is_handler if {
	input.actor.role == "service"
	input.actor.person == input.caller
}

# METADATA
# description: The extract that is opened belongs to the permit.
deny contains "custody.extract_stale" if {
	input.action == "extract.open"
	not extract_matches
}

extract_matches if {
	question.text(input.permit.permit_id)
	question.text(input.permit.provision)
	input.extract.permit_id == input.permit.permit_id
	input.extract.provision == input.permit.provision
}

# METADATA
# description: A custodian builds no extract that they will use.
deny contains "custody.own_project" if {
	input.action == "extract.build"
	not builder_apart
}

builder_apart if {
	question.some_texts(input.permit.handlers)
	not input.actor.person in input.permit.handlers
}

# METADATA
# description: An erasure names what is erased.
deny contains "policy.input_incomplete" if {
	input.action == "extract.erase"
	not provision_named
}

provision_named if question.text(input.provision)
