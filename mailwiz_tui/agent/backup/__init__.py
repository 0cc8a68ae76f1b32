"""The server's own backups, made and brought back on demand."""
