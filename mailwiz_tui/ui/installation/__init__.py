"""An installation: dashboard, first passwords, results of the checks."""
