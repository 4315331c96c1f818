# METADATA
# title: Tests of the decision on an output
package enclave.disclosure_test

import data.enclave.disclosure
import data.enclave.disclosure.binding
import data.enclave.disclosure.cell

output := data.examples.disclosure_output

changed(patches) := json.patch(output, patches)

denied(question) := codes if {
	codes := disclosure.deny with input as question
}

test_output_is_bound_by_the_sets_of_all_its_databases if {
	decision := disclosure.decision with input as output
	decision.allow == true
	object.keys(decision.obligations.rule_sets) == {"kaigo-2022-12", "ndb-2024-09"}
	decision.obligations.rule_sets["kaigo-2022-12"].min_institutions.n == 3
}

test_output_of_one_database_is_not_bound_by_the_set_of_another if {
	alone := changed([{"op": "replace", "path": "/databases", "value": ["ndb"]}])
	decision := disclosure.decision with input as alone
	object.keys(decision.obligations.rule_sets) == {"ndb-2024-09"}
}

test_output_before_its_rule_sets_is_denied if {
	denied(changed([{"op": "replace", "path": "/now", "value": "2022-12-11T23:59:59Z"}])) == {"query.rule_set_missing"}
}

test_output_of_a_database_that_no_set_covers_is_denied if {
	apart := changed([
		{"op": "replace", "path": "/rule_sets", "value": ["kaigo-2022-12"]},
		{"op": "replace", "path": "/databases", "value": ["kaigo", "ndb"]},
	])
	denied(apart) == {"query.rule_set_missing"}
}

test_output_of_a_set_that_is_gone_is_denied if {
	denied(changed([{"op": "replace", "path": "/rule_sets", "value": ["gone"]}])) == {"query.rule_set_missing"}
}

test_output_that_does_not_say_all_is_denied if {
	every path in ["/now", "/rule_sets", "/databases"] {
		"policy.input_incomplete" in denied(changed([{"op": "remove", "path": path}]))
	}
	"policy.input_incomplete" in denied(changed([{"op": "replace", "path": "/databases", "value": []}]))
}

test_output_is_bound_from_the_first_day_to_the_day_before_the_last if {
	sets := {"one": {"valid_from": "2024-09-18", "valid_to": "2024-09-20", "scope": {"databases": ["ndb"]}}}
	{now |
		some now in ["2024-09-17T23:59:59Z", "2024-09-18T00:00:00Z", "2024-09-19T23:59:59Z", "2024-09-20T00:00:00Z"]
		count(binding.of(sets, ["ndb"], now)) == 1
	} == {"2024-09-18T00:00:00Z", "2024-09-19T23:59:59Z"}
}

test_output_cell_of_nine_persons_is_small if {
	reasons(9) == {["disclosure.small_cell", ""]}
	reasons(10) == set()
	reasons(0) == set()
}

reasons(persons) := cell.reasons({"persons": persons, "statistic": "count", "municipal": false, "population": null}, [data.data["ndb-2024-09"]])
