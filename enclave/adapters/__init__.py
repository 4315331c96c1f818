"""One module per machine: engines, policy server, records database, vault, container runtime, metrics. No decisions."""
