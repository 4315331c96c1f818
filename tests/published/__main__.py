"""`python -m tests.published docs` prints the page on real public tables, in both languages, into a folder."""

import sys
from pathlib import Path

from tests.published.page import LANGUAGES, PAGES, page

for language in LANGUAGES:
    Path(sys.argv[1], PAGES[language]).write_text(page(language), "utf-8")
