"""The questions of the wizard, one module a step; texts for people who run their first mail server."""
