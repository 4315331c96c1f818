"""Described tables of any size: as systems of sums, patterns that protect them, and the two tables that show each."""
