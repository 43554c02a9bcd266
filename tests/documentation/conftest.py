"""The local stack and its command line, as the tests of operations have them."""

from tests.operations.conftest import announced, connection, img_pipeline, local_state, stack

__all__ = ["announced", "connection", "img_pipeline", "local_state", "stack"]
