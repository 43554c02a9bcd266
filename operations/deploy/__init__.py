"""Deployment of this program with Pulumi's engine; `engine` is what programs call."""
