"""The guard: what users may send, where the filter does not see to it."""
