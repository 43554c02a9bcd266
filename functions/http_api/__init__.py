"""What the functions behind the HTTP API have in common: routing, callers, problem documents, the API's description."""
