"""Dead letters: their causes, how they are read without being removed, and which message replays each.

The operators' command line and the HTTP API's functions both do this.
"""
