"""Makes the full-size rendition with the configured text or logo."""
