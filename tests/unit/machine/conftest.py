"""The set-up's modules lie in `deploy/machine`, outside the package: they run before anything is installed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "deploy" / "machine"))
