"""What the models of all routes have in common: JSON in camelCase, and problem documents."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """Fields in snake_case here are in camelCase in JSON."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True)

    def payload(self) -> dict[str, Any]:
        """The model as JSON, without unset fields."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class ProblemDocument(Model):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    instance: str | None = None
    errors: list[dict[str, str]] | None = Field(default=None, description="[{field, message}]")
