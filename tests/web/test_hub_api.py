"""The client of the hub's REST API against a server that answers as JupyterHub does."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from enclave.adapters.hub_api import HubApi, Server, code_challenge, refusal_in
from enclave.core.refusal import Refused

TOKEN = "service-token"


class _Hub(BaseHTTPRequestHandler):
    """Answers what a test put in `answers`, by method and path; keeps what it was asked."""

    answers: ClassVar[dict[tuple[str, str], tuple[int, Any]]] = {}
    asked: ClassVar[list[tuple[str, str, str, str]]] = []

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.asked.append((self.command, self.path, self.headers.get("Authorization", ""), body))
        status, said = self.answers.get(
            (self.command, self.path), (404, {"status": 404, "message": "Not Found"})
        )
        data = said.encode() if isinstance(said, str) else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815  names that http.server looks for

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def hub() -> Iterator[HubApi]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _Hub.answers.clear()
    _Hub.asked.clear()
    yield HubApi(
        f"http://127.0.0.1:{server.server_port}/hub/api", "https://enclave.localhost:9443", "portal", TOKEN
    )
    server.shutdown()
    server.server_close()


def test_the_log_in_page_is_asked_with_the_state_and_the_challenge(hub: HubApi) -> None:
    """RFC 7636: the verifier itself stays here (appendix B's pair)."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    url = urlsplit(hub.authorize_url("a-state", verifier))
    asked = {k: v[0] for k, v in parse_qs(url.query).items()}
    assert (url.netloc, url.path) == ("enclave.localhost:9443", "/hub/api/oauth2/authorize")
    assert asked == {
        "client_id": "service-portal",
        "redirect_uri": "https://enclave.localhost:9443/oauth_callback",
        "response_type": "code",
        "state": "a-state",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    assert code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_code_becomes_a_token_and_a_token_a_name(hub: HubApi) -> None:
    """The secret and the verifier go with the code; the name is asked with the person's token, not with ours."""
    _Hub.answers["POST", "/hub/api/oauth2/token"] = (200, {"access_token": "t-1"})
    _Hub.answers["GET", "/hub/api/user"] = (200, {"kind": "user", "name": "tanaka"})
    assert hub.exchange("c", "v") == "t-1"
    sent = {k: v[0] for k, v in parse_qs(_Hub.asked[0][3]).items()}
    assert (sent["code"], sent["code_verifier"], sent["client_secret"]) == ("c", "v", TOKEN)
    assert hub.whoami("t-1") == "tanaka"
    assert _Hub.asked[1][2] == "token t-1"


@pytest.mark.parametrize(
    "answer", [(400, {"error": "invalid_grant"}), (200, {}), (200, {"access_token": ""})]
)
def test_a_code_that_is_worth_nothing_is_refused(hub: HubApi, answer: tuple[int, Any]) -> None:
    """Whatever the hub says instead of a token."""
    _Hub.answers["POST", "/hub/api/oauth2/token"] = answer
    with pytest.raises(Refused, match=r"session\.login_failed"):
        hub.exchange("c", "v")


@pytest.mark.parametrize(
    "answer", [(403, {}), (401, {}), (200, {"kind": "service", "name": "x"}), (200, {"kind": "user"})]
)
def test_a_token_of_nobody_names_nobody(hub: HubApi, answer: tuple[int, Any]) -> None:
    """A service's token is no person."""
    _Hub.answers["GET", "/hub/api/user"] = answer
    assert hub.whoami("t") is None


def test_servers_are_those_that_run_or_are_about_to(hub: HubApi) -> None:
    """Stopped ones are not listed, a person whom the hub does not know has none."""
    servers = {
        "a": {"ready": True, "pending": None},
        "b": {"ready": False, "pending": "spawn"},
        "c": {"stopped": True},
    }
    _Hub.answers["GET", "/hub/api/users/tanaka"] = (200, {"name": "tanaka", "servers": servers})
    assert hub.servers("tanaka") == {"a": Server("a", True, None), "b": Server("b", False, "spawn")}
    assert hub.servers("nobody") == {}


@pytest.mark.parametrize(
    ("status", "said"), [(201, ""), (202, ""), (400, {"message": "tanaka:p is already running"})]
)
def test_a_start_under_way_or_done_is_a_start(hub: HubApi, status: int, said: Any) -> None:
    """Asking again for what runs is no error."""
    _Hub.answers["GET", "/hub/api/users/tanaka"] = (200, {"name": "tanaka"})
    _Hub.answers["POST", "/hub/api/users/tanaka/servers/p"] = (status, said)
    hub.start("tanaka", "p", "en")


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (403, "承諾の利用期間が終わっています。 / It ended. [permit.expired]", "permit.expired"),
        (503, "e.g. session.unknown / x [policy.unavailable]", "policy.unavailable"),
        (500, "Unhandled error starting server", "hub.refused"),
        (503, "Service Unavailable", "hub.unavailable"),
        (403, "Action is not authorized with current scopes; requires any of [start:servers]", "hub.refused"),
    ],
)
def test_the_hubs_reason_becomes_the_refusals_code(hub: HubApi, status: int, message: str, code: str) -> None:
    """The code in brackets at the end counts, not one that a sentence happens to quote."""
    _Hub.answers["GET", "/hub/api/users/tanaka"] = (200, {"name": "tanaka"})
    _Hub.answers["POST", "/hub/api/users/tanaka/servers/p"] = (status, {"status": status, "message": message})
    with pytest.raises(Refused) as refused:
        hub.start("tanaka", "p", "en")
    assert refused.value.code == code


def test_a_start_is_one_request(hub: HubApi) -> None:
    """Whoever asks has logged in at the hub, which knows them: nothing is made known first."""
    _Hub.answers["POST", "/hub/api/users/mori/servers/p"] = (202, "")
    hub.start("mori", "p", "ja")
    assert [a[:2] for a in _Hub.asked] == [("POST", "/hub/api/users/mori/servers/p")]


@pytest.mark.parametrize("status", [202, 204, 404])
def test_stopping_what_is_gone_is_no_error(hub: HubApi, status: int) -> None:
    """Stopped, stopping, or never there."""
    _Hub.answers["DELETE", "/hub/api/users/tanaka/servers/p"] = (status, "")
    hub.stop("tanaka", "p")


def test_why_a_start_failed_is_read_from_its_progress(hub: HubApi) -> None:
    """The first failed event's code; no event is no reason."""
    event = {"progress": 100, "failed": True, "message": "Spawn failed: x / y [session.did_not_start]"}
    _Hub.answers["GET", "/hub/api/users/tanaka/servers/p/progress"] = (
        200,
        f"\n\ndata: {json.dumps(event)}\n\n",
    )
    assert hub.failure("tanaka", "p") == Refused("session.did_not_start")
    assert hub.failure("tanaka", "other") is None


@pytest.mark.parametrize("call", ["servers", "whoami", "start", "stop"])
def test_a_hub_that_is_not_there_is_unavailable(call: str) -> None:
    """Every question ends in one code."""
    gone = HubApi("http://127.0.0.1:9/hub/api", "https://enclave.localhost:9443", "portal", TOKEN)
    with pytest.raises(Refused, match=r"hub\.unavailable"):
        getattr(gone, call)(*{"start": ("tanaka", "p", "en"), "stop": ("tanaka", "p")}.get(call, ("tanaka",)))


def test_nonsense_is_unavailable(hub: HubApi) -> None:
    """An answer that is not JSON is no answer."""
    _Hub.answers["GET", "/hub/api/users/tanaka"] = (200, "<html>")
    with pytest.raises(Refused, match=r"hub\.unavailable"):
        hub.servers("tanaka")


def test_a_message_without_a_code_is_only_refused() -> None:
    """An address or a file name in it is not taken for a code."""
    assert refusal_in("see docs.example.org or spawner.py").code == "hub.refused"
