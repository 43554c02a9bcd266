"""The real AWS provider against the embedded cloud, and what of it can be shown without the plugin."""
