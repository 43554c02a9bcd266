"""Workflow definitions as data: states and retries, JSONata, the workflow of one file, the backfill."""
