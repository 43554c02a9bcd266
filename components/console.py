"""The web console: a page over the API, and the settings with which it finds the API and the sign-in page."""

from dataclasses import dataclass

import pulumi

from components.api import Api
from components.blocks.inventory import Inventory
from components.blocks.packaging import console_files
from components.blocks.url_signing import SignedUrls, UrlSigningKey, UrlSigningKeyArgs
from components.blocks.user_pool import CONSOLE_SCOPES
from components.blocks.web_site import SignedFiles, WebSite, WebSiteArgs, as_asset
from components.settings import Settings
from components.stack_context import StackContext
from contract.keys import PROCESSED


@dataclass(frozen=True, kw_only=True)
class ConsoleArgs:
    context: StackContext
    settings: Settings


class Console(pulumi.ComponentResource):
    """The page, at an address that the API's sign-in and its buckets have to know before there is an API."""

    origin: pulumi.Output[str]
    url: pulumi.Output[str]
    signed_renditions: SignedUrls | None

    def __init__(self, name: str, args: ConsoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Console", name, None, opts)
        context, self._settings = args.context, args.settings
        key = self._signing_key(f"{name}-renditions", context) if args.settings.api.signs_renditions else None
        directory, files = console_files()
        if not files:
            pulumi.log.warn("the console has no page: build it with `make console`, which needs Node.js", self)
        self._site = WebSite(
            f"{name}-site",
            WebSiteArgs(
                context=context,
                bucket_name=context.bucket_name("console"),
                description=f"The console of {context.name('api')}",
                content_security_policy=_content_security_policy(args),
                directory=directory,
                files=files,
                old_version_days=args.settings.lifecycle.old_version_days,
                signed_files=_signed_files(args, key) if key else None,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        self.origin = pulumi.Output.concat(args.settings.url_scheme, "://", self._site.domain_name)
        self.url = pulumi.Output.concat(self.origin, "/")
        self.signed_renditions = (
            SignedUrls(base_url=self.url, distribution_arn=self._site.arn, key=key) if key else None
        )
        self.register_outputs({"url": self.url})

    def inventory(self) -> Inventory:
        """The page's address."""
        return Inventory(outputs={"console_url": self.url})

    def _signing_key(self, name: str, context: StackContext) -> UrlSigningKey:
        return UrlSigningKey(
            name,
            UrlSigningKeyArgs(
                context=context, role="rendition-urls", description=f"Signs the URLs of {context.name('renditions')}"
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def connect(self, api: Api) -> None:
        """Tell the page where the API is, and how callers sign in."""
        self._site.store("config.json", as_asset({"apiUrl": api.url, "auth": self._sign_in(api)}))

    def _sign_in(self, api: Api) -> pulumi.Input[str | dict]:
        pool = api.user_pool
        if pool is None:
            return "none"
        # The embedded cloud serves all its pages from one host, and has no domain of its own for this one.
        sign_in_url = "" if self._settings.is_embedded else pool.sign_in_url
        return {
            "authorizeUrl": pulumi.Output.concat(sign_in_url, "/oauth2/authorize"),
            "tokenUrl": pulumi.Output.concat(sign_in_url, "/oauth2/token"),
            "logoutUrl": pulumi.Output.concat(sign_in_url, "/logout"),
            "clientId": pool.console_client_id,
            "scopes": CONSOLE_SCOPES,
        }


def _signed_files(args: ConsoleArgs, key: UrlSigningKey) -> SignedFiles:
    processed = args.settings.processed_bucket_name or args.context.bucket_name("processed")
    return SignedFiles(bucket_name=processed, prefix=PROCESSED, key_group_id=key.key_group_id)


def _content_security_policy(args: ConsoleArgs) -> str:
    """What the page may load and ask: itself, the API, the sign-in page and the two buckets; nothing inline."""
    context, settings = args.context, args.settings
    region = f"{context.region}.{context.dns_suffix}"
    names = (
        settings.ingest_bucket_name or context.bucket_name("ingest"),
        settings.processed_bucket_name or context.bucket_name("processed"),
    )
    buckets = [f"https://{name}.s3.{region}" for name in names]
    services = [f"https://*.execute-api.{region}", f"https://*.auth.{context.region}.amazoncognito.com"]
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src 'self' data: {' '.join(buckets)}",
            f"connect-src 'self' {' '.join([*services, *buckets])}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )
