"""Checks of a deployed stack: what is there against what should be, and one real file through it."""
