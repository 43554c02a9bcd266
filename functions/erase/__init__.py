"""Removes what was made from a deleted file, and what is recorded of it."""
