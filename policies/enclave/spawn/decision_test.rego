# METADATA
# title: Tests of the decision on a workspace
package enclave.spawn_test

import data.enclave.spawn

example := data.examples.spawn

denied(patches) := codes if {
	codes := spawn.deny with input as json.patch(example, patches)
}

test_spawn_is_allowed_for_a_handler if spawn.decision.allow == true with input as example

test_spawn_tells_the_kind_of_workspace if {
	decision := spawn.decision with input as example
	decision.obligations.workspace == "direct"
}

test_spawn_of_a_stranger_is_denied if {
	denied([{"op": "replace", "path": "/person", "value": "mallory"}]) == {"permit.not_handler"}
}

test_spawn_after_the_end_is_denied if {
	denied([{"op": "replace", "path": "/now", "value": "2028-01-01T00:00:00Z"}]) == {"permit.expired"}
}

test_spawn_before_the_beginning_is_denied if {
	denied([{"op": "replace", "path": "/now", "value": "2026-01-01T00:00:00Z"}]) == {"permit.not_yet_valid"}
}

test_spawn_for_another_project_is_denied if {
	denied([{"op": "replace", "path": "/project", "value": "x"}]) == {"session.project_differs"}
}

test_spawn_of_a_locked_workspace_is_not_answered_with_a_weaker_one if {
	denied([{"op": "replace", "path": "/permit/workspace", "value": "locked"}]) == {"session.workspace_unavailable"}
}

test_spawn_of_a_suspended_person_is_denied if {
	denied([{"op": "add", "path": "/active", "value": false}]) == {"session.inactive"}
}

test_spawn_of_nobody_is_denied if not spawn.decision.allow with input as {}

test_spawn_of_a_person_of_whom_it_is_not_said_that_they_may_work_is_denied if {
	denied([{"op": "remove", "path": "/active"}]) == {"policy.input_incomplete", "session.inactive"}
	denied([{"op": "replace", "path": "/active", "value": "true"}]) == {"policy.input_incomplete", "session.inactive"}
}
