# METADATA
# title: Tests of the decision on a question
package enclave.query_test

import data.enclave.query

rows := data.examples.query_rows

table := data.examples.query_table

denied(question) := codes if {
	codes := query.deny with input as question
}

changed(question, patches) := json.patch(question, patches)

test_query_rows_are_answered_in_the_record_tier if query.decision.allow == true with input as rows

test_query_table_is_answered_in_the_record_tier if query.decision.allow == true with input as table

test_query_yes_carries_the_rule_sets_of_the_permit if {
	decision := query.decision with input as rows
	decision.obligations.rule_sets["ndb-2024-09"].min_persons.n == 10
}

test_query_yes_carries_what_is_left_of_the_day if {
	used := changed(rows, [{"op": "replace", "path": "/used", "value": {"queries": 1, "rows": 10, "bytes": 20}}])
	decision := query.decision with input as used
	decision.obligations.max_rows == 50000000 - 10
	decision.obligations.max_bytes == 5000000000 - 20
}

test_query_about_nothing_is_denied if count(denied({})) > 5

test_query_by_a_stranger_is_denied if {
	denied(changed(rows, [{"op": "replace", "path": "/session/person", "value": "mallory"}])) == {"permit.not_handler"}
}

test_query_after_the_end_is_denied if {
	denied(changed(rows, [{"op": "replace", "path": "/now", "value": "2027-10-31T15:00:00Z"}])) == {"permit.expired"}
}

test_query_from_another_projects_session_is_denied if {
	denied(changed(rows, [{"op": "replace", "path": "/session/project", "value": "x"}])) == {"session.permit_changed"}
}

test_query_under_an_older_revision_is_denied if {
	older := changed(rows, [{"op": "replace", "path": "/session/permit", "value": "p-2026-0007@0"}])
	denied(older) == {"session.permit_changed"}
}

carried := data.examples.query_carried

test_query_goes_on_under_a_revision_that_changes_only_limits if query.decision.allow == true with input as carried

test_query_under_a_revision_that_changes_more_is_denied if {
	denied(changed(carried, [{"op": "replace", "path": "/session/carried", "value": false}])) == {"session.permit_changed"}
}

test_query_of_another_permits_session_is_not_carried if {
	other := changed(carried, [{"op": "replace", "path": "/session/permit", "value": "p-2026-0008@1"}])
	denied(other) == {"session.permit_changed"}
}

test_query_over_another_permits_extract_is_denied if {
	denied(changed(rows, [{"op": "replace", "path": "/extract/permit", "value": "p-9@1"}])) == {"query.extract_differs"}
}

test_query_for_a_table_beyond_the_permit_is_denied if {
	other := changed(rows, [{"op": "replace", "path": "/facts/tables/0/table", "value": "notes"}])
	"query.table_not_permitted" in denied(other)
}

test_query_for_a_column_beyond_the_permit_is_denied if {
	other := changed(rows, [{"op": "add", "path": "/facts/tables/0/columns/-", "value": "weight"}])
	denied(other) == {"query.column_not_permitted"}
}

test_query_joins_on_the_identifier_even_where_it_is_not_shown if {
	hidden := changed(table, [{
		"op": "replace",
		"path": "/permit/databases/nafld/patients",
		"value": ["age", "male"],
	}])
	denied(hidden) == set()
}

test_query_shows_no_identifier_that_the_permit_does_not if {
	hidden := changed(rows, [
		{"op": "replace", "path": "/permit/databases/nafld/patients", "value": ["age", "status", "bmi"]},
		{"op": "add", "path": "/facts/tables/0/columns/-", "value": "pid"},
	])
	denied(hidden) == {"query.column_not_permitted"}
}

test_query_with_a_function_beyond_the_list_is_denied if {
	denied(changed(rows, [{"op": "add", "path": "/facts/functions/-", "value": "read_text"}])) == {"query.function"}
}

test_query_across_databases_that_are_not_linked_is_denied if {
	apart := changed(table, [{"op": "replace", "path": "/permit/linkage_groups", "value": [["nafld"], ["claims"]]}])
	denied(apart) == {"query.not_linked"}
}

test_query_with_a_reference_table_needs_no_link if {
	apart := changed(table, [
		{"op": "replace", "path": "/permit/linkage_groups", "value": []},
		{"op": "replace", "path": "/facts/tables/0/person", "value": false},
	])
	not "query.not_linked" in denied(apart)
}

reference(use) := changed(rows, [{"op": "add", "path": "/facts/tables/-", "value": use}, {
	"op": "add", "path": "/facts/databases/-", "value": "core",
}])

codes_of_places := {"database": "core", "table": "pref", "columns": ["code", "name"], "person": false, "reference": true}

test_query_with_a_public_list_that_no_permit_names_is_allowed if denied(reference(codes_of_places)) == set()

test_query_with_a_public_list_is_bound_by_the_rule_sets_of_the_rest if {
	decision := query.decision with input as reference(codes_of_places)
	decision.obligations.rule_sets["ndb-2024-09"].min_persons.n == 10
}

test_query_with_a_table_that_is_neither_permitted_nor_public_is_denied if {
	other := object.union(codes_of_places, {"reference": false})
	denied(reference(other)) == {"query.column_not_permitted", "query.table_not_permitted"}
}

test_query_with_a_public_list_about_persons_is_denied if {
	other := object.union(codes_of_places, {"person": true})
	"query.table_not_permitted" in denied(reference(other))
}

test_query_for_rows_in_the_aggregate_tier_is_denied if {
	denied(changed(rows, [{"op": "replace", "path": "/tier", "value": "aggregate"}])) == {"query.tier_rows"}
}

test_query_beyond_the_permits_tier_is_denied if {
	wider := changed(rows, [
		{"op": "replace", "path": "/permit/tier", "value": "aggregate"},
		{"op": "replace", "path": "/extract/blocks", "value": true},
	])
	denied(wider) == {"query.tier_wider"}
}

test_query_in_the_aggregate_tier_needs_blocks if {
	unprepared := changed(table, [
		{"op": "replace", "path": "/permit/tier", "value": "aggregate"},
		{"op": "replace", "path": "/tier", "value": "aggregate"},
	])
	denied(unprepared) == {"query.aggregate_unprepared"}
}

test_query_keyed_by_a_person_is_denied if {
	denied(changed(table, [{"op": "replace", "path": "/facts/keys/0/identifies", "value": true}])) == {"query.key_identifies"}
}

test_query_keyed_by_a_measurement_is_denied if {
	keyed := changed(table, [
		{"op": "replace", "path": "/facts/keys/0/bare", "value": true},
		{"op": "replace", "path": "/facts/keys/0/type", "value": "DOUBLE"},
	])
	denied(keyed) == {"query.key_continuous"}
}

test_query_ends_with_each_budget if {
	every kind in ["queries", "rows", "bytes"] {
		limit := rows.permit.limits[sprintf("%s_day", [kind])]
		spent := changed(rows, [{"op": "replace", "path": sprintf("/used/%s", [kind]), "value": limit}])
		denied(spent) == {sprintf("query.budget_%s", [kind])}
	}
}

test_query_with_limits_of_null_has_none if {
	free := changed(rows, [{"op": "replace", "path": "/permit/limits", "value": {"queries_day": null, "rows_day": null, "bytes_day": null}}])
	denied(free) == set()
	decision := query.decision with input as free
	not decision.obligations.max_rows
}

test_query_without_a_rule_set_in_force_is_denied if {
	denied(changed(rows, [{"op": "replace", "path": "/permit/rule_sets", "value": ["gone"]}])) == {"query.rule_set_missing"}
}

test_query_before_its_rule_set_began_is_denied if {
	early := changed(rows, [
		{"op": "replace", "path": "/now", "value": "2024-09-17T00:00:00Z"},
		{"op": "replace", "path": "/permit/valid_from", "value": "2024-01-01T00:00:00Z"},
	])
	denied(early) == {"query.rule_set_missing"}
}

# -- times of a rule set -----------------------------------------------------------------------------------------------

under(dates) := codes if {
	base := object.remove(data.data["ndb-2024-09"], {"valid_from", "valid_to"})
	codes := query.deny with input as rows with data.data as {"ndb-2024-09": object.union(base, dates)}
}

test_rule_set_binds_from_its_first_day_until_the_day_of_its_end if {
	under({"valid_from": "2026-12-01", "valid_to": null}) == set()
	under({"valid_from": "2026-11-30", "valid_to": "2026-12-02"}) == set()
	under({"valid_from": "2026-12-02", "valid_to": null}) == {"query.rule_set_missing"}
	under({"valid_from": "2026-11-30", "valid_to": "2026-12-01"}) == {"query.rule_set_missing"}
}

test_rule_set_that_does_not_say_when_binds_nothing if {
	under({"valid_to": null}) == {"query.rule_set_missing"}
	under({"valid_from": "2024-09-18"}) == {"query.rule_set_missing"}
	under({"valid_from": null, "valid_to": null}) == {"query.rule_set_missing"}
}

test_rule_set_whose_day_is_none_binds_nothing if {
	every text in {"", "2024", "9999", "2024-9-18", "2024-13-01", "2024-02-30", "18.09.2024", "2024-09-18T00:00:00Z", 20240918} {
		under({"valid_from": text, "valid_to": null}) == {"query.rule_set_missing"}
		under({"valid_from": "2024-09-18", "valid_to": text}) == {"query.rule_set_missing"}
	}
}

# -- facts that do not fit together ------------------------------------------------------------------------------------

test_query_whose_databases_are_not_those_of_its_tables_is_denied if {
	every databases in [[], ["claims"], ["nafld", "claims"]] {
		denied(changed(rows, [{"op": "replace", "path": "/facts/databases", "value": databases}])) == {"policy.input_incomplete"}
	}
}

test_query_of_a_table_that_the_permit_gives_no_column_of_is_denied if {
	every value in [[], {}, null, true, "*"] {
		"query.table_not_permitted" in denied(changed(rows, [
			{"op": "replace", "path": "/permit/databases/nafld/patients", "value": value},
			{"op": "replace", "path": "/facts/tables/0/columns", "value": []},
		]))
	}
}

test_query_that_does_not_say_a_limit_is_denied if {
	every kind in ["queries", "rows", "bytes"] {
		unsaid := changed(rows, [{"op": "remove", "path": sprintf("/permit/limits/%s_day", [kind])}])
		denied(unsaid) == {sprintf("query.budget_%s", [kind])}
	}
}
