"""`enclave protect`: a table from files to files, with the program's rule sets and without a policy server.

Decides what the command says. Relies on `disclosure` for every number and on `adapters.table_files` for every file.
"""

import json
import math
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import yaml

from enclave.adapters import rule_files, table_files
from enclave.core.refusal import Refused
from enclave.disclosure import verify as checker
from enclave.disclosure.protecting import protect as protected_table
from enclave.disclosure.spec import Spec
from enclave.disclosure.tabular import Tabular, tabular
from enclave.rehearsal.program import began, policies_of_program

__all__ = ["began", "policies_of_program", "protect", "verify"]

_RESERVE_S, _RESERVED = 0.4, 0.02
"""Of the time limit, what is kept for the end of the process: seconds, and a share for what comes between."""


def _read(table: Path, spec_file: Path, rules: Sequence[str], policies: Path) -> tuple[Spec, Tabular]:
    spec, parents = table_files.read_spec(spec_file)
    return spec, tabular(
        spec, parents, table_files.read_table(table), rule_files.resolve(rules, policies / "data")
    )


def protect(
    table: Path,
    spec_file: Path,
    rules: Sequence[str],
    out: Path,
    published: Path | None,
    policies: Path,
    began: float,
) -> dict[str, object]:
    """Protects and writes; what was done in numbers. `began`: when the command started, by `time.monotonic`."""
    spec, read = _read(table, spec_file, rules, policies)
    limit = math.inf if spec.time_limit is None else spec.time_limit * (1 - _RESERVED) - _RESERVE_S

    def left() -> float:
        return limit - (time.monotonic() - began)

    done = protected_table(read, left, time.monotonic() - began)
    table_files.write(done, spec, out, published)
    secondary = [place for place, one in done.hidden.items() if not one.unsafe]
    loss = sum((read.system.costs[place] for place in secondary), Fraction(0))
    return {
        "cells": len(read.keys),
        "primary": len(done.hidden) - len(secondary),
        "secondary": len(secondary),
        "loss": float(loss),
        "bound": done.found.bound,
        "optimal": not done.found.ended,
        "seconds": round(time.monotonic() - began, 2),
    }


def verify(
    table: Path, spec_file: Path, rules: Sequence[str], out: Path, policies: Path
) -> dict[str, object]:
    """Checks the certificates of a table that was protected. Raises Refused `disclosure.certificate_invalid`.

    What the protector reads is read here once more and in another way: as it is written.
    """
    spec, parents = table_files.read_spec(spec_file)
    rows, written = table_files.read_table(table), table_files.read_table(out)
    files = [rule_files.file_of(name, policies / "data") for name in rules]
    raw = [yaml.safe_load(path.read_text("utf-8")) for path in files]
    above = {
        one.name: parents.get(one.name)
        or {code: one.total for row in rows if (code := str(row[one.name])) != one.total}
        for one in spec.dimensions
    }
    try:
        lines = out.with_name(out.name + ".cert.jsonl").read_text(encoding="utf-8").splitlines()
        certificates = [json.loads(line) for line in lines]
        found = list(
            checker.problems(
                rows, written, certificates, yaml.safe_load(spec_file.read_text("utf-8")), above, raw
            )
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise Refused("disclosure.certificate_invalid", {"what": type(error).__name__, "count": 1}) from None
    if found:
        raise Refused("disclosure.certificate_invalid", {"what": found[0], "count": len(found)})
    return {"hidden": len(certificates), "verified": True}
