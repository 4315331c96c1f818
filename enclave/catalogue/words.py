"""What people read of the catalogue, in both languages."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Title:
    """What people read, in both languages."""

    ja: str
    en: str

    def of(self, language: str) -> str:
        return self.ja if language == "ja" else self.en
