"""The API layer: its routes and who may call them, the function that answers, and how both are watched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.audit import Audit
from components.blocks.bucket import Bucket
from components.blocks.function import Function, FunctionArgs, Platform
from components.blocks.http_api import HttpApi, HttpApiArgs, Jwt
from components.blocks.iam import Statement, allow, use_key
from components.blocks.inventory import Inventory
from components.blocks.monitoring import Monitoring, SavedQuery
from components.blocks.table import index_arn
from components.blocks.url_signing import SignedUrls
from components.blocks.user_pool import UserPool, UserPoolArgs
from components.blocks.waf import Waf, WafArgs
from components.operator import Operator, OperatorArgs
from components.orders import Orders
from components.persist import Persist
from components.settings import API_MEMORY_MB, API_TIMEOUT_SECONDS, Settings
from components.stack_context import StackContext
from contract import assets, jobs
from contract import orders as order_contract
from contract.api import ORDER_ROUTES, ROUTES
from contract.keys import PROCESSED, UPLOADS
from contract.outputs import QueueOutputs

TIMEOUT_SECONDS = 15


@dataclass(frozen=True, kw_only=True)
class ApiArgs:
    """`signed_renditions` is what renditions' URLs are signed with, None for S3's presigned requests.

    `page_origins` are the origins of web pages that call the API; `console_urls` the addresses that the sign-in page
    may send people back to.
    """

    context: StackContext
    settings: Settings
    platform: Platform
    ingest_bucket: Bucket
    processed_bucket: Bucket
    persist: Persist
    signed_renditions: SignedUrls | None
    audit: Audit
    queues: QueueOutputs[pulumi.Input[str]]
    pipe_name: str
    orders: Orders | None
    page_origins: Sequence[pulumi.Input[str]]
    console_urls: Sequence[pulumi.Input[str]]


class Api(pulumi.ComponentResource):
    """From a request over HTTPS to an upload URL, the state of a job, or a picture's address."""

    url: pulumi.Output[str]
    functions: Mapping[str, Function]
    access_log_group_name: str
    user_pool: UserPool | None

    def __init__(self, name: str, args: ApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("img-pipeline:index:Api", name, None, opts)
        self._prefix, self._args = name, args
        self.user_pool = self._user_pool() if args.settings.api.makes_user_pool else None
        self._operator = self._operators()
        self._function = self._api_function()
        self.functions = {"api": self._function, **self._operator.functions}
        self._http = self._http_api()
        self.url = self._http.url
        self.access_log_group_name = self._http.log_group_name
        self.register_outputs({"url": self.url})

    def inventory(self) -> Inventory:
        """The API's address, its functions and access log, and the user pool if the stack makes one."""
        pool = self.user_pool
        of_pool = (
            {
                "user_pool_id": pool.id,
                "console_client_id": pool.console_client_id,
                "machine_client_id": pool.machine_client_id,
            }
            if pool
            else {}
        )
        return Inventory(
            outputs={"api_url": self.url, **of_pool},
            functions=self.functions,
            log_groups={"api-access": self.access_log_group_name},
        )

    def _user_pool(self) -> UserPool:
        context, child = self._args.context, pulumi.ResourceOptions(parent=self)
        pool = UserPool(
            f"{self._prefix}-callers", UserPoolArgs(context=context, console_urls=self._args.console_urls), child
        )
        if self._args.settings.api.waf:
            # AWS attaches WAF to user pools, and to no HTTP API ("Resources that you can protect with AWS WAF").
            Waf(
                f"{self._prefix}-waf",
                WafArgs(context=context, acl_name=context.name("sign-in"), resource_arn=pool.arn),
                child,
            )
        return pool

    def _jwt(self) -> Jwt | None:
        settings, pool = self._args.settings.api, self.user_pool
        if pool:
            return Jwt(issuer=pool.issuer, audience=[pool.console_client_id, pool.machine_client_id])
        return Jwt(issuer=settings.issuer, audience=settings.audience) if settings.auth == "jwt" else None

    def _operators(self) -> Operator:
        args = self._args
        return Operator(
            self._prefix,
            OperatorArgs(
                context=args.context,
                settings=args.settings,
                platform=args.platform,
                ingest_bucket=args.ingest_bucket,
                persist=args.persist,
                audit=args.audit,
                queues=args.queues,
                pipe_name=args.pipe_name,
                orders=args.orders,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _http_api(self) -> HttpApi:
        args, settings = self._args, self._args.settings
        return HttpApi(
            self._prefix,
            HttpApiArgs(
                context=args.context,
                api_name=args.context.name("api"),
                description="Asks for upload URLs, follows jobs and shows assets",
                function=self._function,
                route_functions=self._operator.routes,
                routes={
                    route: [spelling for scope in scopes for spelling in scope.spellings]
                    for route, scopes in {**ROUTES, **(ORDER_ROUTES if args.orders else {})}.items()
                },
                jwt=self._jwt(),
                cors_origins=args.page_origins,
                requests_per_second=settings.api.requests_per_second,
                burst=settings.api.burst,
                route_requests_per_second={"POST /uploads": settings.api.uploads_per_second},
                log_retention_days=settings.log_retention_days,
                counts_refused=settings.has_full_monitoring,
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _api_function(self) -> Function:
        args, settings = self._args, self._args.settings
        return Function(
            self._prefix,
            FunctionArgs(
                platform=args.platform,
                short_name="api",
                layer=settings.function_layers["api"],
                description="Answers the API's callers",
                memory_mb=API_MEMORY_MB,
                timeout_seconds=API_TIMEOUT_SECONDS,
                # The API's own throttles limit how many run at a time.
                reserved_concurrency=0,
                environment={
                    "INGEST_BUCKET": args.ingest_bucket.name,
                    "PROCESSED_BUCKET": args.processed_bucket.name,
                    "ASSETS_TABLE": args.persist.assets.name,
                    "JOBS_TABLE": args.persist.jobs.name,
                    "API_SETTINGS": settings.api_variable,
                    **_signing(args.signed_renditions),
                    **self._order_variables(),
                },
                statements=self._statements(),
            ),
            pulumi.ResourceOptions(parent=self),
        )

    def _statements(self) -> list[Statement]:
        args = self._args
        uploads = pulumi.Output.concat(args.ingest_bucket.arn, f"/{UPLOADS}*")
        services = ["s3", "dynamodb", *(["secretsmanager"] if args.signed_renditions else [])]
        jobs_table, assets_table = args.persist.jobs.arn, args.persist.assets.arn
        return [
            # Presigned requests have the permissions of the role that signed them.
            allow(
                "SignUploads",
                ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
                [uploads],
                why="Signs the requests that upload a file, whole or in parts",
            ),
            allow("SignOriginals", ["s3:GetObjectVersion"], [uploads], why="Signs the addresses of originals"),
            _sign_renditions(args),
            allow("DeleteOriginals", ["s3:DeleteObject"], [uploads], why="Marks an original as deleted"),
            allow(
                "KeepJobs",
                ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
                [jobs_table],
                why="Reads jobs, and records new ones and how many a caller asked for",
            ),
            allow(
                "ListJobs",
                ["dynamodb:Query"],
                [index_arn(jobs_table, each) for each in (jobs.FILE_KEY_INDEX, jobs.OWNER_INDEX, jobs.STATUS_INDEX)],
                why="Lists a file's, a caller's and all jobs",
            ),
            allow("ReadAssets", ["dynamodb:GetItem", "dynamodb:BatchGetItem"], [assets_table], why="Reads assets"),
            allow(
                "ListAssets",
                ["dynamodb:Query"],
                [index_arn(assets_table, each) for each in (assets.OWNER_INDEX, assets.SHARD_INDEX)],
                why="Lists a caller's and all assets",
            ),
            *self._order_statements(),
            *use_key(args.context, ["kms:Decrypt", "kms:GenerateDataKey"], services),
        ]

    def _order_variables(self) -> dict[str, pulumi.Input[str]]:
        placed = self._args.orders
        return {"ORDERS_TABLE": placed.orders.name, "ORDER_MACHINE_ARN": placed.state_machine.arn} if placed else {}

    def _order_statements(self) -> list[Statement]:
        placed = self._args.orders
        if placed is None:
            return []
        indexes = (order_contract.OWNER_INDEX, order_contract.STATUS_INDEX)
        return [
            allow(
                "TakeOrders",
                ["states:StartSyncExecution"],
                [placed.state_machine.arn],
                why="Has the workflow check, store and queue an order",
            ),
            allow("ReadOrders", ["dynamodb:GetItem", "dynamodb:BatchGetItem"], [placed.orders.arn], why="Reads orders"),
            allow(
                "ListOrders",
                ["dynamodb:Query"],
                [index_arn(placed.orders.arn, each) for each in indexes],
                why="Lists a caller's and all orders",
            ),
        ]

    def monitoring(self) -> Monitoring:
        """Alarms on failing, slow and refused calls; the questions to ask of the access log."""
        settings = self._args.settings
        access_log = (self.access_log_group_name,)
        return Monitoring(
            alarms=[
                *self._http.alarms(settings.alarms, p99_milliseconds=settings.api.p99_milliseconds),
                *self._function.alarms(settings.alarms),
                *self._operator.alarms(settings.alarms),
            ],
            rows=[self._http.graphs()],
            queries=[
                SavedQuery(
                    name="api-calls-by-route",
                    log_group_names=access_log,
                    query="stats count(*) as calls, pct(latencyMs, 99) as p99_ms by routeKey, status\n"
                    "| sort calls desc",
                ),
                SavedQuery(
                    name="api-calls-refused",
                    log_group_names=access_log,
                    query="filter status in ['401', '403', '429']\n"
                    "| stats count(*) as calls, latest(authorizerError) as example by status, sourceIp, caller\n"
                    "| sort calls desc",
                ),
            ],
        )


def _signing(renditions: SignedUrls | None) -> dict[str, pulumi.Input[str]]:
    if renditions is None:
        return {}
    return {
        "RENDITIONS_URL": renditions.base_url,
        "URL_KEY_ID": renditions.key.key_id,
        "URL_KEY_SECRET_ARN": renditions.key.secret_arn,
        # A version's key and the id go together, so a new key is used by new environments alone.
        "URL_KEY_SECRET_VERSION": renditions.key.secret_version_id,
    }


def _sign_renditions(args: ApiArgs) -> Statement:
    if args.signed_renditions:
        secret = args.signed_renditions.key.secret_arn
        why = "Reads the key that signs the URLs of renditions"
        return allow("ReadUrlKey", ["secretsmanager:GetSecretValue"], [secret], why=why)
    renditions = pulumi.Output.concat(args.processed_bucket.arn, f"/{PROCESSED}{UPLOADS}*")
    return allow("SignRenditions", ["s3:GetObject"], [renditions], why="Signs the addresses of renditions")
