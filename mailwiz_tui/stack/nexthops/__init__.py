"""Waking the queue when a server of the plan that mail waited for is back."""
