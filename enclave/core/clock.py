"""Time and chance as arguments. The inside of the stories receives these ports; only the edge makes real ones."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

JAPAN = timezone(timedelta(hours=9), "JST")
"""Days of an application are days in Japan, which has no summer time; people read times as there."""

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


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


def as_read(moment: datetime, language: str) -> str:
    """A time as people read it: as in Japan, and in English it says so."""
    local = moment.astimezone(JAPAN)
    if language == "ja":
        return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"
    return f"{local.day} {MONTHS[local.month - 1]} {local.year}, {local:%H:%M} JST"
