"""Malformed pictures, tables and requests, made from a seed: each must end in a verdict, in the functions' limits."""
