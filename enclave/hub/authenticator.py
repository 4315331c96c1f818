"""Who logs in: password and one-time code in one form, held against the records.

Decides only that a person is who they say. Roles are the records' and the portal's: nobody is an admin of the hub.
Relies on `person_records` for argon2 and for each code working once. A refused log-in of a known person is on record;
a name that nobody has is not written down anywhere, since people type passwords into the wrong field.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from jupyterhub.auth import Authenticator
from tornado.web import HTTPError

from enclave.adapters import edge
from enclave.adapters.person_records import check_credentials, find_person
from enclave.adapters.records import Records
from enclave.core.event import Actor, Outcome, Thing
from enclave.core.ids import PERSON
from enclave.core.refusal import Refused, Wording
from enclave.hub.attempts import Attempts
from enclave.hub.wording import sentence

LONGEST_PASSWORD = 1024


@dataclass(frozen=True)
class Desk:
    """What logging in relies on."""

    records: Records
    wordings: Mapping[str, Wording]
    now: Callable[[], datetime] = edge.now
    steady: Callable[[], float] = time.monotonic


class PersonsAuthenticator(Authenticator):  # type: ignore[misc]  # JupyterHub's classes carry no types
    """Persons of the records, by password and one-time code. `desk` is set by the hub's configuration."""

    desk: ClassVar[Desk]
    attempts: ClassVar[Attempts] = Attempts()
    busy: ClassVar[asyncio.Semaphore] = asyncio.Semaphore(2)
    """argon2 takes 64 MB and both processors' time: a flood of log-ins waits in line."""

    async def authenticate(self, handler: Any, data: Mapping[str, str]) -> dict[str, Any]:
        """`{name, admin: False}`. Raises HTTPError with the refusal's sentence in both languages."""
        name = str(data.get("username", "")).strip().lower()
        try:
            # The wait is looked at again inside: a hundred attempts sent at once are still one after the other.
            async with self.busy:
                await asyncio.to_thread(
                    self._check, name, str(data.get("password", "")), str(data.get("otp", ""))
                )
        except Refused as refused:
            raise as_http(refused, self.desk.wordings) from None
        return {"name": name, "admin": False}

    def _check(self, name: str, password: str, code: str) -> None:
        if not PERSON.fullmatch(name) or len(password) > LONGEST_PASSWORD:
            raise Refused("session.login_failed")
        now = self.desk.steady()
        wait = self.attempts.wait(name, now)
        try:
            if wait > 0:
                raise Refused("session.too_many_failures", {"minutes": int(wait // 60) + 1})
            actor = Actor(name, "person")
            event = edge.event(actor, "session.login", Thing("person", name))
            check_credentials(self.desk.records, name, password, code, self.desk.now(), event)
        except Refused as refused:
            if refused.code in ("session.login_failed", "session.otp_used"):
                self.attempts.failed(name, now)
                # What only has to wait is not recorded: a flood must not fill the log.
                self._record_refusal(name, refused)
            raise
        self.attempts.succeeded(name)

    def _record_refusal(self, name: str, refused: Refused) -> None:
        if find_person(self.desk.records, name) is None:
            return
        event = edge.event(
            Actor(name, "person"),
            "session.login",
            Thing("person", name),
            outcome=Outcome.REFUSED,
            codes=refused.codes,
        )
        with self.desk.records.change(event):
            pass

    async def refresh_user(self, user: Any, handler: Any = None, **_: Any) -> bool:
        """Whether the person is still active: one who is not is logged out at the next request that asks."""
        try:
            person = await asyncio.to_thread(find_person, self.desk.records, user.name)
        except Refused:
            # Silence of the ledger must not log everybody out; nothing new is shown or done meanwhile.
            return True
        return person is not None and person.active

    def is_admin(self, handler: Any, authentication: Any) -> bool:
        """Nobody: the hub's admin flag gives no right here and would give too many there."""
        return False


def as_http(refused: Refused, wordings: Mapping[str, Wording]) -> HTTPError:
    """The refusal as the hub shows it: its sentence, its status, and its code in brackets."""
    wording = wordings.get(refused.code)
    error = HTTPError(wording.status if wording else 403, refused.code.replace("%", "%%"))
    error.jupyterhub_message = sentence(refused, wordings)
    return error
