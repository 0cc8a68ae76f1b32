"""The plan's other servers on a server: their names, and the ports that each may reach."""
