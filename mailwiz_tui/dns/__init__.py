"""The DNS records a plan needs, why each is needed, and how they compare with the live DNS."""
