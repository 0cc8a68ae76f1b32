"""The servers, how to reach them, and their facts."""
