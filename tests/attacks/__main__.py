"""`python -m tests.attacks`: run the attacks and show who won; `ATTACKS=heavy` for all sizes. Called by hand."""

import sys

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(["tests/attacks", "-q", *sys.argv[1:]]))
