"""Checkpoints (c2sp.org/tlog-checkpoint): the size and root of the log, signed.

Decides what a checkpoint says and whether the log's key signed it. Our logs use their origin as key name and
write no extension lines; a reader that meets extension lines keeps them, since the signature covers them.
"""

import base64
import re
from dataclasses import dataclass

from enclave.audit import note
from enclave.audit.note import Signer, VerifierKey
from enclave.core.refusal import Refused

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True)
class Checkpoint:
    """`origin` names the log, `size` counts its entries, `root` is the 32-byte root over them."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The note text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(line + "\n" for line in lines)


def sign(checkpoint: Checkpoint, signer: Signer) -> str:
    """The checkpoint as a signed note. Ed25519 is deterministic: the same tree gives the same bytes."""
    return note.sign(checkpoint.text(), signer)


def parse(text: str) -> Checkpoint:
    """The checkpoint in a note's text. Raises Refused `audit.checkpoint_malformed`."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 3 or not all(lines) or not _SIZE.fullmatch(lines[1]):
        raise Refused("audit.checkpoint_malformed", {"part": "text"})
    root = note.strict_base64(lines[2])
    if root is None or len(root) != 32:
        raise Refused("audit.checkpoint_malformed", {"part": "root"})
    return Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:]))


def verified(raw: bytes, key: VerifierKey) -> Checkpoint:
    """The checkpoint of a note that `key` signed for the log of its own name.

    Raises Refused `audit.checkpoint_malformed`, `audit.checkpoint_signature` or, for the checkpoint of another
    log under the same key, `audit.checkpoint_origin`.
    """
    found = parse(note.open_note(raw, key))
    if found.origin != key.name:
        raise Refused("audit.checkpoint_origin", {"origin": found.origin, "key": key.name})
    return found
