"""The whole story without a site: `enclave rewrite` and `enclave query` (SHAPES, Permit).

For rehearsal, for authors of rules and for tests. The same stories as on a site (custody, query, gateway), wired in one
process over a state folder of the caller's own, who holds the data already. Nothing here decides what may be seen.
"""
