"""Pulumi type tokens of the resources that the rules apply to."""

from __future__ import annotations

from contract.names import DEAD_LETTER_SUFFIX

BUCKET = "aws:s3/bucket:Bucket"
QUEUE = "aws:sqs/queue:Queue"
TABLE = "aws:dynamodb/table:Table"
TOPIC = "aws:sns/topic:Topic"
KEY = "aws:kms/key:Key"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ROLE_POLICY_ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"

BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
TLS_POLICIES = (BUCKET_POLICY, QUEUE_POLICY, TOPIC_POLICY)
RESOURCE_POLICIES = (*TLS_POLICIES, KEY)

PUBLIC_ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
OWNERSHIP_CONTROLS = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
BUCKET_ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
MALWARE_PLAN = "aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"
EGRESS_RULE = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"

SECRETS_MANAGER_ENTRY = "aws:secretsmanager/secret:Secret"
FUNCTION = "aws:lambda/function:Function"
API = "aws:apigatewayv2/api:Api"
API_ROUTE = "aws:apigatewayv2/route:Route"
API_STAGE = "aws:apigatewayv2/stage:Stage"
USER_POOL_CLIENT = "aws:cognito/userPoolClient:UserPoolClient"
DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
ORIGIN_ACCESS_CONTROL = "aws:cloudfront/originAccessControl:OriginAccessControl"

# The key that AWS manages for SNS in every account.
KEY_OF_SNS = "alias/aws/sns"


def is_dead_letter_queue(queue_name: object) -> bool:
    """Whether a queue's name is that of a dead-letter queue."""
    return isinstance(queue_name, str) and queue_name.endswith(DEAD_LETTER_SUFFIX)
