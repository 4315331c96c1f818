"""What the set-up says, in Japanese and English, chosen by the locale. Standard library only: it runs before anything is installed."""

import os

LANGUAGE = (
    "ja"
    if (os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or "").startswith(
        "ja"
    )
    else "en"
)


def say(ja: str, en: str) -> str:
    """The sentence in the reader's language."""
    return ja if LANGUAGE == "ja" else en


class SetupRefused(Exception):  # noqa: N818  the set-up's no, with a code and one sentence
    """Set-up cannot go on. `code` is stable, `sentence` says what to do."""

    def __init__(self, code: str, ja: str, en: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = say(ja, en)
