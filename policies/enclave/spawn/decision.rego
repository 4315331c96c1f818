# METADATA
# title: May this person's workspace start?
# description: "Asked at every spawn. Input: enclave/hub/admission.py; examples/spawn.json."
package enclave.spawn

import data.enclave.permit
import data.enclave.question

# METADATA
# description: The answer; anything but `allow` being true is a no.
# entrypoint: true
decision := {"allow": count(deny) == 0, "deny": deny, "obligations": obligations}

default obligations := {}

obligations := {"workspace": input.permit.workspace} if workspace_available

# METADATA
# description: A question that does not say when, who and for which project is a no.
deny contains "policy.input_incomplete" if not complete

complete if {
	question.instant(input.now)
	question.text(input.person)
	question.text(input.project)
	is_boolean(input.active)
}

# METADATA
# description: A permit is used between its dates only.
deny contains code if some code in permit.not_in_force

# METADATA
# description: Only a handler has a workspace.
deny contains "permit.not_handler" if not person_is_handler

person_is_handler if permit.handler(input.person)

# METADATA
# description: The workspace is that of the permit's project.
deny contains "session.project_differs" if not project_matches

project_matches if input.permit.project == input.project

# METADATA
# description: The kind of workspace that the permit prescribes is one that this site has.
deny contains "session.workspace_unavailable" if not workspace_available

workspace_available if input.permit.workspace in available

# METADATA
# description: Pixels-only workspaces are not built yet; a permit that prescribes one gets none, not a weaker one.
available := {"direct"}

# METADATA
# description: A person who was suspended starts nothing.
deny contains "session.inactive" if not person_is_active

person_is_active if input.active == true
