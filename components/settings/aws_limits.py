"""Settings that are valid by themselves but that AWS would reject during a deployment."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from contract.names import PROJECT_TAG, STACK_TAG

# "Tag naming limits and requirements", AWS General Reference.
MAX_TAGS = 50
MAX_TAG_KEY_CHARACTERS = 128
MAX_TAG_VALUE_CHARACTERS = 256
# "Object tagging restrictions", Amazon S3 User Guide.
MAX_OBJECT_TAGS = 10
TAG_PUNCTUATION = "_.:/=+-@"
# Tags that the program sets on every resource.
OWN_TAGS = (PROJECT_TAG, STACK_TAG)

# "Lambda quotas": all variables of a function together, measured as a JSON object. The other variables (log
# level, names of the stack's resources, limits) take less than the second number, whatever the length of the names.
MAX_ENVIRONMENT_BYTES = 4096
OTHER_VARIABLES_BYTES = 768
# "Configuring a VPC" (VpcConfig, Lambda API Reference); the second is what SNS takes as an endpoint.
MAX_SUBNETS = 16
MAX_URL_CHARACTERS = 2048

# "General purpose bucket naming rules", Amazon S3 User Guide.
RESERVED_BUCKET_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
RESERVED_BUCKET_SUFFIXES = ("-s3alias", "--ol-s3", "--x-s3", "--table-s3")

Refusal = tuple[str, object, str]
"""(key, value, what is accepted)."""


def refused_tags(tags: Mapping[str, str], *, objects_are_tagged: bool) -> Iterator[Refusal]:
    """Tags whose keys, values or number AWS rejects.

    Args:
        tags: the setting `tags`.
        objects_are_tagged: whether the program also tags an object in S3, which can have fewer tags.
    """
    most = (MAX_OBJECT_TAGS if objects_are_tagged else MAX_TAGS) - len(OWN_TAGS)
    if len(tags) > most:
        why = "an object in S3, which a transform's file is," if objects_are_tagged else "a resource"
        yield (
            "tags",
            f"{len(tags)} tags",
            f"at most {most}: {why} takes {most + len(OWN_TAGS)}, {' and '.join(OWN_TAGS)} among them",
        )
    # IAM compares keys without regard to case ("Tags for IAM resources").
    spellings = Counter(key.casefold() for key in tags)
    own = {key.casefold(): key for key in OWN_TAGS}
    for key, value in tags.items():
        path = f"tags.{key}"
        if key.casefold() in own and key not in OWN_TAGS:
            yield path, value, f"a key that differs from {own[key.casefold()]} in more than case: IAM ignores case"
        elif spellings[key.casefold()] > 1:
            yield path, value, "each key once: IAM ignores case"
        if key.casefold().startswith("aws:"):
            yield path, value, "a key that does not start with aws:, which is reserved for AWS"
        if not 1 <= len(key) <= MAX_TAG_KEY_CHARACTERS:
            yield path, value, f"a key of 1 to {MAX_TAG_KEY_CHARACTERS} characters; this one has {len(key)}"
        for what, text in (("key", key), ("value", value)):
            if odd := sorted({character for character in text if not _may_be_in_a_tag(character)}):
                accepted = f"letters, digits, spaces and {' '.join(TAG_PUNCTUATION)} in a tag's {what}"
                yield path, value, f"{accepted}; not {' '.join(odd)}"


def refused_variables(settings: Mapping[str, tuple[str, str]]) -> Iterator[Refusal]:
    """Settings that are too long for the environment of the function that reads them.

    Args:
        settings: (the name of the variable, its text) by the setting's key.
    """
    most = MAX_ENVIRONMENT_BYTES - OTHER_VARIABLES_BYTES
    for key, (variable, text) in settings.items():
        size = len(json.dumps({variable: text}).encode())
        if size > most:
            yield (
                key,
                f"{size} bytes in the variable {variable}",
                f"at most {most} bytes: a Lambda function has {MAX_ENVIRONMENT_BYTES} for all its variables; "
                "shorten the list",
            )


def refused_bucket_name(key: str, name: str) -> Iterator[Refusal]:
    """A bucket's name, if it has a prefix or suffix that S3 reserves."""
    if name.startswith(RESERVED_BUCKET_PREFIXES) or name.endswith(RESERVED_BUCKET_SUFFIXES):
        yield (
            key,
            name,
            f"a name that does not start with {', '.join(RESERVED_BUCKET_PREFIXES)} and does not end with "
            f"{', '.join(RESERVED_BUCKET_SUFFIXES)}: S3 reserves those",
        )


def refused_repetitions(key: str, values: Sequence[str]) -> Iterator[Refusal]:
    """Values that a list of identifiers contains more than once."""
    for value, times in Counter(values).items():
        if times > 1:
            yield key, value, "each once"


def _may_be_in_a_tag(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNZ" or character in TAG_PUNCTUATION
