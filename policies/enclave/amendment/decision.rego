# METADATA
# title: May a running permit be amended?
# description: >-
#   Steps: look (may this person begin an amendment, and how far may it go), submit, opinion (may this person give this
#   opinion), grant (do the opinions grant it). Input: enclave/application/amendment.py; examples/amendment_*.json. The
#   bounds are data (policies/budgets), and go with every answer.
package enclave.amendment

import data.enclave.permit
import data.enclave.question
import data.enclave.review

# METADATA
# description: The answer; anything but `allow` being true is a no. The obligations say how far, and which limit goes too far.
# entrypoint: true
decision := {"allow": count(deny) == 0, "deny": deny, "obligations": obligations}

obligations := {"bounds": data.budgets.limits, "refused": refused}

# METADATA
# description: A step that is not known, or not said, is not allowed.
deny contains "amendment.state" if not step_known

step_known if input.step in {"look", "submit", "opinion", "grant"}

# METADATA
# description: A question that leaves out what it is about is a no.
deny contains "policy.input_incomplete" if not complete

complete if {
	question.instant(input.now)
	question.text(input.amendment.applicant)
	question.text(input.amendment.revises)
	founder_known
	question.some_texts(input.permit.handlers)
	every name in names {
		limit_known(name)
	}
}

# Who applied for the project, where it was applied for here.
founder_known if input.amendment.founder == null

founder_known if question.text(input.amendment.founder)

names := {"queries_day", "rows_day", "bytes_day"}

# A permit without a limit needs no larger one: then none is asked for.
limit_known(name) if {
	input.permit.limits[name] == null
	input.amendment.limits[name] == null
}

limit_known(name) if {
	question.whole(input.permit.limits[name])
	question.whole(input.amendment.limits[name])
}

# -- whose, and of what ------------------------------------------------------------------------------------------------

# METADATA
# description: Of the kinds of amendments, this one is heard here; a kind that is not known is a no.
deny contains "amendment.kind" if not kind_known

kind_known if input.amendment.kind in {"limits"}

# METADATA
# description: A permit is amended between its dates only.
deny contains code if some code in permit.not_in_force

# METADATA
# description: A handler applies for it.
deny contains "permit.not_handler" if not applicant_is_handler

applicant_is_handler if permit.handler(input.amendment.applicant)

# METADATA
# description: What is amended is the revision in force, not one from before another amendment.
deny contains "amendment.superseded" if not of_this_revision

of_this_revision if {
	question.text(input.permit.reference)
	input.amendment.revises == input.permit.reference
}

# METADATA
# description: One amendment of a permit at a time, or the second would be judged by what the first is about to change.
deny contains "amendment.open" if {
	input.step in {"look", "submit"}
	not none_open
}

none_open if {
	is_array(input.open)
	count(input.open) == 0
}

# -- how far -----------------------------------------------------------------------------------------------------------

# METADATA
# description: Asked when it is submitted, and again on the day of the decision.
deny contains one.code if {
	input.step in {"submit", "grant"}
	some one in refused
}

# METADATA
# description: No limit becomes smaller.
refused contains {"limit": name, "code": "amendment.smaller"} if {
	some name in names
	input.amendment.limits[name] < input.permit.limits[name]
	is_number(input.amendment.limits[name])
}

# METADATA
# description: No limit is raised beyond its bound; one without a bound is not raised.
refused contains {"limit": name, "code": "amendment.beyond"} if {
	some name in larger
	not within(name)
}

within(name) if input.amendment.limits[name] <= data.budgets.limits[name].most

larger contains name if {
	some name in names
	input.amendment.limits[name] > input.permit.limits[name]
	is_number(input.permit.limits[name])
}

# METADATA
# description: At least one limit is larger than it is now.
deny contains "amendment.unchanged" if {
	input.step in {"submit", "grant"}
	count(larger) == 0
}

# -- one opinion -------------------------------------------------------------------------------------------------------

# METADATA
# description: Who said what is known in full, or nobody could be found to be party.
deny contains "policy.input_incomplete" if {
	input.step in {"opinion", "grant"}
	not opinions_known
}

opinions_known if {
	is_array(input.opinions)
	every sheet in input.opinions {
		question.text(sheet.reviewer)
		sheet.opinion in {"approve", "refuse"}
	}
}

# METADATA
# description: Nobody reviews an amendment of a permit that they are party to.
deny contains "amendment.own" if {
	some person in reviewers
	person in parties
}

parties := {input.amendment.applicant, input.amendment.founder} | {handler | some handler in input.permit.handlers}

reviewers := {sheet.reviewer | some sheet in input.opinions} | {person | person := input.person}

# METADATA
# description: An opinion is somebody's.
deny contains "policy.input_incomplete" if {
	input.step == "opinion"
	not reviewer_named
}

reviewer_named if {
	question.text(input.person)
	question.texts(input.roles)
}

# METADATA
# description: Opinions are the committee's.
deny contains "session.role_missing" if {
	input.step == "opinion"
	not of_the_committee
}

of_the_committee if "committee" in input.roles

# METADATA
# description: One opinion per person.
deny contains "amendment.opinion_given" if {
	input.step == "opinion"
	some sheet in input.opinions
	sheet.reviewer == input.person
}

# -- the grant ---------------------------------------------------------------------------------------------------------

# METADATA
# description: It has as many approvals as each database of an application needs, and more of them than refusals.
deny contains "amendment.opinion_missing" if {
	input.step == "grant"
	not approved
}

approved if {
	count(opinions("approve")) >= review.approvals_needed
	count(opinions("approve")) > count(opinions("refuse"))
}

opinions(kind) := {sheet.reviewer |
	some sheet in input.opinions
	sheet.opinion == kind
}
