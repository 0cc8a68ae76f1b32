"""Services that listen on loopback only, carried between the servers inside mutual TLS (HAProxy)."""
