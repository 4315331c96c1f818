"""What a notebook inside a workspace imports: ask, see what came back, submit for checking.

Decides nothing: every yes and no is the gateway's. Relies on `/run/enclave` (session and certificate authority), the
standard library, pandas and pyarrow. Imports nothing of `enclave`. `enclave_client.dbapi` is the same as PEP 249.
"""

from typing import Any

from enclave_client import notebook
from enclave_client.export import Item, Submission
from enclave_client.protected import HIDDEN, ProtectedTable
from enclave_client.refusal import Cancelled, Refused
from enclave_client.session import Enclave, connect

__all__ = ["HIDDEN", "Cancelled", "Enclave", "Item", "ProtectedTable", "Refused", "Submission", "connect"]
__version__ = "1.0.0"


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext enclave_client`: `%%sql` without `connect()` before; it connects when it is first used."""
    notebook.equip(ipython, None)
