# METADATA
# title: May this step of an export be taken?
# description: >-
#   Steps: return (the machine turns it back), queue, vote, approve (do the votes release it), download.
#   Input: enclave/export/review.py; examples/export_*.json.
package enclave.export

import data.enclave.permit
import data.enclave.question

# METADATA
# description: The answer; anything but `allow` being true is a no.
# entrypoint: true
decision := {"allow": count(deny) == 0, "deny": deny, "obligations": obligations}

default obligations := {}

obligations := {"approvals": approvals_needed} if complete

# METADATA
# description: A step that is not known is not allowed.
deny contains "export.state" if not step_known

step_known if input.step in by_researcher | by_checker

by_researcher := {"return", "queue", "download"}

by_checker := {"vote", "approve"}

# METADATA
# description: A question that does not say who, when, and under which permit is a no at every step.
deny contains "policy.input_incomplete" if not complete

complete if {
	question.instant(input.now)
	question.instant(input.permit.valid_from)
	question.instant(input.permit.valid_to)
	question.whole(input.permit.checkers)
	question.text(input.person)
	question.text(input.export.person)
}

# METADATA
# description: An export needs its permit in force; a checker may still say no after its end.
deny contains code if {
	not voting
	some code in permit.not_in_force
}

voting if input.step == "vote"

# -- by the researcher -------------------------------------------------------------------------------------------------

# METADATA
# description: Handlers submit and download.
deny contains "permit.not_handler" if {
	input.step in by_researcher
	not person_is_handler
}

person_is_handler if permit.handler(input.person)

# METADATA
# description: A person submits their own export.
deny contains "export.state" if {
	input.step in {"return", "queue"}
	not own_submission
}

own_submission if {
	input.person == input.export.person
	input.export.state == "submitted"
}

# METADATA
# description: An export answers to an output that the permit plans.
deny contains "export.output_unknown" if {
	input.step == "queue"
	not output_planned
}

output_planned if {
	question.texts(input.permit.outputs)
	input.export.output in input.permit.outputs
}

# METADATA
# description: No file goes to the checkers that the machine found unsafe, or did not examine.
deny contains "export.failed_checks" if {
	input.step == "queue"
	not files_passed
}

files_passed if {
	is_array(input.export.files)
	count(input.export.files) > 0
	every file in input.export.files {
		file.verdict in {"pass", "human"}
	}
}

# METADATA
# description: What is not released is not downloaded.
deny contains "export.not_released" if {
	input.step == "download"
	not released
}

released if input.export.state == "released"

# -- by a checker ------------------------------------------------------------------------------------------------------

# METADATA
# description: Who is of the project, and who voted what, is known in full, or nobody could be found to be of it.
deny contains "policy.input_incomplete" if {
	input.step in by_checker
	not parties_and_votes_known
}

parties_and_votes_known if {
	question.some_texts(input.permit.parties)
	question.some_texts(input.permit.handlers)
	is_array(input.export.votes)
	every vote in input.export.votes {
		question.text(vote.checker)
		question.text(vote.digest)
		vote.vote in {"approve", "reject"}
	}
}

# METADATA
# description: Voting needs the role.
deny contains "export.not_checker" if {
	input.step in by_checker
	not person_is_checker
}

person_is_checker if {
	question.texts(input.roles)
	"checker" in input.roles
}

# METADATA
# description: Nobody checks the output of their own project.
deny contains "export.own_project" if {
	input.step in by_checker
	some person in ({input.person} | voters)
	person in parties
}

parties := ({person | some person in input.permit.parties} | {person | some person in input.permit.handlers}) | {input.export.person}

# METADATA
# description: Votes are given while the export waits for them.
deny contains "export.not_queued" if {
	input.step in by_checker
	not queued
}

queued if input.export.state == "queued"

# METADATA
# description: One vote per checker.
deny contains "export.already_voted" if {
	input.step == "vote"
	input.person in voters
}

voters := {vote.checker | some vote in input.export.votes}

# METADATA
# description: Enough different checkers approved, and none rejected.
deny contains "export.votes_missing" if {
	input.step == "approve"
	not approved
}

approved if {
	count(approvals) >= approvals_needed
	every vote in input.export.votes {
		vote.vote == "approve"
	}
}

approvals := {vote.checker | some vote in input.export.votes; vote.vote == "approve"}

# METADATA
# description: Two at the least, more where the permit says so.
approvals_needed := max([2, input.permit.checkers])

# METADATA
# description: Every vote was given for the very bytes that would be released.
deny contains "export.digest" if {
	input.step == "approve"
	not same_digest
}

same_digest if {
	question.text(input.export.digest)
	every vote in input.export.votes {
		vote.digest == input.export.digest
	}
}
