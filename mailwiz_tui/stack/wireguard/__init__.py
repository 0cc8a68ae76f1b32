"""The private link between the servers: a WireGuard mesh, each server linked to each other."""
