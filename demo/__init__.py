"""The whole pipeline on this machine, with real files: `make demo`."""
