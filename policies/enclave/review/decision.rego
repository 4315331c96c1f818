# METADATA
# title: Opinions on an application, and whether they amount to a permit
# description: >-
#   Steps: opinion (may this person give this sheet), grant (the default: do the sheets grant it).
#   Input: enclave/application/review.py; examples/review_*.json.
package enclave.review

# METADATA
# description: The answer; anything but `allow` being true is a no.
# entrypoint: true
decision := {"allow": count(deny) == 0, "deny": deny, "obligations": {}}

step := object.get(input, "step", "grant")

deny contains "application.state" if not step in {"opinion", "grant"}

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
# description: Opinions are the committee's.
deny contains "session.role_missing" if {
	step == "opinion"
	not "committee" in input.roles
}

# METADATA
# description: An opinion is about a database of the application.
deny contains "application.unknown_database" if {
	step == "opinion"
	not input.database in input.application.databases
}

# METADATA
# description: One sheet per person and database.
deny contains "application.opinion_given" if {
	step == "opinion"
	some sheet in input.opinions
	sheet.reviewer == input.person
	sheet.database == input.database
}

# -- the grant ---------------------------------------------------------------------------------------------------------

# METADATA
# description: Every database has its approvals, and more of them than refusals.
deny contains "application.opinion_missing" if {
	step == "grant"
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
