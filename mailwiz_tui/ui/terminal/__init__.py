"""What the terminal can do, and how the program looks and behaves in it."""
