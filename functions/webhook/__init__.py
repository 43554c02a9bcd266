"""Tells endpoints outside the stack of results."""
