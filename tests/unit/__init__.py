"""Tests of the functions, in-process: handlers and pure functions with S3 and DynamoDB in memory."""
