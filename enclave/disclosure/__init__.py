"""May a number leave? Rules, primary and secondary suppression, and the proof that what is hidden stays hidden.

The names of `LIBRARY` are for use without the rest (`enclave.disclosure.library`, docs/disclosure-library.md). They are loaded
when they are asked for: most of what imports this package needs one module of it, and a command starts in a fifth of a second.
"""

from importlib import import_module

LIBRARY = (
    "Perturbed",
    "ProtectedTable",
    "Release",
    "check",
    "examine",
    "perturb_counts",
    "protect",
    "protect_tables",
    "rule_set",
    "verify",
)


def __getattr__(name: str) -> object:
    if name not in LIBRARY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("enclave.disclosure.library"), name)
