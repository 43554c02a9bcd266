"""CloudWatch Logs: the parts of Insights queries and filter patterns that the project uses, and service logs."""
