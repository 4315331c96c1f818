"""`python -m tests.asking docs` prints the guide for researchers, in both languages, into a folder."""

import sys
from pathlib import Path

from tests.asking.answers import ask_all
from tests.asking.page import LANGUAGES, NAMES, page

answers = ask_all()
for language in LANGUAGES:
    Path(sys.argv[1], NAMES[language]).write_text(page(language, answers), "utf-8")
