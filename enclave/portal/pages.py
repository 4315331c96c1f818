"""Templates, filled and sent. Everything is escaped; a page has one heading, which is also its title."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse

from enclave.application.codes import CODES as APPLICATION
from enclave.audit.codes import CODES as AUDIT
from enclave.catalogue.codes import CODES as CATALOGUE
from enclave.catalogue.systems import SYSTEMS
from enclave.config import Site
from enclave.core import refusal
from enclave.core.refusal import Refused, Wording
from enclave.core.roles import Role
from enclave.export.codes import CODES as EXPORT
from enclave.portal.codes import CODES as PORTAL
from enclave.portal.visit import Visit
from enclave.query.codes import CODES as QUERY

WORDINGS: dict[str, Wording] = {
    **refusal.CODES,
    **CATALOGUE,
    **AUDIT,
    **QUERY,
    **APPLICATION,
    **EXPORT,
    **PORTAL,
}
"""Every sentence that a page may have to show."""

NAVIGATION: tuple[tuple[str, Role | None, str, str], ...] = (
    ("/applications", Role.RESEARCHER, "申出", "Applications"),
    ("/projects", Role.RESEARCHER, "プロジェクト", "Projects"),
    ("/reviews", Role.COMMITTEE, "審査", "Reviews"),
    ("/checks", Role.CHECKER, "公表物確認", "Output checks"),
    ("/permits", Role.CUSTODIAN, "承諾と抽出", "Permits"),
    ("/log", Role.AUDITOR, "記録", "Log"),
    ("/status", Role.OPERATOR, "稼働状況", "Status"),
    ("/catalogue", None, "カタログ", "Catalogue"),
    ("/register", None, "承諾済み研究", "Register"),
)
"""Places in the bar: path, the role whose it is (None: everyone's), the name in both languages."""


class Pages:
    """The templates of a site. Safe to share between threads."""

    def __init__(self, site: Site, wordings: Mapping[str, Wording] = WORDINGS) -> None:
        self._wordings = wordings
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(site=site, systems=SYSTEMS)

    def text(self, visit: Visit, template: str, **facts: Any) -> str:
        """A template's text: a whole page, or a part for a page that is open."""
        speech = visit.speech
        roles = visit.person.roles if visit.person else frozenset()
        return self._templates.get_template(template).render(
            visit=visit,
            me=visit.person,
            language=speech.language,
            say=speech.say,
            word=speech.word,
            moment=speech.moment,
            second=speech.second,
            day=speech.day,
            last_day=speech.last_day,
            size=speech.size,
            number=speech.number,
            csrf=Markup('<input type="hidden" name="csrf" value="{}">').format(visit.csrf),
            navigation=[
                (p, speech.say(ja, en)) for p, role, ja, en in NAVIGATION if role is None or role in roles
            ],
            **facts,
        )

    def show(
        self, visit: Visit, template: str, heading: str, *, status: int = 200, **facts: Any
    ) -> HTMLResponse:
        """A whole page."""
        return HTMLResponse(self.text(visit, template, heading=heading, **facts), status)

    def part(self, visit: Visit, template: str, **facts: Any) -> HTMLResponse:
        """A part that takes its place in an open page."""
        return HTMLResponse(self.text(visit, template, **facts))

    def problem(self, visit: Visit, refused: Refused) -> dict[str, Any]:
        return refusal.problem(refused, self._wordings, visit.language)

    def refusal(self, visit: Visit, refused: Refused) -> HTMLResponse:
        """The page of a no: what, why, what to do."""
        said = self.problem(visit, refused)
        return self.show(visit, "refusal.html", said["title"], status=said["status"], said=said)


def go(path: str) -> RedirectResponse:
    """After a POST: look at this page (which a reload then repeats, not the POST)."""
    return RedirectResponse(path, 303)
