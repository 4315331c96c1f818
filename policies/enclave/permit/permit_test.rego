# METADATA
# title: Tests of the permit
package enclave.permit_test

import data.enclave.permit

now := "2026-12-01T00:00:00Z"

valid := {"valid_from": "2026-11-01T00:00:00Z", "valid_to": "2027-10-31T15:00:00Z", "handlers": ["tanaka"]}

test_permit_is_in_force_between_its_dates if count(permit.not_in_force(valid, now)) == 0

test_permit_is_in_force_at_its_first_moment if count(permit.not_in_force(valid, valid.valid_from)) == 0

test_permit_has_ended_at_its_last_moment if permit.not_in_force(valid, valid.valid_to) == {"permit.expired"}

test_permit_has_not_begun_before if {
	permit.not_in_force(valid, "2026-10-31T23:59:59Z") == {"permit.not_yet_valid"}
}

test_permit_without_dates_is_never_in_force if {
	permit.not_in_force({}, now) == {"permit.not_yet_valid", "permit.expired"}
}

test_permit_is_not_in_force_at_a_time_that_is_no_time if {
	permit.not_in_force(valid, "soon") == {"permit.not_yet_valid", "permit.expired"}
}

test_permit_names_its_handlers if permit.handler(valid, "tanaka")

test_permit_has_no_other_handlers if not permit.handler(valid, "mallory")

test_permit_without_handlers_has_none if not permit.handler({}, "tanaka")
