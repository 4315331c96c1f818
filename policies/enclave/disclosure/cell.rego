# METADATA
# title: Is this cell unsafe by itself?
# description: >-
#   The rules of enclave/disclosure/cell_rules.py, written a second time and set by set from the files themselves: whoever doubts
#   the program reads this, and a test asks both about the same cells. No cell is decided here while the system runs.
#   `cell`: the evidence (enclave/disclosure/evidence.py), null where nobody counted; sums in whole numbers of their smallest
#   unit. `sets`: rule sets as in policies/data. Percentages have at most three decimals, so all arithmetic is in whole numbers.
package enclave.disclosure.cell

# METADATA
# description: Every reason, as [code, rule]; the rule is named only where evidence for it is missing, else "".
reasons(cell, sets) := union({
	persons(cell, sets),
	institutions(cell, sets),
	group(cell, sets),
	contributions(cell, sets),
	numerator(cell, sets),
	statistic(cell, sets),
	quantity(cell, sets),
})

missing(rule) := ["disclosure.evidence_missing", rule]

found(code) := [sprintf("disclosure.%s", [code]), ""]

small(number, n) if {
	is_number(number)
	number > 0
	number < n
}

thousandths(number) := round(number * 1000)

# -- who stands behind the cell ----------------------------------------------------------------------------------------

persons(cell, sets) := union({
	{missing("min_persons_by_population") |
		cell.municipal
		cell.population == null
		some one in sets
		one.min_persons_by_population
	},
	{found("no_counts") | no_counts(cell, sets)},
	{missing("min_persons") | cell.persons == null; cell.statistic != "quantity"},
	{found("small_cell") | some n in thresholds(cell, sets); small(cell.persons, n)},
	{found("zero_hidden") | cell.persons == 0; hides_zero(sets)},
	{found("redacted") |
		some one in sets
		one.rounding.redact_at_most > 0
		is_number(cell.persons)
		cell.persons <= one.rounding.redact_at_most
	},
})

hides_zero(sets) if {
	some one in sets
	one.min_persons.zero == "hidden"
}

no_counts(cell, sets) if {
	some one in sets
	tier(cell, one).n == null
}

# The narrowest tier that the area falls into.
tier(cell, one) := chosen if {
	is_number(cell.population)
	fitting := [each | some each in one.min_persons_by_population; cell.population < each.below]
	some chosen in fitting
	chosen.below == min({each.below | some each in fitting})
}

thresholds(cell, sets) := {n |
	not no_counts(cell, sets)
	some one in sets
	some n in ({one.min_persons.n | true} | {tier(cell, one).n | true})
}

institutions(cell, sets) := {reason |
	some one in sets
	one.min_institutions
	cell.persons != 0
	some reason in ({missing("min_institutions") | cell.institutions == null} | {found("few_institutions") | small(cell.institutions, one.min_institutions.n)})
}

# -- the group that the cell is a part of ------------------------------------------------------------------------------

part_of(cell) := [cell.numerator, cell.persons] if cell.statistic == "ratio"

part_of(cell) := [cell.persons, cell.group] if cell.statistic != "ratio"

group(cell, sets) := union({
	{found("small_rest") |
		pair := divided(cell)
		some n in thresholds(cell, sets)
		small(pair[1] - pair[0], n)
	},
	{found("group_rest") |
		pair := divided(cell)
		some one in sets
		pair[1] - pair[0] < one.group.rest
	},
	{found("group_share") |
		pair := divided(cell)
		some one in sets
		(100 * 1000) * pair[0] >= thousandths(one.group.share) * pair[1]
	},
})

divided(cell) := pair if {
	pair := part_of(cell)
	is_number(pair[0])
	is_number(pair[1])
	pair[0] > 0
}

# -- contributions to a sum --------------------------------------------------------------------------------------------

summed(cell) if {
	cell.statistic in {"sum", "mean"}
	cell.persons != 0
}

contributors(cell) := cell.contributors if is_number(cell.contributors)

contributors(cell) := cell.persons if cell.contributors == null

known(cell, n) if {
	is_number(cell.total)
	count(cell.contributions) >= n
}

known(cell, _) if {
	is_number(cell.total)
	is_number(contributors(cell))
	contributors(cell) <= count(cell.contributions)
}

largest(cell, n) := sum(array.slice(cell.contributions, 0, n))

contributions(cell, sets) := union({
	{reason |
		summed(cell)
		some one in sets
		some reason in dominance(cell, one.dominance)
	},
	{reason |
		summed(cell)
		some one in sets
		some reason in close("p_percent", cell, thousandths(one.p_percent.p), 100 * 1000, object.get(one.p_percent, "n", 1))
	},
	{reason |
		summed(cell)
		some one in sets
		some reason in close("pq", cell, thousandths(one.pq.p), thousandths(one.pq.q), 1)
	},
})

dominance(cell, rule) := {missing("dominance")} if not known(cell, rule.n)

dominance(cell, rule) := {found("dominance") |
	(100 * 1000) * largest(cell, rule.n) > thousandths(rule.k) * cell.total
} if {
	known(cell, rule.n)
}

# Unsafe where what the largest and the n next leave of the total is less than p / q of the largest.
close(name, cell, _, _, n) := {missing(name)} if not known(cell, n + 1)

close(name, cell, p, q, n) := {found(name) |
	(cell.total - largest(cell, n + 1)) * q < p * largest(cell, 1)
} if {
	known(cell, n + 1)
}

# -- other statistics --------------------------------------------------------------------------------------------------

numerator(cell, sets) := union({
	{missing("min_persons") | cell.statistic == "ratio"; cell.numerator == null},
	{found("small_numerator") |
		cell.statistic == "ratio"
		some n in thresholds(cell, sets)
		small(cell.numerator, n)
	},
	{found("zero_hidden") |
		cell.statistic == "ratio"
		cell.numerator == 0
		hides_zero(sets)
	},
})

needs := {
	"quantile": {"limit": "quantile_margin", "code": "quantile_margin", "numbers": ["below", "above"]},
	"extreme": {"limit": "quantile_margin", "code": "extreme", "numbers": ["at"]},
	"survival": {"limit": "survival_at_risk", "code": "few_at_risk", "numbers": ["at_risk"]},
	"model": {"limit": "min_df", "code": "few_degrees_of_freedom", "numbers": ["df"]},
}

statistic(cell, sets) := {reason |
	need := needs[cell.statistic]
	some one in sets
	some reason in short_of(cell, need, one.statistics[need.limit])
}

short_of(cell, need, _) := {missing(sprintf("statistics.%s", [need.limit]))} if {
	some name in need.numbers
	cell[name] == null
}

short_of(cell, need, least) := {found(need.code) |
	some name in need.numbers
	cell[name] < least
	not curve_ended(cell)
} if {
	every name in need.numbers {
		cell[name] != null
	}
}

curve_ended(cell) if {
	cell.statistic == "survival"
	cell.at_risk == 0
}

quantity(cell, sets) := union({
	{missing("min_persons") | dispensed(cell); count(limits(cell, sets)) == 0},
	{missing("min_persons") | dispensed(cell); cell.quantity == null},
	{missing("min_persons") |
		dispensed(cell)
		some one in sets
		one.min_persons
		not one.quantities[cell.route]
	},
	{found("small_quantity") |
		dispensed(cell)
		some least in limits(cell, sets)
		small(cell.quantity, least)
	},
})

dispensed(cell) if {
	cell.statistic == "quantity"
	cell.persons == null
}

limits(cell, sets) := {least | some one in sets; least := one.quantities[cell.route]}
