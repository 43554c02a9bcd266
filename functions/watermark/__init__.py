"""Makes the full-size rendition that carries the configured text or logo."""
