"""Custody that does not answer, and an examination that takes longer than whoever submits can wait, are two refusals."""

import socket
from pathlib import Path

import pytest

from enclave.adapters import custody_client
from enclave.adapters.custody_client import CustodyClient
from enclave.core.refusal import Refused


def examined(path: Path) -> Refused:
    with pytest.raises(Refused) as no:
        CustodyClient(path, "t").examine(
            {}, 1, "o-1", database="d", floor=10, zero_hidden=False, rule_set="r", cells=[], session="s", person="p"
        )  # fmt: skip
    return no.value


def test_an_examination_that_takes_too_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custody_client, "EXAMINE_PATIENCE", 0.2)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        assert examined(tmp_path / "s").code == "custody.examination_long"


def test_where_nobody_listens_custody_is_unavailable(tmp_path: Path) -> None:
    assert examined(tmp_path / "s").code == "custody.unavailable"
