# METADATA
# title: Tests of the decisions on an amendment
package enclave.amendment_test

import data.enclave.amendment

look := data.examples.amendment_look

submit := data.examples.amendment_submit

opinion := data.examples.amendment_opinion

grant := data.examples.amendment_grant

denied(example, patches) := codes if {
	codes := amendment.deny with input as json.patch(example, patches)
}

put(path, value) := [{"op": "replace", "path": path, "value": value}]

test_amendment_examples_are_allowed if {
	every example in [look, submit, opinion, grant] {
		denied(example, []) == set()
	}
}

test_amendment_of_a_permit_that_ended_is_denied if {
	every example in [look, submit, opinion, grant] {
		denied(example, put("/now", "2027-10-31T15:00:00Z")) == {"permit.expired"}
	}
}

test_amendment_of_a_permit_that_has_not_begun_is_denied if {
	denied(submit, put("/now", "2026-10-31T23:59:59Z")) == {"permit.not_yet_valid"}
}

test_amendment_by_a_stranger_is_denied if {
	denied(submit, put("/amendment/applicant", "mori")) == {"permit.not_handler"}
	denied(look, put("/amendment/applicant", "mori")) == {"permit.not_handler"}
}

test_amendment_beside_an_open_one_is_denied if {
	denied(submit, put("/open", ["m-0"])) == {"amendment.open"}
	denied(look, put("/open", ["m-0"])) == {"amendment.open"}
}

test_amendment_of_an_earlier_revision_is_denied if {
	every example in [submit, opinion, grant] {
		denied(example, put("/permit/reference", "p-2026-0007@2")) == {"amendment.superseded"}
	}
}

test_amendment_of_a_kind_that_is_not_known_is_denied if {
	denied(submit, put("/amendment/kind", "handlers")) == {"amendment.kind"}
}

test_amendment_that_asks_for_nothing_more_is_denied if {
	denied(submit, put("/amendment/limits/queries_day", 2000)) == {"amendment.unchanged"}
}

test_amendment_that_makes_a_limit_smaller_is_denied_and_says_which if {
	smaller := json.patch(submit, put("/amendment/limits/rows_day", 49999999))
	decision := amendment.decision with input as smaller
	decision.deny == {"amendment.smaller"}
	decision.obligations.refused == {{"limit": "rows_day", "code": "amendment.smaller"}}
}

test_amendment_up_to_its_bound_is_allowed_and_beyond_it_denied if {
	every name, bound in data.budgets.limits {
		path := sprintf("/amendment/limits/%s", [name])
		denied(submit, put(path, bound.most)) == set()
		denied(submit, put(path, bound.most + 1)) == {"amendment.beyond"}
		denied(grant, put(path, bound.most + 1)) == {"amendment.beyond"}
	}
}

test_amendment_leaves_a_limit_beyond_its_bound_as_it_is if {
	both := array.concat(put("/permit/limits/bytes_day", 99000000000), put("/amendment/limits/bytes_day", 99000000000))
	denied(submit, both) == set()
}

test_amendment_without_bounds_raises_nothing if {
	codes := amendment.deny with input as submit with data.budgets.limits as {}
	codes == {"amendment.beyond"}
}

test_amendment_bounds_have_reasons_in_both_languages if {
	every name in amendment.names {
		data.budgets.limits[name].most > 0
		data.budgets.limits[name].reason.ja != ""
		data.budgets.limits[name].reason.en != ""
	}
}

test_amendment_is_not_reviewed_by_a_party if {
	denied(opinion, put("/person", "tanaka")) == {"amendment.own"}
	denied(opinion, put("/amendment/founder", "suzuki")) == {"amendment.own"}
	denied(grant, put("/permit/handlers", ["tanaka", "sato"])) == {"amendment.own"}
}

test_amendment_is_heard_by_the_committee if {
	denied(opinion, put("/roles", ["checker"])) == {"session.role_missing"}
}

test_amendment_gets_one_opinion_of_each if {
	denied(opinion, put("/person", "sato")) == {"amendment.opinion_given"}
}

test_amendment_needs_two_approvals_and_more_than_refusals if {
	denied(grant, [{"op": "remove", "path": "/opinions/0"}]) == {"amendment.opinion_missing"}
	denied(grant, put("/opinions/0/reviewer", "suzuki")) == {"amendment.opinion_missing"}
	denied(grant, put("/opinions/0/opinion", "refuse")) == {"amendment.opinion_missing"}
}

test_amendment_step_that_is_not_known_is_denied if {
	"amendment.state" in denied(grant, put("/step", "waive"))
	"amendment.state" in denied(grant, [{"op": "remove", "path": "/step"}])
}
