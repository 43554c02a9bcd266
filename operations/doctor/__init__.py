"""Checks of a deployed stack: what exists, how it is configured, and one real file through its workflow."""
