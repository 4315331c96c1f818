"""The log: a Merkle tree over canonical leaves, published as C2SP tiles under signed checkpoints.

Decides whether a copy of the log is whole and unaltered. Relies on SHA-256, Ed25519 and on the verifier key
that the reader brings along. Touches no disk, clock, network or random source: bytes come in as arguments.
Formats: RFC 6962 (tree), c2sp.org/tlog-tiles, /tlog-checkpoint, /signed-note, /tlog-proof, RFC 8785 (leaves).
"""
