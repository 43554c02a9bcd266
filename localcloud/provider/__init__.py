"""Our stand-in for the plugin `pulumi-resource-aws`: Pulumi's own engine drives the embedded cloud through it."""
