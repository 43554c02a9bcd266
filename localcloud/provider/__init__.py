"""A substitute for the plugin `pulumi-resource-aws`, with which Pulumi's engine deploys into the embedded cloud."""
