"""Sentences of a refusal for the hub's pages, which speak both languages at once, and for its API."""

from collections.abc import Mapping

from enclave.core.refusal import Refused, Wording, problem


def sentence(refused: Refused, wordings: Mapping[str, Wording]) -> str:
    """Title and hint, Japanese then English, and the code: `… / … [session.otp_used]`."""
    parts = []
    for language in ("ja", "en"):
        told = problem(refused, wordings, language)
        parts.append(" ".join(str(told[key]) for key in ("title", "hint") if told[key]))
    return f"{' / '.join(dict.fromkeys(parts))} [{refused.code}]"
