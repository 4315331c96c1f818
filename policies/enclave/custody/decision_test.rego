# METADATA
# title: Tests of the decisions on custody
package enclave.custody_test

import data.enclave.custody

register := data.examples.custody_register

build := data.examples.custody_build

opening := data.examples.custody_open

denied(example, patches) := codes if {
	codes := custody.deny with input as json.patch(example, patches)
}

test_custody_examples_are_allowed if {
	every example in [register, build, opening] {
		denied(example, []) == set()
	}
}

test_register_by_a_researcher_is_denied if {
	denied(register, [{"op": "replace", "path": "/actor/role", "value": "researcher"}]) == {"custody.not_allowed"}
}

test_build_by_a_handler_is_denied if {
	denied(build, [{"op": "replace", "path": "/actor", "value": {"person": "tanaka", "role": "handler"}}]) == {"custody.not_allowed", "custody.own_project"}
}

test_build_for_oneself_is_denied if {
	denied(build, [{"op": "replace", "path": "/actor/person", "value": "tanaka"}]) == {"custody.own_project"}
}

test_build_after_the_permits_end_is_denied if {
	denied(build, [{"op": "replace", "path": "/now", "value": "2028-01-01T00:00:00Z"}]) == {"permit.expired"}
}

test_open_by_another_service_is_denied if {
	denied(opening, [{"op": "replace", "path": "/caller", "value": "portal"}]) == {"custody.not_allowed"}
}

test_open_for_a_stranger_is_denied if {
	denied(opening, [{"op": "replace", "path": "/actor/person", "value": "mallory"}]) == {"permit.not_handler"}
}

test_open_after_the_permits_end_is_denied if {
	denied(opening, [{"op": "replace", "path": "/now", "value": "2028-01-01T00:00:00Z"}]) == {"permit.expired"}
}

test_open_of_another_permits_extract_is_denied if {
	denied(opening, [{"op": "replace", "path": "/extract/permit_id", "value": "p-9"}]) == {"custody.extract_stale"}
}

test_erase_is_the_custodians if {
	erase := [{"op": "replace", "path": "/action", "value": "extract.erase"}]
	denied(build, erase) == set()
	denied(build, array.concat(erase, [{"op": "replace", "path": "/actor/role", "value": "checker"}])) == {"custody.not_allowed"}
}

test_trace_is_the_custodians_alone if {
	trace := [{"op": "replace", "path": "/action", "value": "person.trace"}]
	denied(register, trace) == set()
	every role in ["operator", "service", "auditor", "handler", "checker"] {
		denied(register, array.concat(trace, [{"op": "replace", "path": "/actor/role", "value": role}])) == {"custody.not_allowed"}
	}
}

test_withdrawal_and_report_are_the_custodians if {
	every action in ["person.withdraw", "provision.report"] {
		asked := [{"op": "replace", "path": "/action", "value": action}]
		denied(register, asked) == set()
		denied(register, array.concat(asked, [{"op": "replace", "path": "/actor/role", "value": "handler"}])) == {"custody.not_allowed"}
	}
}

test_action_that_is_unknown_is_denied if {
	denied(build, [{"op": "replace", "path": "/action", "value": "extract.copy"}]) == {"custody.not_allowed"}
}

test_build_by_nobody_or_for_nobody_is_denied if {
	"custody.own_project" in denied(build, [{"op": "remove", "path": "/actor/person"}])
	"custody.own_project" in denied(build, [{"op": "remove", "path": "/permit/handlers"}])
	"custody.own_project" in denied(build, [{"op": "remove", "path": "/permit"}])
}

test_open_of_nothing_for_nothing_is_denied if {
	every value in [null, ""] {
		"custody.extract_stale" in denied(opening, [
			{"op": "replace", "path": "/permit/provision", "value": value},
			{"op": "replace", "path": "/extract/provision", "value": value},
		])
	}
}

test_numbers_are_examined_for_the_handlers_of_a_permit_in_force if {
	examine := [{"op": "replace", "path": "/action", "value": "release.examine"}]
	denied(opening, examine) == set()
	denied(opening, array.concat(examine, [{"op": "replace", "path": "/caller", "value": "portal"}])) == {"custody.not_allowed"}
	denied(opening, array.concat(examine, [{"op": "replace", "path": "/actor/person", "value": "mallory"}])) == {"permit.not_handler"}
	denied(opening, array.concat(examine, [{"op": "replace", "path": "/now", "value": "2028-01-01T00:00:00Z"}])) == {"permit.expired"}
}

test_public_tables_are_entered_by_the_custodian if {
	every action in ["release.enter", "release.list"] {
		enter := [
			{"op": "replace", "path": "/action", "value": action},
			{"op": "replace", "path": "/caller", "value": "operator"},
			{"op": "replace", "path": "/actor", "value": {"person": "yamamoto", "role": "custodian"}},
		]
		denied(opening, enter) == set()
		denied(opening, array.concat(enter, [{"op": "replace", "path": "/actor/role", "value": "operator"}])) == {"custody.not_allowed"}
	}
}

test_a_release_is_concluded_by_a_checkers_vote if {
	conclude := [
		{"op": "replace", "path": "/action", "value": "release.conclude"},
		{"op": "replace", "path": "/caller", "value": "portal"},
		{"op": "replace", "path": "/actor", "value": {"person": "takahashi", "role": "checker"}},
	]
	denied(opening, conclude) == set()
	denied(opening, array.concat(conclude, [{"op": "replace", "path": "/actor/role", "value": "handler"}])) == {"custody.not_allowed"}
	denied(opening, array.concat(conclude, [{"op": "replace", "path": "/caller", "value": "gateway"}])) == {"custody.not_allowed"}
}
