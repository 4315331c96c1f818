"""Tables of one answer: their cells and margins, and what is hidden so that no hidden number can be had by subtraction."""
