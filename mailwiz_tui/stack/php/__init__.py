"""PHP, for the web applications."""
