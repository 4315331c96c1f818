"""A list of persons to leave out is read whole or refused with its line and column."""

from pathlib import Path

import pytest

from enclave.adapters.custody_books import WithdrawalKind
from enclave.adapters.custody_client import KINDS, read_withdrawals
from enclave.core.refusal import Refused

HEAD = "database,person,kind,effective\n"


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "gone.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_list_is_read_with_its_days(tmp_path: Path) -> None:
    """Columns in any order, a byte order mark, spaces: the same rows."""
    path = written(
        tmp_path,
        "\ufeffperson,kind,effective,database\n 7 ,opt-out,2026-12-10,nextgen\n8,stop,2026-01-01,ndb\n",
    )
    assert read_withdrawals(path) == [
        {"database": "nextgen", "person": "7", "kind": "opt-out", "effective": "2026-12-10"},
        {"database": "ndb", "person": "8", "kind": "stop", "effective": "2026-01-01"},
    ]


WRONG: list[tuple[str, str | bytes, int | str, str]] = [
    ("no person", HEAD + "ndb,7,stop,2026-01-01\nndb,,stop,2026-01-01\n", 3, "person"),
    ("an unknown kind", HEAD + "ndb,7,erase,2026-01-01\n", 2, "kind"),
    ("no day", HEAD + "ndb,7,stop,soon\n", 2, "effective"),
    ("a day that does not exist", HEAD + "ndb,7,stop,2026-02-30\n", 2, "effective"),
    ("a column less", "database,person,kind\nndb,7,stop\n", 2, "effective"),
    ("not text", b"\xff\xfe\x00", 1, "?"),
    ("broken in the middle", HEAD.encode() + b"ndb,7,stop,2026-01-01\nndb,\xff,stop,2026-01-01\n", 3, "?"),
    ("a quote that never ends", HEAD + 'ndb,"7,stop,2026-01-01\n', 2, "?"),
]


@pytest.mark.parametrize(("what", "text", "line", "column"), WRONG, ids=[row[0] for row in WRONG])
def test_a_list_that_cannot_be_read_enters_nobody(
    tmp_path: Path, what: str, text: str | bytes, line: int | str, column: str
) -> None:
    """The line and the column, never the number of a person."""
    with pytest.raises(Refused) as no:
        read_withdrawals(written(tmp_path, text))
    assert (no.value.code, dict(no.value.facts)) == (
        "custody.withdrawal_malformed",
        {"line": line, "column": column},
    )


def test_an_empty_list_is_said_to_be_empty(tmp_path: Path) -> None:
    """A file of the wrong kind must not look like "nobody withdrew"."""
    with pytest.raises(Refused) as no:
        read_withdrawals(written(tmp_path, HEAD))
    assert no.value.code == "custody.withdrawal_empty"


def test_the_command_knows_the_kinds_that_custody_knows() -> None:
    """One list on either side of the socket."""
    assert set(KINDS) == {kind.value for kind in WithdrawalKind}
