# METADATA
# title: Opinions on an application, and whether they amount to a permit
# description: >-
#   Steps: opinion (may this person give this sheet), grant (do the sheets grant it).
#   Input: enclave/application/review.py; examples/review_*.json.
package enclave.review

import data.enclave.question

# METADATA
# description: The answer; anything but `allow` being true is a no.
# entrypoint: true
decision := {"allow": count(deny) == 0, "deny": deny, "obligations": {}}

# METADATA
# description: A step that is not known, or not said, is not allowed.
deny contains "application.state" if not step_known

step_known if input.step in {"opinion", "grant"}

# METADATA
# description: Who is party, and who said what, is known in full, or nobody could be found to be party.
deny contains "policy.input_incomplete" if not complete

complete if {
	question.text(input.application.applicant)
	question.some_texts(input.application.members)
	question.texts(input.application.databases)
	is_array(input.opinions)
	every sheet in input.opinions {
		question.text(sheet.reviewer)
		question.text(sheet.database)
		sheet.opinion in {"approve", "refuse"}
	}
}

parties := {input.application.applicant} | {member | some member in input.application.members}

# METADATA
# description: Nobody reviews an application that they are party to.
deny contains "application.own" if {
	some person in reviewers
	person in parties
}

reviewers := {sheet.reviewer | some sheet in input.opinions} | {person | person := input.person}

# -- one sheet ---------------------------------------------------------------------------------------------------------

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
# description: An opinion is about a database of the application.
deny contains "application.unknown_database" if {
	input.step == "opinion"
	not database_asked_for
}

database_asked_for if input.database in input.application.databases

# METADATA
# description: One sheet per person and database.
deny contains "application.opinion_given" if {
	input.step == "opinion"
	some sheet in input.opinions
	sheet.reviewer == input.person
	sheet.database == input.database
}

# -- the grant ---------------------------------------------------------------------------------------------------------

# METADATA
# description: Every database has its approvals, and more of them than refusals.
deny contains "application.opinion_missing" if {
	input.step == "grant"
	not every_database_approved
}

every_database_approved if {
	count(input.application.databases) > 0
	every database in input.application.databases {
		count(opinions(database, "approve")) >= approvals_needed
		count(opinions(database, "approve")) > count(opinions(database, "refuse"))
	}
}

opinions(database, kind) := {sheet.reviewer |
	some sheet in input.opinions
	sheet.database == database
	sheet.opinion == kind
}

# METADATA
# description: Approving members per database.
approvals_needed := 2
