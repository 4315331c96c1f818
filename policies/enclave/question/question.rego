# METADATA
# title: What a question must say
# description: >-
#   Positive helpers for every story: a value that is missing, null or of another type satisfies none of them, so a
#   decision that negates a rule built of them is a no. `not f(input.x)` itself is no guard: without `input.x` it says
#   nothing, and a rule that says nothing denies nothing.
package enclave.question

# METADATA
# description: Whether the value is a text that says something; of another type than text, it matches nothing.
text(value) if regex.match(`\S`, value)

# METADATA
# description: Whether the value is a list of texts; `[]` is the list that says "none".
texts(value) if {
	is_array(value)
	every one in value {
		regex.match(`\S`, one)
	}
}

# METADATA
# description: Whether the value is a list of texts with something in it.
some_texts(value) if {
	texts(value)
	count(value) > 0
}

# METADATA
# description: Whether the value is a whole number, zero or more.
whole(value) if {
	is_number(value)
	value >= 0
	floor(value) == value
}

# METADATA
# description: >-
#   The moment that an RFC 3339 text names, in nanoseconds; undefined for anything else. Moments are compared, never
#   their texts: one moment has many. The builtin alone would also take `T9:00:00` and `00,5Z`.
instant(value) := time.parse_rfc3339_ns(value) if {
	regex.match(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$`, value)
}

# METADATA
# description: The first moment (UTC) of a day written as `2026-12-01`; undefined for anything else.
day(value) := instant(sprintf("%sT00:00:00Z", [value])) if is_string(value)
