"""A no, as a notebook shows it: a short box with code, sentence, facts and hint, without a traceback.

The words come from the gateway in the session's language; only what the client itself finds is worded here.
"""

from collections.abc import Mapping

from enclave_client.words import Language, word

_RED, _BOLD, _DIM, _PLAIN = "\x1b[31m", "\x1b[1m", "\x1b[2m", "\x1b[0m"


def _fact(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_fact(part) for part in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_fact(part)}" for name, part in value.items())
    return str(value)


class Refused(Exception):  # noqa: N818  the project's word for a no; it is not an error
    """A no with its stable dotted `code`, a `title`, `facts` (never a data value) and a `hint` what to do."""

    def __init__(
        self,
        code: str,
        title: str = "",
        facts: Mapping[str, object] | None = None,
        hint: str = "",
        language: Language = "en",
    ) -> None:
        super().__init__(code, title)
        self.code, self.title, self.facts, self.hint, self.language = (
            code,
            title,
            dict(facts or {}),
            hint,
            language,
        )

    @classmethod
    def from_problem(cls, problem: Mapping[str, object], language: Language) -> "Refused":
        """From the gateway's problem+json `{type, status, code, title, facts, hint}`."""
        facts = problem.get("facts")
        return cls(
            str(problem.get("code", "client.answer")),
            str(problem.get("title", "")),
            facts if isinstance(facts, Mapping) else {},
            str(problem.get("hint") or ""),
            language,
        )

    @classmethod
    def own(cls, code: str, language: Language, **facts: object) -> "Refused":
        """What the client itself has to say, worded in `words.WORDS`."""
        return cls(
            code, word(code, language, **facts), facts, word(f"{code}.hint", language, **facts), language
        )

    def lines(self) -> list[str]:
        """The box, line by line, without colours."""
        head = f"{word('refused', self.language)}: {self.code}"
        facts = [
            f"{name}: {_fact(value)}" for name, value in self.facts.items() if value not in (None, "", [], {})
        ]
        return [
            head,
            *([self.title] if self.title else []),
            *facts,
            *([f"→ {self.hint}"] if self.hint else []),
        ]

    def __str__(self) -> str:
        """What a script's last line, a log or an `except … as no: print(no)` shows: the box without colours."""
        return "\n".join(self.lines())

    def _render_traceback_(self) -> list[str]:
        head, *rest = self.lines()
        bar = f"{_RED}▌{_PLAIN} "
        body = [
            f"{bar}{_BOLD if line == self.title else _DIM if not line.startswith('→') else ''}{line}{_PLAIN}"
            for line in rest
        ]
        return [f"{bar}{_RED}{_BOLD}{head}{_PLAIN}", *body]


class Cancelled(KeyboardInterrupt):
    """The person interrupted a running query, and the gateway was told to stop it."""

    def __init__(self, query: str, language: Language) -> None:
        super().__init__(query)
        self.query, self.language = query, language

    def _render_traceback_(self) -> list[str]:
        return [
            f"■ {word('cancelled', self.language)} ({self.query}) {word('cancelled.hint', self.language)}"
        ]
