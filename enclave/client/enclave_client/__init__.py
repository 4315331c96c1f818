"""What a notebook inside a workspace imports: ask, see what came back, submit for checking.

Decides nothing: every yes and no is the gateway's. Relies on `/run/enclave` (session and certificate authority), the
standard library, pandas and pyarrow. Imports nothing of `enclave`.
"""

from enclave_client.export import Item, Submission
from enclave_client.protected import HIDDEN, ProtectedTable
from enclave_client.refusal import Cancelled, Refused
from enclave_client.session import Enclave, connect

__all__ = ["HIDDEN", "Cancelled", "Enclave", "Item", "ProtectedTable", "Refused", "Submission", "connect"]
__version__ = "1.0.0"
