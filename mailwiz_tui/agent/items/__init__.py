"""The items of a blueprint: comparison with the server, and applying."""
