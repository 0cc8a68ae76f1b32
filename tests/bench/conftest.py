"""Benchmarks borrow hosts of the tests' lab, and the screens' fixtures."""

from tests.lab.conftest import fresh_domain, fresh_host, lab
from tests.ui.conftest import clock, make_app, plan_path, script

__all__ = ["clock", "fresh_domain", "fresh_host", "lab", "make_app", "plan_path", "script"]
