"""Every test, as `make test` asks for them: those that can run side by side first, then those that want the machine.

Decides only which part a test is in: whatever `ALONE` does not name runs beside others, in two processes; a file that is
new does, too. In `ALONE` is what starts the test site, builds or runs images, or says how long somebody waits while others
work. Relies on pytest, on pytest-xdist for the processes, and on `conftest.py` for what stays together in one of them.
Words after `python -m tests` go to both parts. Keeps how long the whole took, for the benchmark.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.starts import kept, whole_run

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "build" / "test-time.json"
SET_UP = Path("/var/log/enclave/install.json")

# In this order: what the gateway's tests stand on puts the homes of all sites elsewhere, until their process ends.
ALONE = (
    "tests/contract/test_engine.py",
    "tests/contract/test_engine_crowd.py",
    "tests/integration",
    "tests/story",
    "tests/unit/gateway/test_gateway_bad_input.py",
    "tests/unit/gateway/test_gateway_streams.py",
    "tests/unit/test_client_image.py",
    "tests/unit/test_client_r.py",
    "tests/unit/test_images.py",
)
PARTS: tuple[tuple[str, ...], ...] = (
    ("-n", "2", "--dist", "loadscope", "--no-loadscope-reorder", *(f"--ignore={place}" for place in ALONE)),
    ALONE,
)


def run(words: Sequence[str]) -> tuple[int, list[str]]:
    """Run pytest with these words: its exit status, and the lines that name what failed."""
    said = b""
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *words], cwd=ROOT, stdout=subprocess.PIPE
    ) as asked:
        assert asked.stdout is not None
        while piece := os.read(asked.stdout.fileno(), 1 << 16):
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
            said += piece
    lines = said.decode("utf-8", "replace").splitlines()
    return asked.returncode, [line for line in lines if line.startswith(("FAILED ", "ERROR "))]


def main(more: Sequence[str]) -> int:
    began = time.monotonic()
    ended = [run((*part, *more)) for part in PARTS]
    if not more:
        took = round(time.monotonic() - began)
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(json.dumps(whole_run(kept(RECORD), kept(SET_UP), took, round(time.time()))))
    for _, failed in ended:
        for line in failed:
            print(line)
    return max((status for status, _ in ended), key=abs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
