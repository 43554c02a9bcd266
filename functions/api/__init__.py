"""The HTTP API: asks for upload URLs, follows jobs and shows assets."""
