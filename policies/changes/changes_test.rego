# METADATA
# title: Every example with one fact changed
# description: >-
#   Each key of each example is taken out, and each value replaced by null, by something empty and by another type: the
#   answer becomes a no with a reason. What may change all the same stands in unasked.yaml, with why. The policy server
#   is asked the same, with more types, in tests/contract/test_policy_completeness.py.
package changes_test

story(name) := split(name, "_")[0]

names(prefix) := {name | some name, _ in data.examples; startswith(name, prefix)}

# METADATA
# description: What is put in the place of a value - null, something empty, and a value of another type.
others_than(value) := {null, "", [], 0} - {value} if not is_number(value)

others_than(value) := {null, "", [], "x"} if is_number(value)

# METADATA
# description: The changes of one place of a question, by what stands there afterwards ("absent", or the JSON).
replaced(question, path) := {json.marshal(other): json.patch(question, [{"op": "replace", "path": path, "value": other}]) |
	some other in others_than(object.get(question, path, null))
}

removed(question, path) := {"absent": json.patch(question, [{"op": "remove", "path": path}])} if {
	is_string(path[count(path) - 1])
} else := {}

# METADATA
# description: The changes of an example that get anything but a no with a reason.
not_denied(name) := {[path, into] |
	question := data.examples[name]
	walk(question, [path, _])
	count(path) > 0
	some into, changed in object.union(replaced(question, path), removed(question, path))
	not denied(name, changed)
}

denied(name, question) if {
	answer := data.enclave[story(name)].decision with input as question
	answer.allow == false
	count(answer.deny) > 0
	is_object(answer.obligations)
}

# METADATA
# description: Whether a line of unasked.yaml lets this place of this example become that.
unasked(name, path, into) if {
	some heading in {name, story(name)}
	some line in data.changes.unasked[heading]
	covers(line, path, into)
}

covers(line, path, _) if {
	line.may_be == "anything"
	place := split(line.at, "/")
	matches(place, array.slice(path, 0, count(place)))
}

covers(line, path, into) if {
	into in line.may_be
	matches(split(line.at, "/"), path)
}

matches(place, path) if {
	count(place) == count(path)
	every i, part in place {
		part in {"*", sprintf("%v", [path[i]])}
	}
}

unexpected(prefix) := {[name, path, into] |
	some name in names(prefix)
	some [path, into] in not_denied(name)
	not unasked(name, path, into)
}

test_changed_amendment_question_is_denied if unexpected("amendment") == set()

test_changed_application_question_is_denied if unexpected("application") == set()

test_changed_custody_question_is_denied if unexpected("custody") == set()

test_changed_disclosure_question_is_denied if unexpected("disclosure") == set()

test_changed_export_question_is_denied if unexpected("export") == set()

test_changed_query_aggregate_question_is_denied if unexpected("query_aggregate") == set()

test_changed_query_carried_question_is_denied if unexpected("query_carried") == set()

test_changed_query_no_table_question_is_denied if unexpected("query_no_table") == set()

test_changed_query_rows_question_is_denied if unexpected("query_rows") == set()

test_changed_query_table_question_is_denied if unexpected("query_table") == set()

test_changed_review_question_is_denied if unexpected("review") == set()

test_changed_spawn_question_is_denied if unexpected("spawn") == set()

# One test each keeps them within the time that a test has; here none is forgotten.
test_every_example_is_changed if {
	every name, _ in data.examples {
		some prefix in {
			"amendment", "application", "custody", "disclosure", "export", "query_aggregate", "query_carried",
			"query_no_table", "query_rows", "query_table", "review", "spawn",
		}
		startswith(name, prefix)
	}
}
