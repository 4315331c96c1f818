# METADATA
# title: The permit
# description: What every story asks of a permit; positive helpers, so that a missing field means no.
package enclave.permit

# METADATA
# description: Whether validity has begun at `now` (RFC 3339).
begun(permit, now) if time.parse_rfc3339_ns(permit.valid_from) <= time.parse_rfc3339_ns(now)

# METADATA
# description: Whether validity has not ended at `now`; validity is half-open, its end is outside.
not_ended(permit, now) if time.parse_rfc3339_ns(now) < time.parse_rfc3339_ns(permit.valid_to)

# METADATA
# description: Whether the person is a handler (取扱者) of the permit.
handler(permit, person) if person in permit.handlers

# METADATA
# description: The codes that speak against using the permit at `now`.
not_in_force(permit, now) := {code | some code in {"permit.not_yet_valid"}; not begun(permit, now)} | {code | some code in {"permit.expired"}; not not_ended(permit, now)}
