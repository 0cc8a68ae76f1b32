"""The certificate that every service serves."""
