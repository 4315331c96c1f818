# METADATA
# title: Tests of the decisions on an export
package enclave.export_test

import data.enclave.export as release

queue := data.examples.export_queue

vote := data.examples.export_vote

approve := data.examples.export_approve

download := data.examples.export_download

denied(example, patches) := codes if {
	codes := release.deny with input as json.patch(example, patches)
}

test_export_steps_of_the_examples_are_allowed if {
	every example in [queue, vote, approve, download] {
		denied(example, []) == set()
		decision := release.decision with input as example
		decision.allow == true
	}
}

test_export_step_that_is_unknown_is_denied if {
	"export.state" in denied(queue, [{"op": "replace", "path": "/step", "value": "shred"}])
}

test_export_with_a_failed_file_is_denied if {
	denied(queue, [{"op": "replace", "path": "/export/files/0/verdict", "value": "fail"}]) == {"export.failed_checks"}
}

test_export_with_an_unexamined_file_is_denied if {
	denied(queue, [{"op": "remove", "path": "/export/files/0/verdict"}]) == {"export.failed_checks"}
}

test_export_without_files_is_denied if {
	denied(queue, [{"op": "replace", "path": "/export/files", "value": []}]) == {"export.failed_checks"}
}

test_export_of_a_failed_file_can_be_turned_back if {
	denied(queue, [
		{"op": "replace", "path": "/step", "value": "return"},
		{"op": "replace", "path": "/export/files/0/verdict", "value": "fail"},
	]) == set()
}

test_export_for_an_output_that_was_not_planned_is_denied if {
	denied(queue, [{"op": "replace", "path": "/export/output", "value": "t9"}]) == {"export.output_unknown"}
}

test_export_by_a_stranger_is_denied if {
	denied(queue, [
		{"op": "replace", "path": "/person", "value": "mallory"},
		{"op": "replace", "path": "/export/person", "value": "mallory"},
	]) == {"permit.not_handler"}
}

test_export_in_anothers_name_is_denied if {
	denied(queue, [{"op": "replace", "path": "/export/person", "value": "mallory"}]) == {"export.state"}
}

test_export_after_the_permits_end_is_denied if {
	every example in [queue, approve, download] {
		denied(example, [{"op": "replace", "path": "/now", "value": "2028-01-01T00:00:00Z"}]) == {"permit.expired"}
	}
}

test_vote_after_the_permits_end_is_still_possible if {
	denied(vote, [{"op": "replace", "path": "/now", "value": "2028-01-01T00:00:00Z"}]) == set()
}

test_vote_without_the_role_is_denied if {
	denied(vote, [{"op": "replace", "path": "/roles", "value": ["researcher"]}]) == {"export.not_checker"}
}

test_vote_of_a_member_of_the_project_is_denied if {
	denied(vote, [{"op": "add", "path": "/permit/parties/-", "value": "ito"}]) == {"export.own_project"}
	denied(vote, [{"op": "add", "path": "/permit/handlers/-", "value": "ito"}]) == {"export.own_project"}
}

test_vote_of_the_submitter_is_denied if {
	"export.own_project" in denied(vote, [{"op": "replace", "path": "/export/person", "value": "ito"}])
}

test_vote_a_second_time_is_denied if {
	denied(vote, [{"op": "replace", "path": "/person", "value": "takahashi"}]) == {"export.already_voted"}
}

test_vote_on_what_is_not_queued_is_denied if {
	denied(vote, [{"op": "replace", "path": "/export/state", "value": "released"}]) == {"export.not_queued"}
}

test_release_needs_two_different_checkers if {
	denied(approve, [{"op": "replace", "path": "/export/votes/0/checker", "value": "ito"}]) == {"export.votes_missing"}
	denied(approve, [{"op": "remove", "path": "/export/votes/0"}]) == {"export.votes_missing"}
}

test_release_needs_two_even_where_the_permit_asks_for_one if {
	"export.votes_missing" in denied(approve, [
		{"op": "replace", "path": "/permit/checkers", "value": 1},
		{"op": "remove", "path": "/export/votes/0"},
	])
}

test_release_needs_as_many_as_the_permit_says if {
	denied(approve, [{"op": "replace", "path": "/permit/checkers", "value": 3}]) == {"export.votes_missing"}
}

test_release_against_a_rejection_is_denied if {
	denied(approve, [
		{"op": "add", "path": "/export/votes/-", "value": {"checker": "mori", "vote": "reject", "digest": "sha256:aa"}},
	]) == {"export.votes_missing"}
}

test_release_of_other_bytes_is_denied if {
	denied(approve, [{"op": "replace", "path": "/export/votes/0/digest", "value": "sha256:bb"}]) == {"export.digest"}
}

test_release_with_a_vote_of_a_party_is_denied if {
	denied(approve, [{"op": "add", "path": "/permit/parties/-", "value": "takahashi"}]) == {"export.own_project"}
}

test_download_of_what_is_not_released_is_denied if {
	denied(download, [{"op": "replace", "path": "/export/state", "value": "approved"}]) == {"export.not_released"}
}

test_download_by_a_former_handler_is_denied if {
	denied(download, [{"op": "replace", "path": "/permit/handlers", "value": ["mori"]}]) == {"permit.not_handler"}
}

test_nothing_is_allowed_of_nothing if not release.decision.allow with input as {}

test_release_by_a_checker_who_also_rejected_is_denied if {
	denied(approve, [
		{"op": "add", "path": "/export/votes/-", "value": {"checker": "ito", "vote": "reject", "digest": "sha256:aa"}},
	]) == {"export.votes_missing"}
}

test_vote_of_nobody_or_among_nobody_is_denied if {
	"export.not_checker" in denied(vote, [{"op": "remove", "path": "/roles"}])
	every path in ["/person", "/permit/parties", "/permit/handlers", "/export/person", "/export/votes/0/checker"] {
		"policy.input_incomplete" in denied(vote, [{"op": "remove", "path": path}])
	}
}
