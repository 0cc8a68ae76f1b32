"""An installation as it goes on: dashboard, first passwords, checks."""
