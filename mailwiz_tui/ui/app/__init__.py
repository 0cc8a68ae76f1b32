"""The Textual application: how it starts and ends, and the ways between its screens."""
