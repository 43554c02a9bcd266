"""Validates a file: accepts it with its measures, or rejects it with a reason and a hint for the uploader."""
