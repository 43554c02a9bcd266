"""Delivers results to webhook endpoints."""
