"""Time and chance as arguments. The inside of the stories receives these ports; only the edge makes real ones."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Says what time it is: an aware datetime in UTC."""

    def __call__(self) -> datetime: ...


def rfc3339(moment: datetime) -> str:
    """`2026-11-01T00:00:00Z`, with microseconds only where there are any. Raises ValueError for a naive time."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_rfc3339(text: str) -> datetime:
    """The aware UTC datetime of an RFC 3339 text. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC)
