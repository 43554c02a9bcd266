"""Describes an image: its properties, its camera settings, its appearance."""
