"""What is checked by code that shares nothing with the search for patterns: certificates, intervals, public tables."""
