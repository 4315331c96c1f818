"""What never gets past the door: odd requests, foreign tokens, copied tokens, JSON that can be read two ways."""

import socket

import pytest

from enclave.adapters.edge import new_token
from enclave.core.permit import Permit
from enclave.core.refusal import Refused
from enclave.gateway.body import parse_json
from enclave.gateway.door import WORDINGS, language_of
from tests.unit.gateway.ground import METRICS_TOKEN, Ground


def raw(ground: Ground, text: str) -> bytes:
    """The answer to exactly these bytes."""
    with socket.create_connection(("127.0.0.1", ground.port), timeout=60) as plain:
        plain.sendall(text.replace("\n", "\r\n").replace("PORT", str(ground.port)).encode())
        return plain.recv(65536)


ODD = {
    "absolute target": "GET http://127.0.0.1:PORT/v1/session HTTP/1.1\nHost: 127.0.0.1:PORT\n\n",
    "absolute target elsewhere": "GET http://198.51.100.7/ HTTP/1.1\nHost: 127.0.0.1:PORT\n\n",
    "tunnel": "CONNECT 198.51.100.7:443 HTTP/1.1\nHost: 127.0.0.1:PORT\n\n",
    "upgrade": "GET /v1/session HTTP/1.1\nHost: 127.0.0.1:PORT\nConnection: Upgrade\nUpgrade: websocket\n\n",
    "upgrade to h2c": "GET /v1/session HTTP/1.1\nHost: 127.0.0.1:PORT\nConnection: Upgrade\nUpgrade: h2c\n\n",
    "another host": "GET /v1/session HTTP/1.1\nHost: enclave.localhost\n\n",
    "host without port": "GET /v1/session HTTP/1.1\nHost: 127.0.0.1\n\n",
    "two hosts": "GET /v1/session HTTP/1.1\nHost: 127.0.0.1:PORT\nHost: a\n\n",
    "no host": "GET /v1/session HTTP/1.1\n\n",
    "asterisk": "OPTIONS * HTTP/1.1\nHost: 127.0.0.1:PORT\n\n",
    "parameters": "GET /v1/session?a=1 HTTP/1.1\nHost: 127.0.0.1:PORT\n\n",
    "encoded path": "GET /v1/%2e%2e/metrics HTTP/1.1\nHost: 127.0.0.1:PORT\n\n",
    "two slashes": "GET //v1/session HTTP/1.1\nHost: 127.0.0.1:PORT\n\n",
    "two lengths": "POST /v1/queries HTTP/1.1\nHost: 127.0.0.1:PORT\nContent-Length: 2\nContent-Length: 3\n\n{}",
    "length and chunks": "POST /v1/queries HTTP/1.1\nHost: 127.0.0.1:PORT\nContent-Length: 6\nTransfer-Encoding: chunked, x\n\n0\n\n",
    "packed body": "POST /v1/queries HTTP/1.1\nHost: 127.0.0.1:PORT\nContent-Encoding: gzip\nContent-Length: 2\n\n{}",
    "two tokens": "GET /v1/session HTTP/1.1\nHost: 127.0.0.1:PORT\nAuthorization: Bearer a\nAuthorization: Bearer b\n\n",
    "not HTTP": "HELLO\n\n",
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_a_request_that_another_machine_could_read_differently_is_400(ground: Ground, name: str) -> None:
    answer = raw(ground, ODD[name])
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501")), answer


def test_the_plain_twin_of_those_is_answered(ground: Ground) -> None:
    assert raw(ground, "GET /healthz HTTP/1.1\nHost: 127.0.0.1:PORT\n\n").startswith(b"HTTP/1.1 200")


def test_without_a_token_nothing_is_told(ground: Ground) -> None:
    for method, path in (
        ("GET", "/v1/session"),
        ("POST", "/v1/queries"),
        ("GET", "/v1/queries/x"),
        ("GET", "/v1/exports"),
        ("GET", "/metrics"),
    ):
        answer = ground.ask(method, path, body={} if method == "POST" else None)
        assert (answer.status, answer.json()["code"]) == (401, "session.required")


def test_a_token_that_is_no_sessions_is_unknown(ground: Ground, permit: Permit) -> None:
    """Neither a made-up token nor one that opens something else (the metrics, a hub) opens anything here."""
    for token in (new_token(), METRICS_TOKEN.replace(" ", "-")):
        assert ground.ask("GET", "/v1/session", token).json()["code"] == "session.unknown"


def test_a_token_used_from_another_address_is_refused(ground: Ground, permit: Permit) -> None:
    copied = ground.session("tanaka", permit, address="10.100.0.2")
    answer = ground.ask("GET", "/v1/session", copied)
    assert (answer.status, answer.json()["code"]) == (401, "session.address")


def test_a_forwarding_header_changes_no_address(ground: Ground, permit: Permit) -> None:
    copied = ground.session("tanaka", permit, address="10.100.0.2")
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        value = "for=10.100.0.2" if header == "Forwarded" else "10.100.0.2"
        assert ground.ask("GET", "/v1/session", copied, headers={header: value}).status == 401


def test_a_revoked_session_is_refused_at_the_next_request(ground: Ground, token: str) -> None:
    assert ground.ask("GET", "/v1/session", token).status == 200
    ground.revoke("tanaka")
    assert ground.ask("GET", "/v1/session", token).json()["code"] == "session.ended"


def test_an_unknown_route_is_a_problem_too(ground: Ground, token: str) -> None:
    for method, path in (
        ("GET", "/v1/nothing"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
    ):
        assert ground.ask(method, path, token).json()["code"] == "gateway.no_such_route"


def test_the_metrics_hold_codes_and_counts_and_nobody(ground: Ground, token: str) -> None:
    """Only their own token reads them, and no id, person, project or SQL is in them."""
    ground.query(token, "SELECT count(*) AS n FROM patients")
    ground.query(token, "SELECT weight FROM patients")
    page = ground.ask("GET", "/metrics", METRICS_TOKEN.replace(" ", " ")).body.decode()
    assert 'enclave_gateway_answers_total{form="rows",outcome="answered"} 1.0' in page
    for secret in ("tanaka", "nafld", "patients", "weight", "SELECT", "s-0"):
        assert secret not in page
    assert ground.ask("GET", "/metrics", token).status == 401


def test_a_defect_tells_a_number_and_no_text(ground: Ground, token: str) -> None:
    """A bug's message may hold a value: the asker gets a number."""
    from dataclasses import replace

    from tests.unit.gateway.ground import serving

    def broken() -> object:
        raise KeyError("the value of a person")

    with serving(replace(ground.deps, catalogue=broken)) as port:  # type: ignore[arg-type]
        ground.port = port
        answer = ground.ask("GET", "/v1/session", token)
    assert (answer.status, answer.json()["code"]) == (500, "internal")
    assert b"person" not in answer.body.replace(b'"person"', b"")
    assert answer.json()["facts"]["id"] in answer.json()["title"]


def test_the_language_is_the_askers() -> None:
    """Japanese or English by weight; English where neither is named."""
    table = {
        "": "en", "ja": "ja", "ja-JP,en;q=0.8": "ja", "en-GB,ja;q=0.9": "en", "fr": "en", "fr,ja;q=0.3": "ja",
        "ja;q=x": "en", "*": "en",
    }  # fmt: skip
    assert {accept: language_of(accept) for accept in table} == table


def test_every_code_of_the_gateway_has_words_in_both_languages() -> None:
    for code, wording in WORDINGS.items():
        assert wording.title_ja, code
        assert wording.title_en, code
        assert 200 <= wording.status < 600


def test_parsing_keeps_values_as_they_are() -> None:
    assert parse_json(b'{"a": [1, 2.5, null, true, "x"]}') == {"a": [1, 2.5, None, True, "x"]}
    with pytest.raises(Refused):
        parse_json(b"null")
