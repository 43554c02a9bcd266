"""Judges a file: accepted with its measures, or rejected with a reason its uploader can act on."""
