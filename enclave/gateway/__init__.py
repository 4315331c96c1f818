"""HTTP for workspaces: the only way from a notebook to data and out again."""
