"""Whether mail for a recipient can be kept, asked before it is taken; and where bounces may go."""
