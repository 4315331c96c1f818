"""`python -m tests.pictures docs/pictures` draws every picture, in both languages, into a folder."""

import sys
from pathlib import Path

from tests.pictures.draw import pictures

for name, text in pictures().items():
    Path(sys.argv[1], name).write_text(text, "utf-8")
