"""The portal for page tests, and a browser that checks every page it is given."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from xml.etree.ElementTree import Element

import pytest
from httpx import Response
from starlette.testclient import TestClient

from enclave.adapters.policy_server import PolicyServer, start_private
from enclave.portal.web import build
from tests.fakes.portal_site import ROOT, PortalSite, make
from tests.web.page_checks import check_page, fields_of


@pytest.fixture(scope="session")
def opa() -> Iterator[PolicyServer]:
    """The real policy server with the real policies."""
    with (
        tempfile.TemporaryDirectory(prefix="enclave-policy-") as folder,
        start_private(ROOT / "policies", Path(folder) / "policy.sock") as server,
    ):
        yield server


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opa: PolicyServer) -> PortalSite:
    return make(tmp_path, monkeypatch, opa)


class Browser:
    """One person's browser. Every HTML page that arrives is held against `page_checks`."""

    def __init__(self, portal: PortalSite, app: Any, language: str = "en") -> None:
        self.portal = portal
        self.client = TestClient(
            app,
            base_url=portal.site.origin,
            follow_redirects=False,
            raise_server_exceptions=False,
            headers={"Accept-Language": language},
        )
        self.page: Element | None = None
        self.answer: Response | None = None

    def get(self, path: str, *, status: int = 200, follow: bool = True, **headers: str) -> Response:
        answer = self.client.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        while follow and answer.status_code == 303 and answer.headers["location"].startswith("/"):
            answer = self.client.get(answer.headers["location"])
        return self._looked(answer, status)

    def post(self, path: str, data: list[tuple[str, str]], *, status: int = 200, **headers: str) -> Response:
        sent = {"Origin": self.portal.site.origin, "Sec-Fetch-Site": "same-origin"}
        sent |= {k.replace("_", "-"): v for k, v in headers.items()}
        sent["Content-Type"] = "application/x-www-form-urlencoded"
        answer = self.client.post(path, content=urlencode(data), headers={k: v for k, v in sent.items() if v})
        if answer.status_code == 303 and answer.headers["location"].startswith("/") and status == 200:
            return self.get(answer.headers["location"])
        return self._looked(answer, status)

    def press(self, action: str, *, status: int = 200, **values: str | list[str]) -> Response:
        """Fill in the form with the button `data-action=<action>` on the open page, and press it."""
        assert self.page is not None
        address, data = fields_of(self.page, action)
        typed = {k.replace("__", "."): v for k, v in values.items()}
        data = [(k, v) for k, v in data if k not in typed]
        for name, value in typed.items():
            data += [(name, one) for one in ([value] if isinstance(value, str) else value)]
        return self.post(address, data, status=status)

    def log_in(self, person: str) -> "Browser":
        """Through the hub, as the browser goes."""
        asked = self.get("/login", status=303, follow=False)
        state = parse_qs(urlsplit(asked.headers["location"]).query)["state"][0]
        code = self.portal.hub.code_for(person)
        self.get(f"/oauth_callback?code={code}&state={state}")
        return self

    def _looked(self, answer: Response, status: int) -> Response:
        assert answer.status_code == status, (
            f"{answer.status_code} for {answer.request.url}: {answer.text[:2000]}"
        )
        self.answer = answer
        if answer.headers.get("content-type", "").startswith("text/html"):
            self.page = check_page(answer.text, whole=answer.text.lstrip().startswith("<!doctype"))
        return answer


@pytest.fixture
def app(portal: PortalSite) -> Any:
    return build(portal.deps)


@pytest.fixture
def browse(portal: PortalSite, app: Any) -> Any:
    """`browse("tanaka", "ja")`: a browser, logged in where a person is named."""

    def opened(person: str | None = None, language: str = "en") -> Browser:
        browser = Browser(portal, app, language)
        return browser.log_in(person) if person else browser

    return opened
