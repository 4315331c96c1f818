"""What the gateway's process holds, and what it does not."""

import subprocess
import sys

TABLE = """
import sys
import pyarrow as pa
{before}
table = pa.table({{"n": pa.array([1, None, 3])}})
assert table.column("n").to_pylist() == [1, None, 3]
print("pandas" in sys.modules)
"""
HIDDEN = "from enclave.app import WithoutFrames\nsys.meta_path.insert(0, WithoutFrames())"


def loaded(before: str) -> str:
    """Whether an array brings pandas along, in a process of its own after the lines `before`."""
    found = subprocess.run(
        [sys.executable, "-c", TABLE.format(before=before)], capture_output=True, text=True, check=True
    )
    return found.stdout.strip()


def test_arrays_are_made_without_pandas_where_it_is_hidden() -> None:
    """Where it is not, the first array takes it in: the day that ends, nothing needs to be hidden any more."""
    assert loaded(HIDDEN) == "False"
    assert loaded("") == "True"
