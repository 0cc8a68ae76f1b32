"""The rate limiter: how much users may send, where the filter does not see to it."""
