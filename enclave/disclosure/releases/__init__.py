"""What an output tells together with everything released before."""
