"""One resource of every type, as Pulumi's engine would hand it over, and what an update changes about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from localcloud.resources.base import Created
from localcloud.resources.lifecycle import Values

Made = Mapping[str, Created]
"""What was made before, by name."""

TRUST = json.dumps(
    {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
)


Given = Callable[[Made], Values]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One resource.

    Attributes:
        name: what others call it.
        type: its type token.
        inputs: its inputs, given what was made before.
        change: inputs that an update in place gives another value; none for types that have nothing such.
    """

    name: str
    type: str
    inputs: Given
    change: Given


def sample(name: str, type_token: str, inputs: Values | Given, change: Values | Given | None = None) -> Sample:
    """A sample whose inputs may or may not depend on others."""
    return Sample(name=name, type=type_token, inputs=_given(inputs), change=_given(change or {}))


def _given(values: Values | Given) -> Given:
    return values if callable(values) else lambda _made: values


def in_bucket(**inputs: Any) -> Given:
    """Inputs of what is set on the bucket."""
    return lambda made: {"bucket": made["bucket"].id, **inputs}


def of_alias(**inputs: Any) -> Given:
    """Inputs of what is set on the function's alias."""
    return lambda made: {"functionName": made["function"].id, "qualifier": "live", **inputs}


def archive(code: str) -> Values:
    """An archive on the wire: a map of texts to pack, and the hash of it all."""
    signature = "4dabf18193072939515e22adb298388d"
    asset = {signature: "c44067f5952c0a294b673a41bacd8c17", "text": code, "hash": code}
    return {signature: "0def7320c3a5731c473e5ecbe6d01bc7", "assets": {"main.py": asset}, "hash": code}


def allow(action: str, **more: Any) -> str:
    """A policy of one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, **more}]})


def samples(vpc_id: str, subnet_id: str) -> list[Sample]:
    """A resource of every type, each after those it refers to."""
    tagged = {"tags": {"Project": "samples", "Stack": "all"}}
    retagged = {"tags": {"Project": "samples", "Team": "media"}}
    return [
        sample("bucket", "aws:s3/bucket:Bucket", {"bucket": "samples", "forceDestroy": True, **tagged}, retagged),
        sample(
            "versioning",
            "aws:s3/bucketVersioning:BucketVersioning",
            in_bucket(versioningConfiguration={"status": "Enabled"}),
            {"versioningConfiguration": {"status": "Suspended"}},
        ),
        sample(
            "public-access",
            "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
            in_bucket(blockPublicAcls=True, blockPublicPolicy=True),
            {"ignorePublicAcls": True},
        ),
        sample(
            "ownership",
            "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
            in_bucket(rule={"objectOwnership": "BucketOwnerEnforced"}),
            {"rule": {"objectOwnership": "BucketOwnerPreferred"}},
        ),
        sample(
            "bucket-encryption",
            "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
            in_bucket(
                rules=[{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}, "bucketKeyEnabled": True}]
            ),
            {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}, "bucketKeyEnabled": True}]},
        ),
        sample(
            "lifecycle",
            "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
            in_bucket(rules=[{"id": "old", "status": "Enabled", "expiration": {"days": 30}}]),
            {"rules": [{"id": "older", "status": "Enabled", "expiration": {"days": 60}}]},
        ),
        sample(
            "access-logs",
            "aws:s3/bucketLogging:BucketLogging",
            in_bucket(targetBucket="company-logs", targetPrefix="samples/"),
            {"targetPrefix": "all/"},
        ),
        sample(
            "bucket-policy",
            "aws:s3/bucketPolicy:BucketPolicy",
            in_bucket(
                policy=allow("s3:GetObject", Principal={"AWS": "000000000000"}, Resource="arn:aws:s3:::samples/*")
            ),
            {"policy": allow("s3:PutObject", Principal={"AWS": "000000000000"}, Resource="arn:aws:s3:::samples/*")},
        ),
        sample(
            "notification",
            "aws:s3/bucketNotification:BucketNotification",
            in_bucket(eventbridge=True),
            {"eventbridge": False},
        ),
        sample(
            "object",
            "aws:s3/bucketObject:BucketObject",
            in_bucket(key="a", content="a", contentType="text/plain"),
            {"contentType": "text/markdown"},
        ),
        sample(
            "dead",
            "aws:sqs/queue:Queue",
            {"name": "samples-dead", "messageRetentionSeconds": 1_209_600, **tagged},
            {"visibilityTimeoutSeconds": 90, **retagged},
        ),
        sample("queue", "aws:sqs/queue:Queue", {"name": "samples"}, {"delaySeconds": 5}),
        sample(
            "queue-policy",
            "aws:sqs/queuePolicy:QueuePolicy",
            lambda made: {
                "queueUrl": made["queue"].id,
                "policy": allow("sqs:SendMessage", Principal="*", Resource="*"),
            },
            {"policy": allow("sqs:ReceiveMessage", Principal="*", Resource="*")},
        ),
        sample(
            "redrive-allow",
            "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
            lambda made: {"queueUrl": made["dead"].id, "redriveAllowPolicy": '{"redrivePermission": "allowAll"}'},
            {"redriveAllowPolicy": '{"redrivePermission": "denyAll"}'},
        ),
        sample(
            "topic",
            "aws:sns/topic:Topic",
            {"name": "samples", "displayName": "Samples", **tagged},
            {"displayName": "S"},
        ),
        sample(
            "topic-policy",
            "aws:sns/topicPolicy:TopicPolicy",
            lambda made: {"arn": made["topic"].id, "policy": allow("sns:Publish", Principal="*", Resource="*")},
            {"policy": allow("sns:Subscribe", Principal="*", Resource="*")},
        ),
        sample(
            "subscription",
            "aws:sns/topicSubscription:TopicSubscription",
            lambda made: {
                "topic": made["topic"].id,
                "protocol": "sqs",
                "endpoint": made["queue"].outputs["arn"],
                "filterPolicy": '{"outcome": ["COMPLETED"]}',
            },
            {"rawMessageDelivery": True, "filterPolicy": '{"outcome": ["REJECTED"]}'},
        ),
        sample(
            "role",
            "aws:iam/role:Role",
            {"name": "samples", "assumeRolePolicy": TRUST, "description": "one", **tagged},
            {"description": "all"},
        ),
        sample(
            "role-policy",
            "aws:iam/rolePolicy:RolePolicy",
            lambda made: {"name": "own", "role": made["role"].id, "policy": allow("s3:GetObject", Resource="*")},
            {"policy": allow("s3:PutObject", Resource="*")},
        ),
        sample(
            "layer",
            "aws:lambda/layerVersion:LayerVersion",
            {"layerName": "samples", "code": archive("A = 1\n"), "compatibleRuntimes": ["python3.13"]},
        ),
        sample(
            "function",
            "aws:lambda/function:Function",
            lambda made: {
                "name": "samples",
                "role": made["role"].outputs["arn"],
                "code": archive("def handler(event, context): return 1\n"),
                "handler": "main.handler",
                "runtime": "python3.13",
                "layers": [made["layer"].id],
                "publish": True,
                "environment": {"variables": {"STAGE": "one"}},
                **tagged,
            },
            {"environment": {"variables": {"STAGE": "two"}}, "memorySize": 256, "reservedConcurrentExecutions": 2},
        ),
        sample(
            "alias",
            "aws:lambda/alias:Alias",
            lambda made: {"name": "live", "functionName": made["function"].id, "functionVersion": "1"},
            {"description": "what is in use"},
        ),
        sample(
            "invoke-config",
            "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
            of_alias(maximumRetryAttempts=0),
            {"maximumRetryAttempts": 1},
        ),
        sample(
            "warm",
            "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig",
            of_alias(provisionedConcurrentExecutions=1),
        ),
        sample(
            "machine",
            "aws:sfn/stateMachine:StateMachine",
            lambda made: {
                "name": "samples",
                "type": "EXPRESS",
                "roleArn": made["role"].outputs["arn"],
                "definition": _machine("Pass"),
                **tagged,
            },
            {"definition": _machine("Succeed"), **retagged},
        ),
        sample(
            "pipe",
            "aws:pipes/pipe:Pipe",
            lambda made: {
                "name": "samples",
                "roleArn": made["role"].outputs["arn"],
                "source": made["queue"].outputs["arn"],
                "target": made["machine"].id,
                "desiredState": "STOPPED",
                **tagged,
            },
            {"description": "waits"},
        ),
        sample(
            "rule",
            "aws:cloudwatch/eventRule:EventRule",
            {"name": "samples", "eventPattern": '{"source": ["samples"]}', **tagged},
            {"state": "DISABLED", **retagged},
        ),
        sample(
            "target",
            "aws:cloudwatch/eventTarget:EventTarget",
            lambda made: {
                "targetId": "queue",
                "rule": made["rule"].id,
                "arn": made["queue"].outputs["arn"],
                "retryPolicy": {"maximumRetryAttempts": 9},
            },
            {"retryPolicy": {"maximumRetryAttempts": 3}},
        ),
        sample(
            "group",
            "aws:cloudwatch/logGroup:LogGroup",
            {"name": "/samples", "retentionInDays": 1, **tagged},
            {"retentionInDays": 0, **retagged},
        ),
        sample(
            "query",
            "aws:cloudwatch/queryDefinition:QueryDefinition",
            {"name": "samples", "queryString": "fields @message"},
            {"queryString": "fields @timestamp"},
        ),
        sample(
            "alarm",
            "aws:cloudwatch/metricAlarm:MetricAlarm",
            {
                "name": "samples",
                "comparisonOperator": "GreaterThanThreshold",
                "evaluationPeriods": 1,
                "metricName": "Depth",
                "namespace": "samples",
                "period": 60,
                "statistic": "Sum",
                "threshold": 1,
                **tagged,
            },
            {"threshold": 2, **retagged},
        ),
        sample(
            "paging",
            "aws:cloudwatch/compositeAlarm:CompositeAlarm",
            {"alarmName": "samples-paging", "alarmRule": "ALARM(samples)", "alarmDescription": "wakes", **tagged},
            {"alarmDescription": "wakes somebody"},
        ),
        sample(
            "dashboard",
            "aws:cloudwatch/dashboard:Dashboard",
            {"dashboardName": "samples", "dashboardBody": '{"widgets": []}'},
            {"dashboardBody": '{"start": "-PT1H", "widgets": []}'},
        ),
        sample(
            "table",
            "aws:dynamodb/table:Table",
            {
                "name": "samples",
                "billingMode": "PAY_PER_REQUEST",
                "hashKey": "id",
                "attributes": [{"name": "id", "type": "S"}],
                "ttl": {"attributeName": "expiresAt", "enabled": True},
                "pointInTimeRecovery": {"enabled": False},
                **tagged,
            },
            {
                "attributes": [{"name": "id", "type": "S"}, {"name": "status", "type": "S"}],
                "globalSecondaryIndexes": [
                    {
                        "name": "by-status",
                        "projectionType": "ALL",
                        "keySchemas": [{"attributeName": "status", "keyType": "HASH"}],
                    }
                ],
                "pointInTimeRecovery": {"enabled": True},
                **retagged,
            },
        ),
        sample(
            "malware-plan",
            "aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan",
            lambda made: {
                "role": made["role"].outputs["arn"],
                "protectedResource": {"s3Bucket": {"bucketName": made["bucket"].id, "objectPrefixes": ["uploads/"]}},
                "actions": [{"taggings": [{"status": "ENABLED"}]}],
                **tagged,
            },
            {"actions": [{"taggings": [{"status": "DISABLED"}]}], **retagged},
        ),
        sample(
            "budget",
            "aws:budgets/budget:Budget",
            {
                "name": "samples",
                "budgetType": "COST",
                "timeUnit": "MONTHLY",
                "limitAmount": "10",
                "limitUnit": "USD",
            },
            {"limitAmount": "20"},
        ),
        sample(
            "key",
            "aws:kms/key:Key",
            {"description": "samples", "enableKeyRotation": True, **tagged},
            {"description": "all samples", "enableKeyRotation": False, **retagged},
        ),
        sample(
            "key-alias",
            "aws:kms/alias:Alias",
            lambda made: {"name": "alias/samples", "targetKeyId": made["key"].id},
        ),
        sample(
            "security-group",
            "aws:ec2/securityGroup:SecurityGroup",
            {"name": "samples", "vpcId": vpc_id, "description": "all", **tagged},
            retagged,
        ),
        sample(
            "egress",
            "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
            lambda made: _rule(made, 443) | tagged,
            retagged,
        ),
        sample(
            "ingress",
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
            lambda made: _rule(made, 8443) | tagged,
            retagged,
        ),
        sample(
            "endpoint",
            "aws:ec2/vpcEndpoint:VpcEndpoint",
            lambda made: {
                "vpcId": vpc_id,
                "serviceName": "com.amazonaws.us-east-1.sqs",
                "vpcEndpointType": "Interface",
                "subnetIds": [subnet_id],
                "securityGroupIds": [made["security-group"].id],
                **tagged,
            },
            retagged,
        ),
        *_http_api(tagged, retagged),
        *_user_pool(tagged, retagged),
        *_website(tagged, retagged),
        *_queue_consumer(tagged, retagged),
    ]


def _http_api(tagged: Values, retagged: Values) -> list[Sample]:
    def of_api(**inputs: Any) -> Given:
        return lambda made: {"apiId": made["api"].id, **inputs}

    return [
        sample(
            "api",
            "aws:apigatewayv2/api:Api",
            {
                "name": "samples",
                "protocolType": "HTTP",
                "corsConfiguration": {"allowOrigins": ["https://a.example"], "maxAge": 60},
                **tagged,
            },
            {"corsConfiguration": {"allowOrigins": ["https://b.example"], "allowMethods": ["GET"]}, **retagged},
        ),
        sample(
            "authorizer",
            "aws:apigatewayv2/authorizer:Authorizer",
            of_api(
                name="jwt",
                authorizerType="JWT",
                identitySources=["$request.header.Authorization"],
                jwtConfiguration={"issuer": "https://issuer.example", "audiences": ["a"]},
            ),
            {"jwtConfiguration": {"issuer": "https://issuer.example", "audiences": ["a", "b"]}},
        ),
        sample(
            "integration",
            "aws:apigatewayv2/integration:Integration",
            lambda made: {
                "apiId": made["api"].id,
                "integrationType": "AWS_PROXY",
                "integrationUri": made["alias"].id,
                "payloadFormatVersion": "2.0",
            },
            {"timeoutMilliseconds": 5000},
        ),
        sample(
            "route",
            "aws:apigatewayv2/route:Route",
            lambda made: {
                "apiId": made["api"].id,
                "routeKey": "GET /",
                "target": f"integrations/{made['integration'].id}",
                "authorizationType": "JWT",
                "authorizerId": made["authorizer"].id,
                "authorizationScopes": ["read"],
            },
            {"authorizationScopes": ["read", "write"]},
        ),
        sample(
            "stage",
            "aws:apigatewayv2/stage:Stage",
            lambda made: {
                "apiId": made["api"].id,
                "name": "samples",
                "autoDeploy": True,
                "accessLogSettings": {"destinationArn": made["group"].outputs["arn"], "format": "$context.status"},
                "defaultRouteSettings": {"throttlingRateLimit": 10, "throttlingBurstLimit": 20},
                **tagged,
            },
            {
                "routeSettings": [{"routeKey": "GET /", "throttlingRateLimit": 1, "throttlingBurstLimit": 2}],
                **retagged,
            },
        ),
        sample(
            "permission",
            "aws:lambda/permission:Permission",
            lambda made: {
                "function": made["function"].id,
                "qualifier": "live",
                "statementId": "api",
                "action": "lambda:InvokeFunction",
                "principal": "apigateway.amazonaws.com",
                "sourceArn": f"{made['api'].outputs['executionArn']}/*",
            },
        ),
        sample(
            "metric-filter",
            "aws:cloudwatch/logMetricFilter:LogMetricFilter",
            lambda made: {
                "name": "samples",
                "logGroupName": made["group"].id,
                "pattern": "ERROR",
                "metricTransformation": {"name": "Errors", "namespace": "samples", "value": "1"},
            },
            {"pattern": "FATAL"},
        ),
        sample(
            "cors",
            "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
            in_bucket(corsRules=[{"allowedOrigins": ["https://a.example"], "allowedMethods": ["PUT"]}]),
            {"corsRules": [{"allowedOrigins": ["https://b.example"], "allowedMethods": ["PUT", "GET"]}]},
        ),
    ]


def _user_pool(tagged: Values, retagged: Values) -> list[Sample]:
    def of_pool(**inputs: Any) -> Given:
        return lambda made: {"userPoolId": made["user-pool"].id, **inputs}

    return [
        sample(
            "user-pool",
            "aws:cognito/userPool:UserPool",
            {"name": "samples", "usernameAttributes": ["email"], "passwordPolicy": {"minimumLength": 14}, **tagged},
            {"mfaConfiguration": "OPTIONAL", "softwareTokenMfaConfiguration": {"enabled": True}, **retagged},
        ),
        sample("domain", "aws:cognito/userPoolDomain:UserPoolDomain", of_pool(domain="samples")),
        sample("user-group", "aws:cognito/userGroup:UserGroup", of_pool(name="operators", description="of all")),
        sample(
            "resource-server",
            "aws:cognito/resourceServer:ResourceServer",
            of_pool(identifier="files", name="files", scopes=[{"scopeName": "read", "scopeDescription": "Read files"}]),
            {"scopes": [{"scopeName": "read", "scopeDescription": "Read one's own files"}]},
        ),
        sample(
            "client",
            "aws:cognito/userPoolClient:UserPoolClient",
            of_pool(
                name="machine",
                generateSecret=True,
                allowedOauthFlowsUserPoolClient=True,
                allowedOauthFlows=["client_credentials"],
                allowedOauthScopes=["files/read"],
                accessTokenValidity=60,
                tokenValidityUnits={"accessToken": "minutes"},
            ),
            {"accessTokenValidity": 15},
        ),
        sample(
            "web-acl",
            "aws:wafv2/webAcl:WebAcl",
            {"name": "samples", "scope": "REGIONAL", "defaultAction": {"allow": {}}, **_seen("samples"), **tagged},
            {
                "rules": [
                    {
                        "name": "rate",
                        "priority": 0,
                        "action": {"block": {}},
                        "statement": {"rateBasedStatement": {"aggregateKeyType": "IP", "limit": 100}},
                        **_seen("rate"),
                    }
                ],
                **retagged,
            },
        ),
        sample(
            "web-acl-association",
            "aws:wafv2/webAclAssociation:WebAclAssociation",
            lambda made: {
                "webAclArn": made["web-acl"].outputs["arn"],
                "resourceArn": made["user-pool"].outputs["arn"],
            },
        ),
    ]


def _website(tagged: Values, retagged: Values) -> list[Sample]:
    return [
        sample(
            "origin-access",
            "aws:cloudfront/originAccessControl:OriginAccessControl",
            {
                "name": "samples",
                "description": "one bucket",
                "originAccessControlOriginType": "s3",
                "signingBehavior": "always",
                "signingProtocol": "sigv4",
            },
            {"signingBehavior": "no-override"},
        ),
        sample(
            "response-headers",
            "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
            {
                "name": "samples",
                "comment": "one",
                "securityHeadersConfig": {"frameOptions": {"frameOption": "DENY", "override": True}},
            },
            {"comment": "all"},
        ),
        sample(
            "public-key",
            "aws:cloudfront/publicKey:PublicKey",
            {"name": "samples", "comment": "one", "encodedKey": _public_key()},
            {"comment": "all"},
        ),
        sample(
            "key-group",
            "aws:cloudfront/keyGroup:KeyGroup",
            lambda made: {"name": "samples", "comment": "one", "items": [made["public-key"].id]},
            {"comment": "all"},
        ),
        sample(
            "distribution",
            "aws:cloudfront/distribution:Distribution",
            lambda made: _distribution(made) | tagged,
            {"priceClass": "PriceClass_All", **retagged},
        ),
    ]


def _public_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _distribution(made: Made) -> Values:
    return {
        "comment": "samples",
        "enabled": True,
        "isIpv6Enabled": True,
        "httpVersion": "http2",
        "priceClass": "PriceClass_100",
        "defaultRootObject": "index.html",
        "origins": [
            {
                "originId": "bucket",
                "domainName": "samples.s3.amazonaws.com",
                "originAccessControlId": made["origin-access"].id,
            }
        ],
        "defaultCacheBehavior": {
            "targetOriginId": "bucket",
            "viewerProtocolPolicy": "redirect-to-https",
            "allowedMethods": ["GET", "HEAD"],
            "cachedMethods": ["GET", "HEAD"],
            "cachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
            "compress": True,
            "responseHeadersPolicyId": made["response-headers"].id,
        },
    }


def _queue_consumer(tagged: Values, retagged: Values) -> list[Sample]:
    return [
        sample(
            "secret",
            "aws:secretsmanager/secret:Secret",
            {"name": "samples", "description": "one", "recoveryWindowInDays": 0, **tagged},
            {"description": "all", **retagged},
        ),
        sample(
            "secret-version",
            "aws:secretsmanager/secretVersion:SecretVersion",
            lambda made: {"secretId": made["secret"].id, "secretString": "one"},
        ),
        sample(
            "event-source",
            "aws:lambda/eventSourceMapping:EventSourceMapping",
            lambda made: {
                "eventSourceArn": made["queue"].outputs["arn"],
                "functionName": made["alias"].outputs["arn"],
                "functionResponseTypes": ["ReportBatchItemFailures"],
                "scalingConfig": {"maximumConcurrency": 2},
                **tagged,
            },
            {"batchSize": 5, "enabled": False, "scalingConfig": {"maximumConcurrency": 5}, **retagged},
        ),
    ]


def _seen(metric_name: str) -> Values:
    seen = {"cloudwatchMetricsEnabled": True, "metricName": metric_name, "sampledRequestsEnabled": True}
    return {"visibilityConfig": seen}


def _redrive(made: Made, times: int) -> str:
    return json.dumps({"deadLetterTargetArn": made["dead"].outputs["arn"], "maxReceiveCount": times})


def _machine(kind: str) -> str:
    only = {"Type": kind} | ({"End": True} if kind == "Pass" else {})
    return json.dumps({"StartAt": "Only", "States": {"Only": only}})


def _rule(made: Made, port: int) -> Values:
    return {
        "securityGroupId": made["security-group"].id,
        "ipProtocol": "tcp",
        "fromPort": port,
        "toPort": port,
        "cidrIpv4": "10.0.0.0/8",
    }
