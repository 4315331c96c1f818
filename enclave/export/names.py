"""What a file may be called when it leaves.

Decides from the name alone. Letters are ASCII, kana and kanji: the look-alikes of other scripts, marks that change
the direction of reading, and path parts are how a name lies to a checker or climbs out of a folder (THREATS, Files at
the airlock).
"""

import re
import unicodedata

LONGEST = 100
"""Characters."""

_PART = r"0-9A-Za-z\u3041-\u3096\u30a1-\u30fa\u30fc\u3005\u3007\u4e00-\u9fff"
_NAME = re.compile(rf"[{_PART}](?:[{_PART}_ ()（）・-]*[{_PART})）])?\.[a-z]{{3}}")
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])\.", re.IGNORECASE)


def well_named(name: str) -> bool:
    """Whether a name is one plain word of allowed letters with one extension of three small letters."""
    return (
        len(name) <= LONGEST
        and unicodedata.is_normalized("NFC", name)
        and _NAME.fullmatch(name) is not None
        and _DEVICES.match(name) is None
    )


def key(name: str) -> str:
    """Two names with the same key would be one file, or look like one, on some system."""
    return unicodedata.normalize("NFKC", name).casefold()


def shown(name: str, position: int) -> str:
    """A name as it may be kept and shown: itself where well formed, else its harmless part, marked and numbered."""
    if well_named(name):
        return name
    plain = re.sub(rf"[^{_PART}._-]", "_", name)[:60].strip("._") or "file"
    return f"{plain} (?{position})"
