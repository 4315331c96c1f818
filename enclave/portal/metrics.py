"""What is counted: answers by status, refusals by code, seconds. Never who did what."""

import hashlib
import hmac
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.responses import PlainTextResponse, Response

from enclave.portal.deps import Deps


class Metrics:
    """Counters of one portal, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.answered = Counter(
            "enclave_portal_answers", "Answers", ["method", "status"], registry=self.registry
        )
        self.refused = Counter(
            "enclave_portal_refused", "Refusals, by code", ["code"], registry=self.registry
        )
        self.seconds = Histogram(
            "enclave_portal_seconds", "From request to answer", ["method"], registry=self.registry
        )

    @contextmanager
    def timed(self, method: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds.labels(method).observe(time.perf_counter() - began)

    def routes(self, deps: Deps) -> APIRouter:
        router = APIRouter()

        @router.get("/metrics")
        def numbers(request: Request) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            digest = hashlib.sha256(token.encode()).hexdigest()
            wanted = deps.metrics_digest.removeprefix("sha256:")
            if scheme.lower() != "bearer" or not wanted or not hmac.compare_digest(digest, wanted):
                return PlainTextResponse("a bearer token is needed\n", 401, {"WWW-Authenticate": "Bearer"})
            return PlainTextResponse(generate_latest(self.registry).decode())

        @router.get("/healthz")
        def health() -> Response:
            return PlainTextResponse("ok\n")

        return router
