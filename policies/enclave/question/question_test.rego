# METADATA
# title: Tests of what a question must say
package enclave.question_test

import data.enclave.question

odd := [null, true, false, -1, 0.5, "", " ", {}, {"a": "b"}]

test_nothing_odd_is_a_text_or_some_texts if {
	every value in odd {
		not question.text(value)
		not question.some_texts(value)
		not question.texts(value)
		not question.whole(value)
		not question.instant(value)
		not question.day(value)
	}
}

test_text_says_something if question.text("tanaka")

test_list_with_one_odd_value_is_no_list_of_texts if {
	every value in odd {
		not question.texts(["tanaka", value])
	}
}

test_no_texts_are_texts_but_not_some if {
	question.texts([])
	not question.some_texts([])
	question.some_texts(["tanaka"])
}

test_whole_numbers_are_numbers_from_zero if {
	question.whole(0)
	question.whole(50000000)
	not question.whole("1")
}

test_instant_of_a_moment_does_not_hang_on_its_zone if {
	question.instant("2026-12-01T09:00:00Z") == question.instant("2026-12-01T18:00:00+09:00")
	question.instant("2026-12-01T09:00:00Z") < question.instant("2026-12-01T09:00:00.000001Z")
}

test_text_that_is_no_rfc_3339_names_no_moment if {
	every text in data.changes.no_times {
		not question.instant(text)
	}
}

test_day_is_a_date_and_nothing_else if {
	question.day("2026-12-01") == question.instant("2026-12-01T00:00:00Z")
	every text in {"2026", "9999", "2026-12", "2026-12-1", "2026-13-01", "2026-02-30", "2026-12-01T00:00:00Z", "20261201"} {
		not question.day(text)
	}
}
