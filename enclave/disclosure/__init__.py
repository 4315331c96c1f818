"""May a number leave? Rules, primary and secondary suppression, and the proof that what is hidden stays hidden."""
