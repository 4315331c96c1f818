"""This program as the machine runs it: when its process began, and the policies that came with it.

Imports next to nothing, so that a command that needs no more starts fast.
"""

import os
import sys
import time
from pathlib import Path

from enclave.config import PREFIX


def policies_of_program() -> Path:
    """The policies and rule sets that came with this program."""
    beside = Path(__file__).resolve().parents[2] / "policies"
    return beside if beside.is_dir() else PREFIX / "app" / "policies"


def began() -> float:
    """When the command began, by `time.monotonic`: the start of its process, where the process is the command.

    A limit of wall seconds from start to exit counts the imports too. In a process that does other things besides (its own
    arguments are not those of the command) it is now.
    """
    now = time.monotonic()
    words = sys.argv[1:]
    if not words or sys.orig_argv[-len(words) :] != words:
        return now
    try:
        # The 22nd field, counted after the name, which may hold blanks: ticks from the start of the machine.
        ticks = int(Path("/proc/self/stat").read_text("ascii", "replace").rpartition(")")[2].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        age = time.process_time()
    return now - max(0.0, age)
