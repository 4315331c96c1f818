"""Which cells may not be shown by themselves: rule sets as data, the rules of single cells, and those of categories."""
