"""The private link between the servers: a WireGuard mesh of all servers."""
