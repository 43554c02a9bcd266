"""Dead letters: what is in the queues that keep what failed, why, and how it is replayed, exported or deleted."""
