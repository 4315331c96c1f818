"""The hub: who a person is, and the walls of the workspace they get. JupyterHub runs it; the decisions are ours."""
