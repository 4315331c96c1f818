# METADATA
# title: Tests of the permit
package enclave.permit_test

import data.enclave.permit

valid := {"valid_from": "2026-11-01T00:00:00Z", "valid_to": "2027-10-31T15:00:00Z", "handlers": ["tanaka"]}

against(asked, now) := codes if {
	codes := permit.not_in_force with input as {"permit": asked, "now": now}
}

begins(moment) := object.union(valid, {"valid_from": moment})

ends(moment) := object.union(valid, {"valid_to": moment})

never := {"permit.not_yet_valid", "permit.expired"}

test_permit_is_in_force_between_its_dates if against(valid, "2026-12-01T00:00:00Z") == set()

test_permit_is_in_force_at_its_first_moment if against(valid, valid.valid_from) == set()

test_permit_has_ended_at_its_last_moment if against(valid, valid.valid_to) == {"permit.expired"}

test_permit_has_not_begun_before if against(valid, "2026-10-31T23:59:59Z") == {"permit.not_yet_valid"}

test_permit_without_dates_is_never_in_force if against({}, "2026-12-01T00:00:00Z") == never

test_permit_at_no_time_is_not_in_force if {
	codes := permit.not_in_force with input as {"permit": valid}
	codes == never
}

test_no_permit_is_never_in_force if {
	codes := permit.not_in_force with input as {"now": "2026-12-01T00:00:00Z"}
	codes == never
}

test_permit_is_not_in_force_at_a_time_that_is_no_time if {
	every text in data.changes.no_times {
		against(valid, text) == never
	}
}

test_permit_whose_beginning_is_no_time_has_not_begun if {
	every text in data.changes.no_times {
		against(begins(text), "2026-12-01T00:00:00Z") == {"permit.not_yet_valid"}
	}
}

test_permit_whose_end_is_no_time_has_ended if {
	every text in data.changes.no_times {
		against(ends(text), "2026-12-01T00:00:00Z") == {"permit.expired"}
	}
}

test_one_moment_written_in_another_zone_is_the_same_moment if {
	every text in ["2026-12-01T09:00:00+09:00", "2026-11-30T15:00:00-09:00", "2026-12-01T00:00:00.000Z"] {
		against(begins(text), "2026-12-01T00:00:00Z") == set()
		against(ends(text), "2026-12-01T00:00:00Z") == {"permit.expired"}
		against(valid, text) == set()
	}
}

# As texts each of these pairs stands in the other order.
test_permit_that_ended_hours_ago_in_japan_has_ended if {
	against(ends("2026-12-01T17:00:00+09:00"), "2026-12-01T09:00:00Z") == {"permit.expired"}
}

test_permit_that_begins_in_an_hour_in_the_west_has_not_begun if {
	against(begins("2026-12-01T01:00:00-09:00"), "2026-12-01T09:00:00Z") == {"permit.not_yet_valid"}
}

test_permit_that_ended_half_a_second_ago_has_ended if {
	against(ends("2026-12-01T09:00:00Z"), "2026-12-01T09:00:00.5Z") == {"permit.expired"}
}

test_permit_whose_dates_are_crossed_is_never_in_force if {
	crossed := object.union(valid, {"valid_from": valid.valid_to, "valid_to": valid.valid_from})
	against(crossed, "2026-12-01T00:00:00Z") == never
}

test_permit_names_its_handlers if {
	permit.handler("tanaka") with input as {"permit": valid}
}

test_permit_has_no_other_handlers if {
	not permit.handler("mallory") with input as {"permit": valid}
}

test_permit_without_handlers_has_none if {
	not permit.handler("tanaka") with input as {"permit": {}}
	not permit.handler("tanaka") with input as {}
}

test_nobody_is_no_handler if {
	every nobody in ["", " ", null] {
		not permit.handler(nobody) with input as {"permit": {"handlers": [nobody]}}
	}
}
