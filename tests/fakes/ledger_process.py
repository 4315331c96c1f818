"""The real ledger in a process of its own, over a real Unix socket, for tests that end it."""

import hashlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from enclave.adapters import ledger_files
from enclave.adapters.ledger_client import LedgerClient
from enclave.core.refusal import Refused

ROOT = Path(__file__).parents[2]
CALLERS = ("portal", "gateway", "auditor")
_START = """
import sys
from pathlib import Path
from enclave.adapters.ledger_service import main
main(*(Path(argument) for argument in sys.argv[1:]))
"""


class LedgerProcess:
    """One ledger in `folder`; may be started again after it was ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "ledger"
        self.log = self.store / "log"
        self.socket = folder / "ledger.sock"
        self.key = ledger_files.make_key(folder / "signing.key", "ledger.test/log")
        digests = {name: hashlib.sha256(f"token of {name}".encode()).hexdigest() for name in CALLERS}
        (folder / "callers.json").write_text(json.dumps(digests))
        self.process: subprocess.Popen[str] | None = None

    def start(self, largest_file: int | None = None) -> "LedgerProcess":
        """Starts it and waits until it answers; `largest_file` in bytes stands for a full disk."""
        self.launch(largest_file)
        client = self.client("portal")
        for _ in range(3000):
            try:
                client.ping()
            except Refused:
                if self.process is None or self.process.poll() is not None:
                    raise
                time.sleep(0.02)
            else:
                return self
        raise TimeoutError("the ledger did not answer")

    def launch(self, largest_file: int | None = None) -> "subprocess.Popen[str]":
        limit: Callable[[], None] | None = None
        if largest_file is not None:
            limits = (largest_file, largest_file)

            def limit() -> None:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)

        places = (self.store, self.socket, self.folder / "signing.key", self.folder / "callers.json")
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, *map(str, places)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=limit,  # noqa: PLW1509  it only sets a limit
        )
        return self.process

    def client(self, caller: str, patience: float = 30.0) -> LedgerClient:
        """The patience is longer than a service's: what is tested here is the answer, on a machine that may be busy."""
        return LedgerClient(self.socket, f"token of {caller}", patience)

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self._gone()

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        if self.process is None:
            return 0
        self.process.terminate()
        return self._gone()

    def _gone(self) -> int:
        assert self.process is not None
        status = self.process.wait(60)
        if self.process.stderr is not None:
            self.process.stderr.close()
        self.process = None
        return status
