"""The same walk from filter to filter on Debian 12; a file of its own, so that another worker takes it."""

import pytest

from tests.lab.test_matrix import (  # noqa: F401
    test_cell,
    test_the_same_key_signs_in_every_cell,
    test_without_signatures_apply_says_so_and_does_not_hang,
    walk,
)

pytestmark = [
    pytest.mark.lab,
    pytest.mark.long,
    pytest.mark.timeout(1500),
    pytest.mark.xdist_group("matrix-bookworm"),
]


@pytest.fixture(scope="module")
def suite() -> str:
    return "bookworm"
