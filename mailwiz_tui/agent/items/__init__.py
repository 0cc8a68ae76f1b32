"""What a blueprint is made of, compared with a server and made true on it."""
