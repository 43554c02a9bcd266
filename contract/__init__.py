"""Definitions that all packages share. Imports only the standard library, and no other package of the project."""
