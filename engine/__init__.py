"""Pulumi's engine for machines that have none: where its CLI is kept, and how it gets there (`make engine`)."""
