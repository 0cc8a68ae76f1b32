"""What a server knows of the plan's other servers: their names, and what each may reach here."""
