"""What every safe pattern costs at least, read from the sums alone: a bound where there is no time for a programme.

A sum in which an unsafe cell stands alone hides another of its cells: else the cell is what the others leave. Each such sum may
charge its cells, together at most what each of them costs; whatever is charged is a bound (the dual of a covering programme,
raised sum by sum). Relies on nothing but the system; no solver, and a number that anybody can add up again.
"""

from fractions import Fraction

from enclave.disclosure.protection.system import System


def least_of_sums(system: System) -> Fraction:
    """In the units of `System.costs`."""
    alone = []
    for total, details in system.sums:
        cells = (total, *details)
        if sum(cell in system.needs for cell in cells) == 1:
            others = [cell for cell in cells if cell not in system.needs and cell not in system.open]
            alone.append(others)
    left = dict(enumerate(system.costs))
    charged = Fraction(0)
    # Sums of few cells leave the least to choose.
    for others in sorted(alone, key=lambda cells: (len(cells), cells)):
        price = min((left[cell] for cell in others), default=Fraction(0))
        if price > 0:
            charged += price
            for cell in others:
                left[cell] -= price
    return charged
