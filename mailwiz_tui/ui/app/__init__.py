"""The Textual application: start, end, and navigation between its screens."""
