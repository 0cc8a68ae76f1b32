"""Services that listen on the loopback only, carried between the servers inside mutual TLS (HAProxy)."""
