"""Notes, keys and checkpoints have exactly the form of the specifications, and only that form is accepted."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from enclave.adapters import ledger_files
from enclave.audit import checkpoint, note, tree
from enclave.audit.checkpoint import Checkpoint
from enclave.audit.note import Signer
from enclave.core.refusal import Refused

GO = json.loads(Path(__file__).with_name("known_answers.json").read_text())
SIGNER = Signer("example.org/log", Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))
SIGNED = GO["checkpoint"]


def refusal_of(raw: bytes) -> str:
    with pytest.raises(Refused) as no:
        checkpoint.verified(raw, SIGNER.verifier)
    return no.value.code


def test_our_checkpoint_is_the_one_that_go_signs() -> None:
    """Key text and signed checkpoint are Go's byte for byte."""
    assert str(SIGNER.verifier) == GO["verifier_key"]
    root = tree.root_of([tree.leaf_hash(f"entry {i}".encode()) for i in range(700)])
    assert checkpoint.sign(Checkpoint("example.org/log", 700, root), SIGNER) == SIGNED


def test_the_example_of_the_specification_parses() -> None:
    """The checkpoint printed in tlog-checkpoint reads as it says."""
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    found = checkpoint.parse(text)
    assert (found.origin, found.size, found.text()) == ("example.com/behind-the-sofa", 20852163, text)


def test_a_verifier_key_survives_its_text() -> None:
    """Reading the text of a key gives the key."""
    assert note.verifier_key(f"{SIGNER.verifier}\n") == SIGNER.verifier


def test_a_signing_key_of_go_is_read(tmp_path: Path) -> None:
    """The signing key's file is the one that Go's note package makes."""
    (tmp_path / "k").write_text(GO["signing_key"] + "\n")
    assert ledger_files.load_signer(tmp_path / "k").verifier == SIGNER.verifier


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.org/log",
        GO["verifier_key"].replace("+5", "+6").replace("example", "exempla"),
        GO["verifier_key"][:-1],
        GO["verifier_key"] + "=",
        GO["verifier_key"].replace("example.org/log", "example org/log"),
        GO["verifier_key"] + "\n\n",
    ],
)
def test_a_malformed_verifier_key_is_refused(text: str) -> None:
    """A key text that is not exactly one is no key."""
    with pytest.raises(Refused) as no:
        note.verifier_key(text)
    assert no.value.code == "audit.key_malformed"


def test_signatures_of_others_are_ignored_and_ours_still_needed() -> None:
    """A witness's line beside ours changes nothing; alone it does not do."""
    witness = Signer("witness.example", Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
    text = note.open_note(SIGNED.encode(), SIGNER.verifier)
    other = note.sign(text, witness)
    both = SIGNED + other.rsplit("\n\n", 1)[1]
    assert checkpoint.verified(both.encode(), SIGNER.verifier).size == 700
    assert checkpoint.verified(both.encode(), Signer(SIGNER.name, SIGNER.private).verifier).size == 700
    assert refusal_of(other.encode()) == "audit.checkpoint_signature"


def test_the_same_name_with_another_key_is_another_signer() -> None:
    """Name and key id together name a key: an impostor's line under our name is not ours."""
    impostor = Signer("example.org/log", Ed25519PrivateKey.from_private_bytes(b"\x08" * 32))
    assert refusal_of(note.sign(checkpoint.parse(SIGNED.rsplit("\n\n", 1)[0]).text(), impostor).encode()) == (
        "audit.checkpoint_signature"
    )


def test_one_bad_line_of_ours_spoils_a_good_one() -> None:
    """A note with a failing signature of the known key is refused whole."""
    head, line = SIGNED.rsplit("\n\n", 1)
    name, encoded = line.removeprefix("— ").split(" ")
    raw = bytearray(note.strict_base64(encoded.strip()) or b"")
    raw[-1] ^= 1
    import base64

    bad = f"— {name} {base64.b64encode(bytes(raw)).decode()}\n"
    assert refusal_of(f"{head}\n\n{line}{bad}".encode()) == "audit.checkpoint_signature"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        SIGNED.encode()[:-1],
        SIGNED.rstrip("\n").encode(),
        SIGNED.split("\n\n")[0].encode(),
        SIGNED.encode() + b"\n",
        SIGNED.encode() + b"trailing\n",
        SIGNED.replace("\u2014 ", "- ").encode(),
        SIGNED.replace("\n", "\r\n").encode(),
        b"\xff" + SIGNED.encode(),
        b"x" * 1_000_001,
    ],
)
def test_a_note_of_another_form_is_refused(raw: bytes) -> None:
    """Nothing but the one form of a note is looked into."""
    assert refusal_of(raw) == "audit.checkpoint_malformed"


@pytest.mark.parametrize(
    "text",
    [
        "example.org/log\n700\n",
        "example.org/log\n0700\nxw5zSZqcGcWQ2YSUvQUOs6ZGvzjJ96OX3OWj/t47JAc=\n",
        "example.org/log\n-1\nxw5zSZqcGcWQ2YSUvQUOs6ZGvzjJ96OX3OWj/t47JAc=\n",
        "example.org/log\n７\nxw5zSZqcGcWQ2YSUvQUOs6ZGvzjJ96OX3OWj/t47JAc=\n",
        "example.org/log\n700\nAAAA\n",
        "\n700\nxw5zSZqcGcWQ2YSUvQUOs6ZGvzjJ96OX3OWj/t47JAc=\n",
        "example.org/log\n700\nxw5zSZqcGcWQ2YSUvQUOs6ZGvzjJ96OX3OWj/t47JAd=\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    """A valid signature does not make a checkpoint of any text."""
    assert refusal_of(note.sign(text, SIGNER).encode()) == "audit.checkpoint_malformed"


def test_the_checkpoint_of_another_log_is_refused() -> None:
    """A key that signs for two origins cannot pass one log off as the other."""
    other = note.sign(Checkpoint("example.org/other", 0, tree.EMPTY_ROOT).text(), SIGNER)
    assert refusal_of(other.encode()) == "audit.checkpoint_origin"
