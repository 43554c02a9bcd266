"""Dead letters: what is in the queues that keep what failed, why, and how it gets out again.

>>> from operations.dead_letters.causes import group
>>> from operations.dead_letters.sampling import sample
>>> from operations.dead_letters.stack_queues import find_queue
>>> for cause in group(sample(pipeline, find_queue(pipeline, "transform")).letters):
...     print(cause.count, cause.cause, cause.reason)
"""
