"""Real published tables, audited: how much their dashes leave open, in counts and widths."""
