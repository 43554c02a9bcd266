"""CloudWatch Logs' two languages, Insights and filter patterns, as far as the project's queries and runbook need."""
