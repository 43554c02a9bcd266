"""Signed URLs of a CloudFront distribution: the key pair, whose public half the distribution trusts."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from components.stack_context import StackContext

# CloudFront takes RSA keys of 2048 bits ("Specify signers that can create signed URLs and signed cookies").
KEY_BITS = 2048
PUBLIC_EXPONENT = 65537
# Days that Secrets Manager keeps a deleted secret, 7 at least ("DeleteSecret").
RECOVERY_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class UrlSigningKeyArgs:
    """`role` is what the key's secret is named after, `description` what it signs."""

    context: StackContext
    role: str
    description: str


class UrlSigningKey(pulumi.ComponentResource):
    """A key pair that the program makes once. Replacing the secret's version makes another."""

    key_id: pulumi.Output[str]
    key_group_id: pulumi.Output[str]
    secret_arn: pulumi.Output[str]
    secret_version_id: pulumi.Output[str]

    def __init__(self, name: str, args: UrlSigningKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:UrlSigningKey", name, None, opts)
        self._prefix, self._args = name, args
        child = pulumi.ResourceOptions(parent=self)
        secret = self._secret()
        private_key = self._private_key(secret)
        public_key = aws.cloudfront.PublicKey(
            name,
            comment=args.description,
            encoded_key=pulumi.Output.unsecret(private_key.secret_string.apply(lambda pem: _public_half(pem or ""))),
            opts=child,
        )
        group = aws.cloudfront.KeyGroup(
            name, name=args.context.name(args.role), comment=args.description, items=[public_key.id], opts=child
        )
        self.key_id, self.key_group_id = public_key.id, group.id
        self.secret_arn, self.secret_version_id = secret.arn, private_key.version_id
        self.register_outputs({"key_id": self.key_id})

    def _secret(self) -> aws.secretsmanager.Secret:
        context = self._args.context
        return aws.secretsmanager.Secret(
            self._prefix,
            name=context.name(self._args.role),
            description=self._args.description,
            kms_key_id=context.key_arn,
            recovery_window_in_days=RECOVERY_DAYS if context.protect_state else 0,
            tags=context.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _private_key(self, secret: aws.secretsmanager.Secret) -> aws.secretsmanager.SecretVersion:
        return aws.secretsmanager.SecretVersion(
            self._prefix,
            secret_id=secret.arn,
            secret_string=pulumi.Output.secret(_new_private_key()),
            # Each run of the program makes a key, and the first one is kept; the public half is that one's.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["secret_string"]),
        )


@dataclass(frozen=True, kw_only=True)
class SignedUrls:
    """What a distribution sends below `base_url` (which ends in a slash), for URLs signed with `key`."""

    base_url: pulumi.Output[str]
    distribution_arn: pulumi.Output[str]
    key: UrlSigningKey


def _new_private_key() -> str:
    key = rsa.generate_private_key(PUBLIC_EXPONENT, KEY_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _public_half(pem: str) -> str:
    public_key = serialization.load_pem_private_key(pem.encode(), None).public_key()
    return public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
