"""Deploys the pipeline from a program of your own: a stack for each tenant, say, or for each pull request.

    python -m examples.deploy_as_library acme

Needs the `pulumi` CLI, AWS credentials, and a backend (`PULUMI_BACKEND_URL`, or `pulumi login`).
"""

from __future__ import annotations

import os
import sys

from operations.deploy.engine import DeploymentFailed, DeploymentRefused, DeploymentResult, Engine, deploy


def deploy_tenant(tenant: str, *, engine: Engine | None = None) -> DeploymentResult:
    """Create or update the tenant's own stack."""
    pager = os.environ.get("PAGER_URL")
    return deploy(
        f"tenant-{tenant}",
        config={
            "aws:region": "eu-central-1",
            "maxBytes": 20_971_520,
            "transforms": {"watermark": {"settings": {"text": f"© {tenant}"}}},
            "resultSubscribers": {"catalogue": {"outcomes": ["COMPLETED"]}},
            "tags": {"Tenant": tenant},
        },
        # Kept encrypted in Pulumi.tenant-….yaml; never an argument of a process.
        secrets={"alertHttpsEndpoints[0]": pager} if pager else {},
        confirm=_is_small,
        engine=engine,
    )


def _is_small(preview: DeploymentResult) -> bool:
    """Go on by ourselves unless more is deleted than a person should look at."""
    return sum(change.operation == "delete" for change in preview.changes) < 10


def main(tenant: str) -> int:
    try:
        result = deploy_tenant(tenant)
    except DeploymentRefused as refusal:
        print(f"a person has to decide: {refusal}")
        return 3
    except DeploymentFailed as failure:
        for each in failure.result.failures:
            print(f"failed: {each}")
        return 1
    if not result.applied:
        print(f"{len(result.changes)} changes wait for a person: img-pipeline deploy --stack {result.stack}")
        return 3
    print(f"{tenant} uploads to s3://{result.outputs['ingestBucket']}/uploads/")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m examples.deploy_as_library TENANT")
    sys.exit(main(sys.argv[1]))
