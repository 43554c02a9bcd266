"""Mutation testing: small defects, one at a time, that the tests must notice."""
