# METADATA
# title: Many cells and many questions at once
# description: >-
#   What a test asks: `input.cells` [{cell, sets}] and `input.questions` [{sets, databases, now}], each answered alone.
package enclave.disclosure.reference

import data.enclave.disclosure.binding
import data.enclave.disclosure.cell

# METADATA
# description: The reasons of each cell, in order; none where it is safe by itself.
cells := [cell.reasons(one.cell, one.sets) | some one in input.cells]

# METADATA
# description: The ids that bind for each question, in order, and whether every database is covered.
questions := [{"bound": object.keys(bound), "covered": covers_all(bound, one.databases)} |
	some one in input.questions
	bound := binding.of(one.sets, one.databases, one.now)
]

default covers_all(_, _) := false

covers_all(bound, databases) if binding.covered(bound, databases)
