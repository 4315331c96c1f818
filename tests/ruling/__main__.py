"""`python -m tests.ruling docs` prints the page on the rules of outputs, in both languages, into a folder."""

import sys
from pathlib import Path

from tests.ruling.page import LANGUAGES, NAMES, page

for language in LANGUAGES:
    Path(sys.argv[1], NAMES[language]).write_text(page(language), "utf-8")
