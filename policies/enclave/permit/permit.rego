# METADATA
# title: The permit
# description: >-
#   What every story asks of `input.permit` at `input.now`. Rules about the input, not functions of its parts: a part
#   that is missing leaves a rule false, where a function of it would say nothing.
package enclave.permit

import data.enclave.question

# METADATA
# description: Whether validity has begun at `now` (RFC 3339).
begun if question.instant(input.permit.valid_from) <= question.instant(input.now)

# METADATA
# description: Whether validity has not ended at `now`; validity is half-open, its end is outside.
not_ended if question.instant(input.now) < question.instant(input.permit.valid_to)

# METADATA
# description: The codes that speak against using the permit now.
not_in_force contains "permit.not_yet_valid" if not begun

not_in_force contains "permit.expired" if not not_ended

# METADATA
# description: Whether the person is a handler (取扱者) of the permit.
handler(person) if {
	question.text(person)
	question.texts(input.permit.handlers)
	person in input.permit.handlers
}
