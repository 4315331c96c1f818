# METADATA
# title: Which rule sets bind an output?
# description: >-
#   One decision for each set of outputs that asks to leave: the yes carries the parameters of every rule set that binds.
#   Input: the moment, the permit's rule sets, the databases that the output draws on; examples/disclosure_output.json.
package enclave.disclosure

import data.enclave.disclosure.binding
import data.enclave.question

# METADATA
# description: The answer; anything but `allow` being true is a no.
# entrypoint: true
decision := {"allow": count(deny) == 0, "deny": deny, "obligations": obligations}

# METADATA
# description: A fact that is left out could have been the reason of a no.
deny contains "policy.input_incomplete" if not complete

complete if {
	question.instant(input.now)
	question.some_texts(input.rule_sets)
	question.some_texts(input.databases)
}

# METADATA
# description: Every database that the output draws on is covered by a rule set in force.
deny contains "query.rule_set_missing" if not protected

protected if binding.covered(bound, input.databases)

default bound := {}

bound := binding.of({id: data.data[id] | some id in input.rule_sets}, input.databases, input.now) if complete

default obligations := {}

# METADATA
# description: The rule sets that bind, with their parameters.
obligations := {"rule_sets": bound} if complete
