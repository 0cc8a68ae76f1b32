"""Delivery of queued mail when its next hop, a server of the plan, is back."""
