"""The commands, a file per kind of user. They read arguments, call, and print; what they call is imported when it is called, so
that `enclave --help` is fast."""
