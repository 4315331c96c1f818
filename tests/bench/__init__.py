"""The benchmark: what the README promises of speed, measured on a site of its own beside the figure of the bare part."""
