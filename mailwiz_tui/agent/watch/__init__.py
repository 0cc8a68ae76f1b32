"""What the monitor asks a running server."""
