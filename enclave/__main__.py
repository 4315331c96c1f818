"""`python -m enclave` is the command `enclave`."""

from enclave.cli import main

main()
