"""The contenders: each runs one step in a process of its own."""
