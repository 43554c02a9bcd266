"""What all tests have in common."""

import os

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# A shared machine pauses for longer than Hypothesis allows an example by default; what is found does not depend on it.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")


# The last tests of these folders look at what the folder's other tests did.
TOGETHER = ("tests/e2e", "tests/workflow")


class OneProcessPerFile(LoadScopeScheduling):
    """Run a file's tests in one process, as they share an embedded cloud, and all tests of some folders in one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder = file.rpartition("/")[0]
        return folder if folder in TOGETHER else file


def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are processors, as tests also wait."""
    return (os.cpu_count() or 1) + 1


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneProcessPerFile:
    """Distribute the tests in the order of their folders, where a run has several processes."""
    config.option.loadscopereorder = False
    return OneProcessPerFile(config, log)
