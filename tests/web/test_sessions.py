"""Who is logged in, for how long, and what another site can do in the same browser: nothing."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from enclave.adapters import edge
from enclave.adapters import records_schema as t
from enclave.core.event import Actor, Thing
from enclave.portal.web import build
from tests.fakes.portal_site import METRICS_TOKEN, PortalSite, with_profile
from tests.web.application_form import FILLED
from tests.web.conftest import Browser
from tests.web.page_checks import words


def test_logging_in_goes_through_the_hub_and_back_to_the_page_asked_for(
    portal: PortalSite, browse: Any
) -> None:
    """The state is bound to the browser, the verifier to the state, and the way back is a page of this portal."""
    browser = browse()
    browser.get("/projects?x=1", status=303, follow=False)
    asked = browser.get(browser.answer.headers["location"], status=303, follow=False)
    state = parse_qs(urlsplit(asked.headers["location"]).query)["state"][0]
    done = browser.get(f"/oauth_callback?code={portal.hub.code_for('tanaka')}&state={state}")
    assert 'content="0;url=/projects?x=1"' in done.text
    cookies = done.headers.get_list("set-cookie")
    session = next(c for c in cookies if c.startswith("__Host-enclave-session="))
    for word in ("Secure", "HttpOnly", "SameSite=strict", "Path=/"):
        assert word.lower() in session.lower()
    assert "domain" not in session.lower()
    assert "Projects" in words(browser.get("/projects") and browser.page)


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:1"]
)
def test_the_way_back_never_leads_elsewhere(portal: PortalSite, browse: Any, elsewhere: str) -> None:
    """An address of another site becomes the first page."""
    browser = browse()
    asked = browser.client.get("/login", params={"next": elsewhere})
    state = parse_qs(urlsplit(asked.headers["location"]).query)["state"][0]
    done = browser.get(f"/oauth_callback?code={portal.hub.code_for('tanaka')}&state={state}")
    assert 'content="0;url=/"' in done.text


def test_a_login_begun_in_another_browser_is_refused(portal: PortalSite, browse: Any) -> None:
    """Somebody else's link cannot log this browser in as them."""
    attacker, victim = browse(), browse()
    asked = attacker.get("/login", status=303, follow=False)
    state = parse_qs(urlsplit(asked.headers["location"]).query)["state"][0]
    answer = victim.get(f"/oauth_callback?code={portal.hub.code_for('mori')}&state={state}", status=400)
    assert "session.login_expired" in answer.text


def test_a_code_works_once(portal: PortalSite, browse: Any) -> None:
    """The state is used up by the first answer."""
    browser = browse()
    asked = browser.get("/login", status=303, follow=False)
    state = parse_qs(urlsplit(asked.headers["location"]).query)["state"][0]
    address = f"/oauth_callback?code={portal.hub.code_for('tanaka')}&state={state}"
    browser.get(address)
    browser.get(address, status=400)


@pytest.mark.parametrize(
    ("origin", "site"),
    [
        ("https://tanaka.enclave-work.localhost:9443", "cross-site"),
        ("https://enclave.localhost:9443", "cross-site"),
        ("https://enclave.localhost:9443", "same-site"),
        ("null", "same-origin"),
        ("null", ""),
        ("https://evil.example", ""),
        ("", "none"),
        ("", ""),
    ],
)
def test_an_unsafe_request_from_elsewhere_is_refused(browse: Any, origin: str, site: str) -> None:
    """Whatever cookie it carries and even with the right token, a request that is not this origin's own does nothing."""
    tanaka = browse("tanaka")
    token = tanaka.portal.deps.sessions.csrf("tanaka")
    answer = tanaka.post("/logout", [("csrf", token)], status=403, Origin=origin, Sec_Fetch_Site=site)
    assert "session.cross_site" in answer.text
    assert "Megumi Tanaka" in words(tanaka.get("/") and tanaka.page)


@pytest.mark.parametrize("token", ["", "0" * 64, "ア"])
def test_an_unsafe_request_without_the_persons_token_is_refused(browse: Any, token: str) -> None:
    """The token of nobody, of chance, or in letters that no token has."""
    tanaka = browse("tanaka")
    tanaka.post("/logout", [("csrf", token)], status=403)


def test_another_persons_token_is_not_accepted(browse: Any) -> None:
    """Tokens belong to one person."""
    tanaka = browse("tanaka")
    tanaka.post("/logout", [("csrf", tanaka.portal.deps.sessions.csrf("mori"))], status=403)


def test_a_session_ends_after_half_an_hour_without_use(portal: PortalSite, browse: Any) -> None:
    """Use keeps it alive, silence ends it."""
    tanaka = browse("tanaka")
    for _ in range(3):
        portal.clock.advance(minutes=25)
        tanaka.get("/applications")
    portal.clock.advance(minutes=31)
    tanaka.get("/applications", status=303, follow=False)


def test_a_session_ends_after_twelve_hours_whatever_its_use(portal: PortalSite, browse: Any) -> None:
    """However busy, a day's work begins with logging in."""
    tanaka = browse("tanaka")
    for _ in range(12 * 3 + 1):
        portal.clock.advance(minutes=20)
        answer = tanaka.client.get("/applications")
    assert answer.status_code == 303


def test_logging_out_ends_the_session_for_good_and_goes_on_to_the_hub(browse: Any) -> None:
    """The cookie is worth nothing afterwards, also in another browser that kept it."""
    tanaka = browse("tanaka")
    cookie = tanaka.client.cookies["__Host-enclave-session"]
    tanaka.get("/")
    tanaka.press("log-out", status=303)
    assert tanaka.answer.headers["location"] == "/hub/logout"
    thief = browse()
    thief.client.cookies.set("__Host-enclave-session", cookie)
    thief.get("/applications", status=303, follow=False)


def test_logging_out_at_the_hub_ends_the_session_here_within_a_minute(
    portal: PortalSite, browse: Any
) -> None:
    """A silent hub ends nobody's session; a hub that no longer knows the log-in does."""
    tanaka = browse("tanaka")
    portal.hub.silent = True
    portal.clock.advance(minutes=2)
    tanaka.get("/applications")
    portal.hub.silent = False
    portal.hub.log_out("tanaka")
    portal.clock.advance(minutes=2)
    tanaka.get("/applications", status=303, follow=False)


def test_a_form_left_open_is_accepted_after_logging_in_again(portal: PortalSite, browse: Any) -> None:
    """The session may end while someone writes; what was written is not lost."""
    tanaka = browse("tanaka")
    tanaka.get("/applications/new")
    form = tanaka.page
    portal.clock.advance(minutes=40)
    tanaka.press("submit-application", status=401, **FILLED)
    tanaka.log_in("tanaka")
    tanaka.page = form
    tanaka.press("submit-application", **FILLED)
    assert 'data-state="submitted"' in tanaka.answer.text


def test_a_role_taken_away_holds_from_the_next_request_on(portal: PortalSite, browse: Any) -> None:
    """Roles are read from the records each time, not kept in the session."""
    kobayashi = browse("kobayashi")
    kobayashi.get("/log")
    event = edge.event(Actor("o", "operator"), "role.revoked", Thing("person", "kobayashi"))
    with portal.records.change(event) as tx:
        tx.execute(
            t.person_roles.update()
            .where(t.person_roles.c.person == "kobayashi")
            .values(revoked_at="2026-11-21T00:00:00Z")
        )
    assert "session.role_missing" in kobayashi.get("/log", status=403).text


def test_a_suspended_person_is_nobody(portal: PortalSite, browse: Any) -> None:
    """The next request of an inactive person is the public's."""
    tanaka = browse("tanaka")
    event = edge.event(Actor("o", "operator"), "person.suspended", Thing("person", "tanaka"))
    with portal.records.change(event) as tx:
        tx.execute(t.persons.update().where(t.persons.c.id == "tanaka").values(active=False))
    tanaka.get("/applications", status=303, follow=False)


ROLES = {
    "/applications": "researcher",
    "/applications/new": "researcher",
    "/reviews": "committee",
    "/checks": "checker",
    "/log": "auditor",
    "/log/checkpoint": "auditor",
    "/log/checkpoint.txt": "auditor",
}
PEOPLE = {
    "tanaka": "researcher",
    "sato": "committee",
    "ito": "checker",
    "kobayashi": "auditor",
    "watanabe": "operator",
}


@pytest.mark.parametrize("person", PEOPLE)
def test_each_role_sees_its_own_pages_and_no_others(browse: Any, person: str) -> None:
    """Every page of a role answers 403 `session.role_missing` to everyone else."""
    browser = browse(person)
    for path, role in ROLES.items():
        own = PEOPLE[person] == role
        answer = browser.get(path, status=200 if own else 403)
        assert own or "session.role_missing" in answer.text


@pytest.mark.parametrize(
    "path", [*ROLES, "/projects", "/permits", "/status", "/permits/p-2026-0001", "/alive"]
)
def test_whoever_is_not_logged_in_is_asked_to(browse: Any, path: str) -> None:
    """Every page but the public ones leads to the log-in and remembers where one wanted to go."""
    answer = browse().get(path, status=303, follow=False)
    assert answer.headers["location"].startswith("/login?next=%2F")


@pytest.mark.parametrize("path", ["/", "/about", "/catalogue", "/register", "/nowhere"])
def test_every_answer_carries_the_headers_that_shut_the_page(browse: Any, path: str) -> None:
    """Nothing from elsewhere runs, frames, or is told where one came from."""
    answer = browse().client.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert answer.headers["cache-control"] == "no-store"


def test_the_demo_says_so_loudly_and_a_real_site_does_not(portal: PortalSite, browse: Any) -> None:
    """Fixed passwords are announced on every page of that profile, and only there."""
    assert "Never use this profile for a real site" in browse().get("/").text
    real = Browser(portal, build(with_profile(portal, "site")))
    assert "Never use this profile" not in real.get("/").text


def test_metrics_need_their_token_and_name_nobody(browse: Any) -> None:
    """Counts and codes only."""
    tanaka = browse("tanaka")
    tanaka.get("/log", status=403)
    assert tanaka.client.get("/metrics").status_code == 401
    assert tanaka.client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    numbers = tanaka.client.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}).text
    assert 'enclave_portal_refused_total{code="session.role_missing"} 1.0' in numbers
    assert "tanaka" not in numbers


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"csrf=x&a=%ff", "application/x-www-form-urlencoded", 400),
        (b'{"csrf": 1}', "application/json", 400),
        (b"a=" + b"x" * 1_000_001, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a=1" for _ in range(6000)), "application/x-www-form-urlencoded", 400),
        (b"a=%00", "application/x-www-form-urlencoded", 400),
    ],
)
def test_a_form_that_no_browser_would_send_is_refused(
    browse: Any, content: bytes, kind: str, status: int
) -> None:
    """One sentence and a code, no traceback."""
    tanaka = browse("tanaka")
    headers = {"Origin": tanaka.portal.site.origin, "Content-Type": kind}
    answer = tanaka.client.post("/logout", content=content, headers=headers)
    assert answer.status_code == status
    assert "portal." in answer.text


@pytest.mark.parametrize("language", ["ja", "en"])
def test_the_language_is_asked_for_once_and_kept(browse: Any, language: str) -> None:
    """`?lang=` wins over the browser and stays in a cookie."""
    other = "en" if language == "ja" else "ja"
    browser = browse(None, other)
    browser.get("/")
    assert browser.page.get("lang") == other
    browser.get(f"/?lang={language}")
    browser.get("/catalogue")
    assert browser.page.get("lang") == language
