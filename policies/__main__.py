"""Started by Pulumi's engine: `pulumi preview --policy-pack policies`."""

from pulumi_policy import EnforcementLevel, PolicyPack

from policies.pack import policies

PolicyPack("img-pipeline", policies(), EnforcementLevel.MANDATORY)
