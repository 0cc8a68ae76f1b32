"""Benchmarks borrow hosts of the tests' lab."""

from tests.lab.conftest import fresh_domain, fresh_host, lab

__all__ = ["fresh_domain", "fresh_host", "lab"]
