"""The terminal: its capabilities, colours, symbols, and the order of keys."""
