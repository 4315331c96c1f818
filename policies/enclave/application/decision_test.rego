# METADATA
# title: Tests of what may be asked for together
package enclave.application_test

import data.enclave.application

submit := data.examples.application_submit

denied(patches) := codes if {
	codes := application.deny with input as json.patch(submit, patches)
}

pairs(patches) := found if {
	decision := application.decision with input as json.patch(submit, patches)
	found := decision.obligations.pairs
}

alone := {"op": "add", "path": "/pairs/0/alone/-", "value": {"database": "ndb", "valid_from": "2016-01-01", "valid_to": null}}

test_application_example_is_allowed if {
	denied([]) == set()
	pairs([]) == set()
}

test_application_that_links_nothing_is_allowed if {
	denied([{"op": "replace", "path": "/pairs", "value": []}]) == set()
}

test_linkage_before_its_first_row_is_denied_and_names_the_pair if {
	before := [{"op": "replace", "path": "/at", "value": "2020-09-30"}]
	denied(before) == {"application.linkage_not_permitted"}
	pairs(before) == {["kaigo", "ndb"]}
}

test_linkage_is_allowed_from_the_first_day_of_a_row if {
	denied([{"op": "replace", "path": "/at", "value": "2020-10-01"}]) == set()
}

test_linkage_on_the_day_a_row_ends_is_denied if {
	denied([
		{"op": "remove", "path": "/pairs/0/rows/1"},
		{"op": "replace", "path": "/at", "value": "2022-04-01"},
	]) == {"application.linkage_not_permitted"}
}

test_linkage_without_a_row_is_denied if {
	denied([{"op": "replace", "path": "/pairs/0/rows", "value": []}]) == {"application.linkage_not_permitted"}
}

test_linkage_with_a_database_that_stands_alone_is_denied_whatever_the_rows_say if {
	denied([alone]) == {"application.linkage_not_permitted"}
}

test_linkage_with_a_database_that_no_longer_stands_alone_is_allowed if {
	ended := json.patch(alone, [{"op": "replace", "path": "/value/valid_to", "value": "2020-01-01"}])
	denied([ended]) == set()
}

test_linkage_within_one_operators_register_is_allowed if {
	denied([
		{"op": "replace", "path": "/pairs/0/rows", "value": []},
		{"op": "replace", "path": "/pairs/0/one_register", "value": true},
	]) == set()
}

test_linkage_of_one_wrong_pair_among_good_ones_is_denied if {
	wrong := {"pair": ["cancer", "ndb"], "rows": [], "alone": [], "one_register": false}
	pairs([{"op": "add", "path": "/pairs/-", "value": wrong}]) == {["cancer", "ndb"]}
}

test_columns_that_hide_others_are_denied_together if {
	denied([{"op": "replace", "path": "/apart/0/hide", "value": ["welfare.cert.pref_code"]}]) == {"application.columns_apart"}
}

test_question_that_leaves_something_out_is_denied if {
	denied([{"op": "remove", "path": "/step"}]) == {"application.state"}
	every path in ["/pairs", "/apart", "/pairs/0/pair", "/apart/0/hide"] {
		denied([{"op": "remove", "path": path}]) == {"policy.input_incomplete"}
	}
	"policy.input_incomplete" in denied([{"op": "remove", "path": "/pairs/0/alone"}])
}

test_day_that_is_none_is_denied if {
	every text in {"", "9999", "2026-13-01", "2026-11-21T00:00:00Z"} {
		every path in ["/at", "/pairs/0/rows/0/valid_from", "/pairs/0/rows/0/valid_to", "/pairs/0/rows/1/valid_from"] {
			"policy.input_incomplete" in denied([{"op": "replace", "path": path, "value": text}])
		}
		unread := json.patch(alone, [{"op": "replace", "path": "/value/valid_from", "value": text}])
		"policy.input_incomplete" in denied([unread])
	}
}

test_step_that_is_unknown_is_denied if {
	"application.state" in denied([{"op": "replace", "path": "/step", "value": "waive"}])
}

# -- data sets ---------------------------------------------------------------------------------------------------------

aggregate := data.examples.application_grant_aggregate

sets(question, patches) := codes if {
	decision := application.decision with input as json.patch(question, patches)
	codes := {one.code | some one in decision.obligations.sets; one.database == "ndb"}
	decision.deny == codes
}

test_set_that_is_given_and_holds_what_is_asked_for_is_allowed if {
	sets(submit, []) == set()
	sets(aggregate, []) == set()
}

test_set_is_allowed_from_its_first_day_and_not_the_day_before if {
	begins := {"op": "replace", "path": "/sets/0/rows/0/valid_from", "value": "2024-09-01"}
	sets(submit, [begins, {"op": "replace", "path": "/at", "value": "2024-09-01"}]) == set()
	sets(submit, [begins, {"op": "replace", "path": "/at", "value": "2024-08-31"}]) == {"application.dataset_not_open"}
}

test_set_on_the_day_it_ends_is_denied if {
	ends := {"op": "replace", "path": "/sets/0/rows/0/valid_to", "value": "2026-11-21"}
	sets(submit, [ends]) == {"application.dataset_not_open"}
}

test_set_that_no_row_knows_is_denied if {
	sets(submit, [{"op": "replace", "path": "/sets/0/rows", "value": []}]) == {"application.dataset_not_open"}
}

test_set_that_is_given_elsewhere_is_denied if {
	sets(submit, [{"op": "replace", "path": "/sets/0/here", "value": false}]) == {"application.dataset_not_here"}
}

test_column_that_the_set_lacks_is_denied if {
	lacking := {"op": "replace", "path": "/sets/0/lacking", "value": ["ndb.rcpt.pref_code"]}
	sets(submit, [lacking]) == {"application.dataset_columns"}
}

test_aggregate_set_in_the_record_tier_is_denied if {
	sets(aggregate, [{"op": "replace", "path": "/tier", "value": "record"}]) == {"application.dataset_tier"}
}

test_output_with_more_axes_than_the_set_allows_is_denied if {
	sets(aggregate, [{"op": "replace", "path": "/outputs/0/axes", "value": 4}]) == {"application.dataset_axes"}
}

test_more_outputs_than_the_set_allows_are_denied if {
	ten := [{"id": sprintf("t%d", [n]), "axes": 1} | some n in numbers.range(1, 10)]
	sets(aggregate, [{"op": "replace", "path": "/outputs", "value": ten}]) == set()
	eleven := array.concat(ten, [{"id": "t11", "axes": 1}])
	sets(aggregate, [{"op": "replace", "path": "/outputs", "value": eleven}]) == {"application.dataset_outputs"}
}

test_wrong_set_of_one_database_denies_however_good_the_others_are if {
	other := {"database": "cancer", "set": "national", "rows": [], "here": false, "lacking": [], "tier": null, "axes": null, "outputs": null}
	decision := application.decision with input as json.patch(submit, [{"op": "add", "path": "/sets/-", "value": other}])
	{one.database | some one in decision.obligations.sets} == {"cancer"}
	decision.allow == false
}

test_bound_that_is_no_number_is_denied if {
	every value in ["3", -1, 0, 1.5, true] {
		every path in ["/sets/0/axes", "/sets/0/outputs"] {
			"policy.input_incomplete" in denied([{"op": "replace", "path": path, "value": value}])
		}
	}
}
