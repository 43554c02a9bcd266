"""The commands of `img-pipeline`: a module for each command or group, whose `app` the command line collects.

What they share is in `options` (every option that several commands have) and in `console` (every line they print).
"""
