"""Describes an image: what it is, how it was taken, what it looks like."""
