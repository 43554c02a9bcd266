"""What AWS charges, each price with its unit, its date and where it was read.

On-demand list prices of us-east-1 in US dollars, without free tier and without tax. Of prices that fall with volume it
is the first and highest tier. An estimate marks prices that do not come from AWS.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

REGION = "us-east-1"
MILLION = 1_000_000
# Thirty days, so that a day's load times thirty is a month's.
SECONDS_PER_MONTH = 30 * 24 * 3600
HOURS_PER_MONTH = 30 * 24


class Checked(StrEnum):
    """How far a price can be trusted."""

    LIST = "AWS price list"
    SECONDARY = "secondary source"
    BELIEVED = "believed"


@dataclass(frozen=True, kw_only=True)
class Price:
    """`usd` US dollars for every `per` of `unit`."""

    usd: float
    per: int = 1
    unit: str
    source: str
    as_of: date
    checked: Checked = Checked.LIST

    def times(self, quantity: float) -> float:
        """What a quantity of its unit costs, in US dollars."""
        return quantity * self.usd / self.per

    def __str__(self) -> str:
        per = {1: "", 1000: "thousand ", 10_000: "10,000 ", MILLION: "million "}[self.per]
        return f"${self.usd:g} per {per}{self.unit}"


_LIST_DATE = date(2026, 8, 31)
_LOOKED_UP = date(2026, 11, 21)


def _many(usd: float, per: int, unit: str, source: str, checked: Checked) -> Price:
    return Price(usd=usd, per=per, unit=unit, source=source, as_of=_LOOKED_UP, checked=checked)


def _million(usd: float, unit: str, source: str, checked: Checked = Checked.LIST) -> Price:
    return Price(usd=usd, per=MILLION, unit=unit, source=source, as_of=_LIST_DATE, checked=checked)


def _each(usd: float, unit: str, source: str, checked: Checked) -> Price:
    return Price(usd=usd, unit=unit, source=source, as_of=_LOOKED_UP, checked=checked)


LAMBDA_REQUEST = _million(0.20, "requests", "AWS Lambda Pricing")
LAMBDA_DURATION = {
    "arm64": _million(13.3334, "GB-seconds", "AWS Lambda Pricing"),
    "x86_64": _million(16.6667, "GB-seconds", "AWS Lambda Pricing"),
}
LAMBDA_PROVISIONED = {
    "arm64": _million(3.3334, "GB-seconds kept warm", "AWS Lambda Pricing"),
    "x86_64": _million(4.1667, "GB-seconds kept warm", "AWS Lambda Pricing"),
}
# What a warm environment's own work costs, instead of LAMBDA_DURATION.
LAMBDA_PROVISIONED_DURATION = {
    "arm64": _million(7.7778, "GB-seconds", "AWS Lambda Pricing", Checked.BELIEVED),
    "x86_64": _million(9.7222, "GB-seconds", "AWS Lambda Pricing", Checked.BELIEVED),
}
LAMBDA_SNAPSHOT = _million(1.5046, "GB-seconds of snapshots", "AWS Lambda Pricing", Checked.BELIEVED)
LAMBDA_RESTORE = _million(139.7998, "GB restored", "AWS Lambda Pricing", Checked.BELIEVED)
LAMBDA_STORAGE = _million(0.0309, "GB-seconds of /tmp", "AWS Lambda Pricing", Checked.BELIEVED)
STANDARD_TRANSITION = _million(25.00, "transitions", "AWS Step Functions Pricing")
EXPRESS_REQUEST = _million(1.00, "requests", "AWS Step Functions Pricing")
EXPRESS_DURATION = _million(16.67, "GB-seconds", "AWS Step Functions Pricing")
SQS_REQUEST = _million(0.40, "requests", "Amazon SQS Pricing")
SNS_PUBLISH = _million(0.50, "publishes", "Amazon SNS Pricing")
PIPE_REQUEST = _million(0.40, "requests", "articles on Amazon EventBridge Pricing", Checked.SECONDARY)
BUCKET_EVENT = _million(1.00, "events", "articles on Amazon EventBridge Pricing", Checked.SECONDARY)
DYNAMODB_WRITE = _million(0.625, "write units", "Amazon DynamoDB Pricing")
DYNAMODB_READ = _million(
    0.125, "read units", "Airbyte, Amazon DynamoDB Pricing: On-Demand & Provisioned Plans", Checked.SECONDARY
)
DYNAMODB_STORAGE = _each(0.25, "GB-months", "Amazon DynamoDB Pricing", Checked.BELIEVED)
DYNAMODB_RECOVERY = _each(0.20, "GB-months", "Amazon DynamoDB Pricing", Checked.BELIEVED)
S3_PUT = _million(5.00, "PUTs", "Amazon S3 Pricing")
S3_GET = _million(0.40, "GETs", "Amazon S3 Pricing")
S3_STORAGE = _each(0.023, "GB-months", "CloudBurn, Amazon S3 Pricing Explained (March 2026)", Checked.SECONDARY)
LOG_INGESTION = _each(0.50, "GB", "articles on Amazon CloudWatch Pricing", Checked.SECONDARY)
LOG_STORAGE = _each(0.03, "GB-months", "Amazon CloudWatch Pricing", Checked.BELIEVED)
CUSTOM_METRIC = _each(0.30, "metric-months", "articles on Amazon CloudWatch Pricing", Checked.SECONDARY)
ALARM_METRIC = _each(0.10, "alarm metric-months", "C3X, aws_cloudwatch_metric_alarm", Checked.SECONDARY)
COMPOSITE_ALARM = _each(0.50, "alarm-months", "C3X, aws_cloudwatch_metric_alarm", Checked.SECONDARY)
DASHBOARD = _each(3.00, "dashboard-months", "Amazon CloudWatch Pricing", Checked.BELIEVED)
TRACE = Price(usd=5.00, per=MILLION, unit="traces", source="AWS X-Ray Pricing", as_of=_LOOKED_UP)
KMS_KEY = _each(1.00, "key-months", "AWS KMS Pricing", Checked.BELIEVED)
ENDPOINT_HOUR = _each(0.01, "endpoint-hours per zone", "AWS PrivateLink Pricing", Checked.BELIEVED)
HTTP_API_CALL = _million(
    1.00, "calls", "AWS whitepaper, Best Practices for API Gateway Private APIs", Checked.SECONDARY
)
MACHINE_CLIENT = _each(6.00, "client-months", "Rhythmic, The AWS Cognito M2M Bill Has Come Due", Checked.SECONDARY)
MACHINE_TOKEN = _many(2.25, 1000, "tokens", "Vantage, CUPM2MTokenRequestsFull", Checked.SECONDARY)
SECRET = _each(0.40, "secret-months", "Hivebook, AWS Secrets Manager", Checked.SECONDARY)
SECRET_REQUEST = _many(0.05, 10_000, "requests", "Hivebook, AWS Secrets Manager", Checked.SECONDARY)
CLOUDFRONT_REQUEST = _many(0.01, 10_000, "HTTPS requests", "Amazon CloudFront Pricing", Checked.BELIEVED)
WEB_ACL = _each(5.00, "web ACL-months", "AWS WAF Pricing", Checked.BELIEVED)
WEB_ACL_RULE = _each(1.00, "rule-months", "AWS WAF Pricing", Checked.BELIEVED)
MALWARE_GIGABYTE = Price(
    usd=0.09, unit="GB scanned", source="Amazon GuardDuty Pricing", as_of=_LIST_DATE, checked=Checked.SECONDARY
)
MALWARE_OBJECT = Price(
    usd=0.215,
    per=1000,
    unit="objects",
    source="Amazon GuardDuty Pricing",
    as_of=_LIST_DATE,
    checked=Checked.SECONDARY,
)
