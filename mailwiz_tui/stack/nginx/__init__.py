"""nginx (web server)."""
