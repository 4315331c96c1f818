"""The document of the HTTP API and the gateway say the same: by their routes, and by a fuzzer that tries to part them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from enclave.gateway import openapi
from enclave.gateway.door import WORDINGS
from enclave.gateway.openapi import LANGUAGES, ROUTES, document
from enclave.gateway.openapi_shapes import SHAPES
from tests.unit.gateway.ground import METRICS_TOKEN, ROOT, Ground, a_research_permit

PARTED = ("{id}", "00000000-0000-7000-8000-000000000000")
METHODS = ("GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "TRACE")

# Whether a text is a query of the grammar stands in no schema, so that a refused text is no finding; and DELETE cancels
# a query, whose record stays: that it can still be looked at is meant.
NOT_MEANT = "positive_data_acceptance,use_after_free"
FUZZ = """
import sys
from schemathesis.cli import schemathesis
schemathesis(sys.argv[1:])
"""


def test_the_gateway_serves_what_the_document_describes_and_nothing_else(ground: Ground, token: str) -> None:
    """Each method of each path is described exactly where it is served; every other one is 405 and says what is."""
    described = document("en")["paths"]
    for path, known in described.items():
        for method in METHODS:
            answer = ground.ask(method, path.replace(*PARTED), token)
            served = answer.status != 405
            assert served == (method.lower() in known), (method, path, answer.status)
            if not served:
                allowed = {one.upper() for one in known if one != "parameters"}
                assert set(answer.headers["allow"].split(", ")) == allowed
    assert {(one.method, one.path) for one in ROUTES} == {
        (method.upper(), path)
        for path, known in described.items()
        for method in known
        if method != "parameters"
    }


def test_the_kept_documents_are_those_that_are_served(ground: Ground, token: str) -> None:
    """`docs` holds the document of each language as the gateway tells it (python -m enclave.gateway.openapi docs)."""
    for language in LANGUAGES:
        kept = (ROOT / "docs" / f"openapi.{language}.json").read_text("utf-8")
        assert kept == openapi.written(language)
        answer = ground.ask("GET", "/v1/openapi.json", token, headers={"Accept-Language": language})
        assert answer.json() == json.loads(kept)
    assert ground.ask("GET", "/v1/openapi.json").status == 401


def test_both_languages_describe_the_same_api() -> None:
    """Only sentences differ between the documents; what is Japanese in one is not in the other."""

    def bones(tree: object) -> object:
        match tree:
            case dict():
                words = ("description", "title", "hint")
                return {k: bones(v) for k, v in tree.items() if not (k in words and isinstance(v, str))}
            case list():
                return [bones(one) for one in tree]
        return tree

    assert bones(document("ja")) == bones(document("en"))
    for one in ROUTES:
        assert one.words.ja != one.words.en


def test_every_code_that_a_route_names_has_words_and_every_shape_is_used() -> None:
    """A misspelt family would describe nothing, and a shape that nothing names is no part of the API."""
    for one in ROUTES:
        for family in one.may:
            assert any(
                code == family or (family.endswith(".") and code.startswith(family)) for code in WORDINGS
            )
    text = json.dumps(document("en"))
    assert {name for name in SHAPES if f'"#/components/schemas/{name}"' not in text} == set()


def test_the_metrics_are_as_described(ground: Ground) -> None:
    answer = ground.ask("GET", "/metrics", METRICS_TOKEN)
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, "text/plain")


@pytest.mark.timeout(240)
def test_a_fuzzer_finds_no_answer_that_the_document_does_not_describe(
    ground_apart: Ground, tmp_path: Path
) -> None:
    """Requests as described and requests that are not: no answer of 500 or more, each with the status, headers, media
    type and shape that the document names, nothing opened without a token."""
    ground = ground_apart
    permit = a_research_permit()
    ground.grant(permit)
    token = ground.session("tanaka", permit)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": "", "NO_COLOR": "1"}
    fuzzed = subprocess.run(
        [
            sys.executable, "-c", FUZZ, "run", str(ROOT / "docs" / "openapi.en.json"),
            "--url", f"http://127.0.0.1:{ground.port}", "--header", f"Authorization: Bearer {token}",
            "--checks", "all", "--exclude-checks", NOT_MEANT, "--max-examples", "25", "--seed", "20261121",
            "--max-time", "50", "--request-timeout", "20", "--continue-on-failure", "--no-shrink",
        ],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert fuzzed.returncode == 0, fuzzed.stdout[-12000:] + fuzzed.stderr[-2000:]
