"""Permit → extract: what of the sources a project receives, under which pseudonyms, and how that is written down."""
