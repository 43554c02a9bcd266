"""What the functions promise, in-process: handlers and pure functions against an in-memory S3 and DynamoDB."""
