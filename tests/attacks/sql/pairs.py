"""The corpus: `*.sql`, each attack beside a near-identical honest twin. `{U+200B}` in a text is that character.

-- attack: [class of THREATS, where it has a number] what it tries
-- code: the refusal it must get; `hidden`: it is answered, and what it is after is not in the answer
-- form: rows or table
SELECT …
-- twin: rows or table
SELECT …

`24_slips.sql` holds what people write by mistake, with titles in both languages (`in English / 日本語`): the guide for
researchers (docs/asking.md) shows these. `../aggregate/slips.sql` is its sister for the aggregate tier.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from enclave.query.stages import Form

FOLDER = Path(__file__).parent

_PAIR = re.compile(
    r"-- attack: (?P<title>[^\n]+)\n-- code: (?P<code>[^\n]+)\n-- form: (?P<form>rows|table)\n(?P<attack>.*?)\n"
    r"-- twin: (?P<twin_form>rows|table)\n(?P<twin>.*?)(?=\n\n-- attack: |\s*\Z)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Pair:
    name: str
    code: str
    form: Form
    attack: str
    twin_form: Form
    twin: str

    @property
    def threat(self) -> int | None:
        """The number of its class in the list of THREATS, part SQL."""
        found = re.search(r"\[(\d\d)\]", self.name)
        return int(found[1]) if found else None


def pairs() -> list[Pair]:
    """Every pair of every file. Raises ValueError for a file with something between its pairs."""
    return [pair for file in sorted(FOLDER.glob("*.sql")) for pair in read(file)]


def read(file: Path) -> list[Pair]:
    text = file.read_text()
    matches = list(_PAIR.finditer(text))
    if len(matches) != text.count("-- attack: "):
        raise ValueError(f"{file.name}: a pair that cannot be read")
    return [
        Pair(
            f"{file.stem}: {m['title']}",
            m["code"],
            Form(m["form"]),
            _characters(m["attack"]),
            Form(m["twin_form"]),
            _characters(m["twin"]),
        )
        for m in matches
    ]


def _characters(text: str) -> str:
    return re.sub(r"\{U\+([0-9A-F]{4,6})\}", lambda m: chr(int(m[1], 16)), text)
