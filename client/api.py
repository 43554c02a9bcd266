"""A client of the HTTP API: asks for an upload, uploads the file and follows its job, as a customer does."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import urllib3

from client.errors import ActionFailedError
from contract.clock import Clock, SystemClock

# Connecting is tried again; what may have been received is not sent twice.
_RETRIES = urllib3.Retry(connect=3, read=0, redirect=0, status=0, other=0, backoff_factor=0.5)
_TIMEOUT = urllib3.Timeout(connect=10, read=300)
_OK, _NOT_MODIFIED, _ERRORS = 200, 304, 400

Job = dict[str, Any]
"""A job as `GET /jobs/{jobId}` returns it."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server answered; header names are not case-sensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON; None where it is something else."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class ApiClient:
    """Calls one API. Safe to share between threads.

    Args:
        url: the API's address, without a slash at the end.
        token: the caller's access token; empty where the API asks for none.
    """

    def __init__(self, url: str, token: str = "") -> None:
        self._url, self._token = url, token
        self._http = urllib3.PoolManager(retries=_RETRIES, timeout=_TIMEOUT, maxsize=32)

    def upload(self, path: Path) -> Job:
        """Upload a file: its size and SHA-256 are signed, so that S3 accepts nothing else.

        Returns:
            ``{jobId, fileKey}`` and what else `POST /uploads` answered.

        Raises:
            ActionFailedError: the API or S3 refused it.
            OSError: the file cannot be read.
        """
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            request = {"filename": path.name, "size": path.stat().st_size, "sha256": digest}
            upload = self.call("POST", "/uploads", request, {"Idempotency-Key": uuid.uuid4().hex}).json
            stream.seek(0)
            if "multipart" in upload:
                self._upload_parts(upload, stream)
            else:
                length = {"Content-Length": str(request["size"])}
                self.send(upload["method"], upload["uploadUrl"], stream, {**upload["headers"], **length})
        return upload

    def follow(self, job_id: str, *, timeout_seconds: float, clock: Clock | None = None) -> Job:
        """Ask for a job when the API says so (`Retry-After`), until its status is final.

        Args:
            job_id: the job.
            timeout_seconds: the longest wait; a job that is late is returned as it is.
            clock: once it is requested to stop, the wait ends.

        Raises:
            ActionFailedError: the API refused it.
        """
        clock = clock or SystemClock()
        job, tag, deadline = {}, {}, clock.now() + timeout_seconds
        while True:
            answer = self.call("GET", f"/jobs/{job_id}", headers=tag)
            if answer.status != _NOT_MODIFIED:
                job, tag = answer.json, {"If-None-Match": answer.headers["ETag"]}
            wait = answer.headers.get("Retry-After")
            if wait is None or clock.requested or clock.now() + float(wait) > deadline:
                return job
            clock.sleep(float(wait))

    def call(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Call the API with the caller's token.

        Raises:
            ActionFailedError: it refused, or did not answer.
        """
        sent = {**(headers or {}), **({"Authorization": f"Bearer {self._token}"} if self._token else {})}
        if body is None:
            return self.send(method, self._url + path, None, sent)
        return self.send(
            method, self._url + path, json.dumps(body).encode(), {**sent, "Content-Type": "application/json"}
        )

    def send(self, method: str, url: str, body: bytes | BinaryIO | None, headers: Mapping[str, str]) -> Answer:
        """Send a request, to the API or a signed one to S3.

        Raises:
            ActionFailedError: the answer is an error, or there is none.
        """
        answer = self.exchange(method, url, body, headers)
        # S3 may complete an upload in parts with status 200 and an error.
        if answer.status >= _ERRORS or (answer.status == _OK and b"<Error>" in answer.body[:200]):
            raise ActionFailedError(f"{method} {url.partition('?')[0]}: {_refusal(answer)}")
        return answer

    def exchange(self, method: str, url: str, body: bytes | BinaryIO | None, headers: Mapping[str, str]) -> Answer:
        """Send a request and return the answer, whatever its status.

        Raises:
            ActionFailedError: there is none.
        """
        try:
            response = self._http.request(method, url, body=body, headers=dict(headers), redirect=False)
        except urllib3.exceptions.HTTPError as error:
            raise ActionFailedError(f"{method} {url.partition('?')[0]} has no answer: {error}") from None
        return Answer(status=response.status, headers=response.headers, body=response.data)

    def _upload_parts(self, upload: Job, stream: BinaryIO) -> None:
        started = self.send("POST", upload["uploadUrl"], None, upload["headers"])
        upload_id = _element("UploadId", started.body)
        etags: list[str] = []
        while part := stream.read(upload["multipart"]["partSize"]):
            step = {"method": "PUT", "uploadId": upload_id, "partNumber": len(etags) + 1}
            etags.append(self._signed(upload, step, part).headers["ETag"])
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>" for number, etag in enumerate(etags, 1)
        )
        document = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>"
        self._signed(upload, {"method": "POST", "uploadId": upload_id}, document.encode())

    def _signed(self, upload: Job, step: Mapping[str, Any], body: bytes) -> Answer:
        signed = self.call("POST", f"/uploads/{upload['jobId']}/sign", step).json
        return self.send(signed["method"], signed["url"], body, signed["headers"])


def _refusal(answer: Answer) -> str:
    """Why a request was refused, and what to do: from a problem document, S3's XML, or the status."""
    problem = answer.json
    if isinstance(problem, dict) and "code" in problem:
        fields = "".join(f" {each['field']}: {each['message']}" for each in problem.get("errors") or ())
        return f"{problem['code']}: {problem['detail']}{fields} {problem['hint']}"
    if answer.status in (401, 403) and problem is not None:
        return (
            f"status {answer.status}: a valid token is needed, with --token or IMG_PIPELINE_TOKEN; "
            "`img-pipeline api` says how to get one"
        )
    if code := _element("Code", answer.body):
        return f"status {answer.status}: S3 says {code}: {_element('Message', answer.body)}"
    return f"status {answer.status}: {answer.body[:200].decode(errors='replace')}"


def _element(name: str, xml: bytes) -> str:
    """The text of the only element of that name in one of S3's short answers; "" without one."""
    found = re.search(rf"<{name}>([^<]+)</{name}>", xml.decode(errors="replace"))
    return found[1] if found else ""
