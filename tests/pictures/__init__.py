"""Pictures for the pages on rules and on protecting tables, drawn from what the engine itself finds."""
