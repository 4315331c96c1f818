"""Table files that ask to leave: read as text, with what their columns mean, and judged."""
