"""The DNS records of a plan, with their reasons, and their comparison with the live DNS."""
