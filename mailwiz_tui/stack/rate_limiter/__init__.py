"""The guard: how much users may send, where the filter does not see to it."""
