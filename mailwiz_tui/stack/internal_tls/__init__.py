"""Certificates inside the private link: each server trusts exactly those of the plan."""
