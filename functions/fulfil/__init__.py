"""Fulfils orders: makes their renditions, records how each attempt ends and publishes the result."""
