"""Counters of the gateway for Prometheus. Codes, forms and counts only: no person, project, id or SQL is a label.

How many cells are hidden is counted in whole answers, never per query: a counter that moves with one small cell would
say what the answer hides (THREATS 71).
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class GatewayMetrics:
    """One registry per app, so that two apps in one process do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.answers = Counter(
            "enclave_gateway_answers",
            "Queries by form and outcome",
            ["form", "outcome"],
            registry=self.registry,
        )
        self.refusals = Counter(
            "enclave_gateway_refusals", "Refusals by code", ["code"], registry=self.registry
        )
        self.exports = Counter(
            "enclave_gateway_exports", "Submissions by state", ["state"], registry=self.registry
        )
        self.running = Gauge("enclave_gateway_queries_running", "Queries running now", registry=self.registry)
        self.seconds = Histogram(
            "enclave_gateway_query_seconds",
            "Time from question to whole answer",
            ["form"],
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
            registry=self.registry,
        )

    def page(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)
