"""Reads a stack's file, and runs `__main__.py` without Pulumi's engine."""
