# METADATA
# title: May this step of an export be taken?
# description: >-
#   Steps: return (the machine turns it back), queue, vote, approve (do the votes release it), download.
#   Input: enclave/export/review.py; examples/export_*.json.
package enclave.export

import data.enclave.permit

# METADATA
# description: The answer; anything but `allow` being true is a no.
# entrypoint: true
decision := {"allow": count(deny) == 0, "deny": deny, "obligations": {"approvals": approvals_needed}}

# METADATA
# description: A step that is not known is not allowed.
deny contains "export.state" if not input.step in {"return", "queue", "vote", "approve", "download"}

# METADATA
# description: An export needs its permit in force; a checker may still say no after its end.
deny contains code if {
	input.step != "vote"
	some code in permit.not_in_force(input.permit, input.now)
}

# -- by the researcher -------------------------------------------------------------------------------------------------

# METADATA
# description: Handlers submit and download.
deny contains "permit.not_handler" if {
	input.step in {"return", "queue", "download"}
	not permit.handler(input.permit, input.person)
}

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
	not input.export.output in input.permit.outputs
}

# METADATA
# description: No file goes to the checkers that the machine found unsafe, or did not examine.
deny contains "export.failed_checks" if {
	input.step == "queue"
	not files_passed
}

files_passed if {
	count(input.export.files) > 0
	every file in input.export.files {
		file.verdict in {"pass", "human"}
	}
}

# METADATA
# description: What is not released is not downloaded.
deny contains "export.not_released" if {
	input.step == "download"
	not input.export.state == "released"
}

# -- by a checker ------------------------------------------------------------------------------------------------------

# METADATA
# description: Voting needs the role.
deny contains "export.not_checker" if {
	input.step in {"vote", "approve"}
	not "checker" in input.roles
}

# METADATA
# description: Nobody checks the output of their own project.
deny contains "export.own_project" if {
	input.step in {"vote", "approve"}
	some person in ({input.person} | voters)
	person in parties
}

parties := ({person | some person in input.permit.parties} | {person | some person in input.permit.handlers}) | {input.export.person}

# METADATA
# description: Votes are given while the export waits for them.
deny contains "export.not_queued" if {
	input.step in {"vote", "approve"}
	not input.export.state == "queued"
}

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
	count(approvals) == count(voters)
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
	every vote in input.export.votes {
		vote.digest == input.export.digest
	}
}
