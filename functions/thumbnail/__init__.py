"""Makes the configured smaller renditions of an image."""
