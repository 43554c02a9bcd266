"""Malformed requests to the HTTP API: bodies, paths, queries, headers and claims."""

from __future__ import annotations

import base64
import json
import random
import urllib.parse
from typing import Any

from tests.hostile.damage import damaged
from tests.hostile.inputs import REQUEST, HostileInput
from tests.unit.api.conftest import request_event

JOB, PENDING_JOB, ORDER, FILE_KEY = "a" * 32, "b" * 32, "c" * 32, "uploads/cat.jpg"
"""What is in the tables."""

_UPLOAD: dict[str, Any] = {
    "filename": "cat.jpg",
    "contentType": "image/jpeg",
    "size": 1000,
    "sha256": "0" * 64,
    "callbackUrl": "https://hooks.example.com/x",
    "focalPoint": "0.3,0.7",
    "multipart": False,
    "method": "PUT",
}
_ORDER: dict[str, Any] = {
    "fileKey": FILE_KEY,
    "renditions": [
        {"preset": "w320", "format": "webp"},
        {"width": 100, "height": 50, "format": "jpeg", "fit": "cover"},
    ],
    "reference": "r-1",
}
_BODIES: dict[str, Any] = {
    "/uploads": _UPLOAD,
    "/uploads/batch": {"uploads": [_UPLOAD, {"filename": "b.png"}]},
    f"/uploads/{PENDING_JOB}/sign": {"method": "PUT", "uploadId": "abc", "partNumber": 1},
    "/orders": _ORDER,
    "/operations/dead-letters/replay": {"queue": "transform", "cause": "CORRUPT", "dryRun": True},
    "/operations/failed-orders/redrive": {"cause": "CORRUPT", "orderId": ORDER, "dryRun": True},
}
_LISTS = ("/jobs", "/assets", "/orders", "/operations/dead-letters")
_SINGLE = (f"/jobs/{JOB}", f"/assets/{FILE_KEY}", f"/orders/{ORDER}", "/health", "/limits", "/openapi.json")
_SINGLE += ("/operations/failed-orders", "/operations/health")

_TEXTS = (
    "",
    " ",
    "\0",
    "\x7f",
    "a" * 300,
    "é",
    "日本",
    "🙂",
    "\u202e",
    "\ufeff",
    "\ud800",
    "../../etc/passwd",
    "%s%n",
    "{0}",
    "{x}",
    "${x}",
)
_TEXTS += (
    "' OR 1=1 --",
    "<script>",
    "a/b",
    "a\\b",
    "a\nb",
    "CON",
    ".",
    "..",
    "null",
    "https://169.254.169.254/",
    "http://[::1",
    "https://@",
)
_TEXTS += (
    "https://hooks.example.com:99999/",
    "https://hooks.example.com\\@x",
    "0.3,NaN",
    "1e400,0",
    "-1,2",
    "\u0660",
    "0" * 64,
    "ß.jpg",
)
_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    1e308,
    2**53,
    2**63,
    10**400,
    [],
    {},
    [[]],
    {"a": {}},
    [None] * 200,
)


def request(rng: random.Random) -> HostileInput:
    """One malformed request."""
    match rng.choice(("body", "body", "body", "path", "query", "header", "claims")):
        case "body":
            kind, event = "body", _with_body(rng)
        case "path":
            kind, event = "path", _with_path(rng)
        case "query":
            kind, event = "query", _event("GET", f"{rng.choice(_LISTS)}?{_query(rng)}")
        case "header":
            kind, event = "header", _with_headers(rng)
        case _:
            kind, event = "claims", _with_claims(rng)
    return HostileInput(
        family=REQUEST, kind=f"{kind} {event['routeKey'][:60]}", body=json.dumps(event).encode(), name="request.json"
    )


def _event(
    method: str,
    path: str,
    body: str | None = None,
    headers: dict[str, str] | None = None,
    claims: dict[str, Any] | None = None,
) -> dict[str, Any]:
    known = {"sub": "alice", "cognito:groups": "[operators]"} if claims is None else claims
    return request_event(method, path, body, known, headers or {})


def _text(rng: random.Random) -> str:
    return rng.choice((*_TEXTS, "".join(chr(rng.randrange(1, 0xD800)) for _ in range(rng.randint(1, 40)))))


def _value(rng: random.Random) -> Any:
    return rng.choice((*_VALUES, _text(rng), _text(rng)))


def _changed(rng: random.Random, value: Any) -> Any:
    """A JSON value with one place in it changed, at any depth."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        name = rng.choice(list(value))
        match rng.choice(("inside", "inside", "inside", "remove", "add", "rename")):
            case "inside":
                return {**value, name: _changed(rng, value[name])}
            case "remove":
                return {key: each for key, each in value.items() if key != name}
            case "add":
                return {**value, _text(rng): _value(rng)}
            case _:
                return {(key.upper() if key == name else key): each for key, each in value.items()}
    if isinstance(value, list) and value and rng.random() < 0.85:
        at = rng.randrange(len(value))
        return rng.choice(([*value[:at], _changed(rng, value[at]), *value[at + 1 :]], value * rng.choice((0, 60, 101))))
    return _value(rng)


def _with_body(rng: random.Random) -> dict[str, Any]:
    path = rng.choice(list(_BODIES))
    body = _BODIES[path]
    for _ in range(rng.randint(1, 3)):
        body = _changed(rng, body)
    text = json.dumps(body, ensure_ascii=rng.random() < 0.7)
    deep = rng.choice((50, 1000, 40_000))
    match rng.choice(
        ("as it is", "as it is", "as it is", "damaged", "deep", "constant", "binary", "repeated", "empty")
    ):
        case "damaged":
            text = damaged(rng, text.encode(errors="replace")).decode(errors="replace")
        case "deep":
            text = rng.choice(
                ('{"filename":' * deep + "1" + "}" * deep, "[" * deep, '{"uploads":' + "[" * deep + "]" * deep + "}")
            )
        case "constant":
            text = text.replace("1", rng.choice(("NaN", "Infinity", "-", "9" * 5000, "1e5000", "01", "0x1")), 1)
        case "repeated":
            text = text.replace("{", '{"filename": "a", "filename": "b", ', 1)
        case "empty":
            text = rng.choice(("", " ", "\ufeff{}", "null", "0", '""', "[]", "{}"))
        case "binary":
            event = _event("POST", path, "")
            content = rng.choice(
                (rng.randbytes(50), text.encode("utf-16", errors="replace"), text.encode(errors="replace"))
            )
            encoded = base64.b64encode(content).decode()
            return {**event, "body": encoded, "isBase64Encoded": True}
        case _:
            pass
    # API Gateway sends an event as UTF-8, so it has no half of a surrogate pair; a body's escape may stand for one.
    return _event("POST", path, text.encode(errors="replace").decode())


def _with_path(rng: random.Random) -> dict[str, Any]:
    method = rng.choice(("GET", "GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "get"))
    text = urllib.parse.quote(_text(rng).encode(errors="replace"), safe=rng.choice(("", "/")))
    odd = rng.choice(
        (text, text, "%00", "%ff%fe", "%2e%2e%2f", "%2F", "//", "a" * 5000, JOB.upper(), JOB[:-1], JOB + "%0a")
    )
    path = rng.choice(
        (f"/jobs/{odd}", f"/assets/{odd}", f"/orders/{odd}", f"/uploads/{odd}/sign", f"/{odd}", f"/jobs/{JOB}/{odd}")
    )
    return _event(method, path.replace("?", "%3F"), json.dumps({"method": "PUT"}) if method == "POST" else None)


def _cursor(rng: random.Random) -> str:
    times = ("2026-11-27T21:15:12.123Z", "2026-13-99T99:99:99.999Z", "0000-00-00T00:00:00.000Z", "x")
    content = rng.choice(
        (
            [rng.choice(times)],
            [times[0], *["x" * 40] * 100],
            [times[0], _value(rng)],
            _value(rng),
            [times[0], *[JOB] * 150],
        )
    )
    text = rng.choice((json.dumps(content), "[" * 3000, _text(rng))).encode(errors="replace")
    encoded = rng.choice((base64.urlsafe_b64encode, base64.b64encode))(text).decode()
    return rng.choice((encoded, encoded.rstrip("="), encoded + "=", _text(rng), encoded[1:]))


def _query(rng: random.Random) -> str:
    names = ("cursor", "limit", "status", "queue", "Cursor", "x", "", "limit[]")
    pairs: list[tuple[str, str]] = []
    for _ in range(rng.randint(1, 3)):
        name = rng.choice(names)
        numbers = ("0", "-1", "101", "1e2", "9" * 5000, "1.0", "0x1", "+5", " 5", "٣", "NaN", "5", "100")
        values = {
            "cursor": _cursor(rng),
            "limit": rng.choice(numbers),
            "status": rng.choice(("FAILED", "failed", _text(rng))),
        }
        pairs.append((name, values.get(name, _text(rng))))
    return urllib.parse.urlencode(pairs, errors="replace", encoding="utf-8")


def _header_text(rng: random.Random) -> str:
    """HTTP allows no control characters in a header's value, and API Gateway passes on none."""
    text = "".join(each for each in _text(rng) if each.isprintable()).encode(errors="replace").decode()
    return rng.choice((text, "a,b", "x" * 5000, '"', 'W/"', "*", ", ,", "a" * 255, "a" * 256))


def _with_headers(rng: random.Random) -> dict[str, Any]:
    name = rng.choice(
        ("idempotency-key", "if-none-match", "content-type", "accept", "content-length", "x-forwarded-for", "cookie")
    )
    types = (
        "text/plain",
        "application/json;charset=utf-16",
        "APPLICATION/JSON",
        "application/json, text/html",
        "multipart/form-data",
    )
    value = rng.choice(types) if name == "content-type" and rng.random() < 0.7 else _header_text(rng)
    if name == "if-none-match":
        return _event("GET", f"/jobs/{JOB}", None, {name: value})
    path = rng.choice(list(_BODIES))
    return _event("POST", path, json.dumps(_BODIES[path]), {name: value})


def _with_claims(rng: random.Random) -> dict[str, Any]:
    """Claims are texts in API Gateway's event; it passes on any that a token has."""
    names = ("sub", "client_id", "scope", "scp", "cognito:groups", "username")
    texts = ("[operators]", "[]", "[[", "files:operate", "-", "anonymous", "img-pipeline/files:operate", "x" * 3000)
    claims = {
        name: rng.choice((*texts, _text(rng).encode(errors="replace").decode()))
        for name in rng.sample(names, rng.randint(0, 4))
    }
    path = rng.choice((*_LISTS, *_SINGLE, *_BODIES))
    event = _event(
        "POST" if path in _BODIES else "GET",
        path,
        json.dumps(_BODIES[path]) if path in _BODIES else None,
        claims=claims,
    )
    if rng.random() < 0.2:
        authorizer = rng.choice(({}, {"jwt": {}}, {"jwt": {"claims": {}}}))
        event["requestContext"]["authorizer"] = authorizer
    if rng.random() < 0.1:
        del event["requestContext"]["authorizer"]
    return event
