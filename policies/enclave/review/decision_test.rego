# METADATA
# title: Tests of the decisions on an application
package enclave.review_test

import data.enclave.review

grant := data.examples.review_grant

opinion := data.examples.review_opinion

denied(example, patches) := codes if {
	codes := review.deny with input as json.patch(example, patches)
}

test_review_examples_are_allowed if {
	denied(grant, []) == set()
	denied(opinion, []) == set()
}

test_grant_needs_two_opinions_on_every_database if {
	denied(grant, [{"op": "remove", "path": "/opinions/0"}]) == {"application.opinion_missing"}
}

test_grant_needs_two_different_members if {
	denied(grant, [{"op": "replace", "path": "/opinions/0/reviewer", "value": "suzuki"}]) == {"application.opinion_missing"}
}

test_grant_is_not_given_against_a_refusal_that_weighs_the_same if {
	denied(grant, [{"op": "replace", "path": "/opinions/0/opinion", "value": "refuse"}]) == {"application.opinion_missing"}
}

test_grant_of_no_database_is_denied if {
	denied(grant, [{"op": "replace", "path": "/application/databases", "value": []}]) == {"application.opinion_missing"}
}

test_grant_with_an_opinion_of_a_party_is_denied if {
	denied(grant, [{"op": "add", "path": "/application/members/-", "value": "sato"}]) == {"application.own"}
}

test_opinion_without_the_role_is_denied if {
	denied(opinion, [{"op": "replace", "path": "/roles", "value": ["checker"]}]) == {"session.role_missing"}
}

test_opinion_of_the_applicant_is_denied if {
	denied(opinion, [{"op": "replace", "path": "/person", "value": "tanaka"}]) == {"application.own"}
}

test_opinion_a_second_time_is_denied if {
	denied(opinion, [{"op": "replace", "path": "/person", "value": "sato"}]) == {"application.opinion_given"}
}

test_opinion_on_another_database_is_denied if {
	denied(opinion, [{"op": "replace", "path": "/database", "value": "other"}]) == {"application.unknown_database"}
}

test_step_that_is_unknown_is_denied if {
	"application.state" in denied(grant, [{"op": "add", "path": "/step", "value": "waive"}])
}

test_step_that_is_not_said_is_no_grant if {
	denied(grant, [{"op": "remove", "path": "/step"}]) == {"application.state"}
}

test_opinion_of_nobody_or_among_nobody_is_denied if {
	every path in ["/person", "/roles", "/application/applicant", "/application/members", "/opinions"] {
		"policy.input_incomplete" in denied(opinion, [{"op": "remove", "path": path}])
	}
}
