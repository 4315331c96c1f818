"""Fixtures of the whole system: the running test site, its people, its browser. Unit tests need none of them."""

import os
from collections.abc import Iterator

import pytest

from enclave.config import SITES, Site


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """The site `test`, freshly made, loaded with the demo's accounts and database, and gone without a trace afterwards."""
    from enclave import operation
    from enclave.demo.load import load
    from enclave.demo.visitor import local_names

    if os.geteuid() != 0:
        pytest.fail("the tests of the running system need root: sudo make test")
    # Another name and index (ENCLAVE_TEST_SITE=name:index) lets two people test on one machine at once.
    name, _, index = os.environ.get("ENCLAVE_TEST_SITE", "test").partition(":")
    place = Site(name, int(index)) if index else SITES[name]
    operation.down(place, forget=True)
    operation.up(place)
    try:
        load(place)
        with local_names():
            yield place
    finally:
        operation.down(place, forget=True)
