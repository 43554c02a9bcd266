"""Clients that all upload and poll at once; exits 1 unless every job is accounted for.

python -m bench.api_clients                              200 clients for a minute
python -m bench.api_clients --clients 20 --seconds 10
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import urllib3

from testing.callers import READ, WRITE, Callers
from testing.pictures import photograph
from testing.stack import Stack, deployed_stack
from testing.waiting import eventually

# Statuses that ask to try again, and how long a client waits where the answer does not say.
_LATER, _PAUSE_SECONDS = (429, 503), 1.0
# One file in four is none that the pipeline accepts.
_REJECTED_EVERY = 4
_TEXT = b"This is no picture."


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request as its client saw it; `route` is the method and what kind of address it is."""

    route: str
    status: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Uploaded:
    """A job whose file was uploaded: how it has to end, and how it did."""

    job_id: str
    file_key: str
    expected: str
    status: str


@dataclass(kw_only=True)
class Crowd:
    """Clients of a stack's API, who are all one caller to it."""

    stack: Stack
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        callers = Callers(stack=self.stack)
        claims = {"sub": "crowd", "scope": f"{READ} {WRITE}"}
        self._token = callers.signed_again(callers.token(), lambda usual: {**usual, **claims})
        self._url = self.stack.outputs["apiUrl"]
        self._http = urllib3.PoolManager(maxsize=256, retries=False)
        self._numbers = count()
        self._picture = photograph()

    def run(self, clients: int, proceed: Callable[[int], bool]) -> list[Uploaded]:
        """Have every client upload one file after the other, and follow each until its job has ended.

        Args:
            clients: how many there are, each in a thread of its own.
            proceed: whether a client that has uploaded so many files uploads another one.
        """

        def client(_: int) -> list[Uploaded]:
            uploaded: list[Uploaded] = []
            while proceed(len(uploaded)):
                uploaded.append(self._upload())
            return uploaded

        with ThreadPoolExecutor(clients) as pool:
            return [each for uploaded in pool.map(client, range(clients)) for each in uploaded]

    def unaccounted(self, uploaded: Sequence[Uploaded]) -> list[str]:
        """What is wrong with the jobs of these uploads, which are all that the clients have made; a line for each."""
        jobs = Counter(each.job_id for each in uploaded)
        accepted = Counter(each.file_key for each in uploaded if each.expected == "COMPLETED")
        return [
            *(
                f"job {each.job_id} is {each.status} instead of {each.expected}"
                for each in uploaded
                if each.status != each.expected
            ),
            *_differences("GET /jobs", jobs, Counter(each["jobId"] for each in self._entries("/jobs"))),
            *_differences("GET /assets", accepted, Counter(each["fileKey"] for each in self._entries("/assets"))),
            *_differences("notifications", jobs, self._notifications(jobs)),
        ]

    def _notifications(self, jobs: Counter[str]) -> Counter[str]:
        """How many notifications there are of each job, once there is one of each."""
        (queue_url,) = self.stack.outputs["resultsQueueUrls"].values()
        found: Counter[str] = Counter()

        def complete() -> bool:
            messages = self.stack.pipeline.take_messages(queue_url)
            found.update(each["jobId"] for each in messages if "jobId" in each)  # a deletion has no job
            return jobs.keys() <= found.keys()

        with suppress(AssertionError):  # the difference says which are missing
            eventually(complete)
        return Counter({job_id: times for job_id, times in found.items() if job_id in jobs})

    def _entries(self, path: str) -> Iterator[dict[str, Any]]:
        """Every entry of a list of the API."""
        name, cursor = path.strip("/"), ""
        while cursor is not None:
            answer = self._call("GET", f"{path}?limit=100{cursor and f'&cursor={cursor}'}", f"GET {path}")
            page = answer.json()
            yield from page[name]
            cursor = page.get("cursor")

    def _upload(self) -> Uploaded:
        rejected = next(self._numbers) % _REJECTED_EVERY == 0
        body, expected = (_TEXT, "REJECTED") if rejected else (self._picture, "COMPLETED")
        asked = {"filename": "photo.jpg", "size": len(body)}
        upload = self._call("POST", "/uploads", "POST /uploads", asked).json()
        self._send(upload["method"], upload["uploadUrl"], "PUT file", body, upload["headers"])
        status = self._ending(upload["jobId"])
        return Uploaded(job_id=upload["jobId"], file_key=upload["fileKey"], expected=expected, status=status)

    def _ending(self, job_id: str) -> str:
        while True:
            answer = self._call("GET", f"/jobs/{job_id}", "GET /jobs/{jobId}")
            if "retry-after" not in answer.headers:
                return answer.json()["status"]
            time.sleep(float(answer.headers["retry-after"]))

    def _call(self, method: str, path: str, route: str, body: object = None) -> urllib3.BaseHTTPResponse:
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        return self._send(method, self._url + path, route, body, headers)

    def _send(
        self, method: str, url: str, route: str, body: Any, headers: Mapping[str, str]
    ) -> urllib3.BaseHTTPResponse:
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        while True:
            started = time.perf_counter()
            answer = self._http.request(method, url, body=sent, headers=headers, timeout=120)
            self.calls.append(Call(route=route, status=answer.status, seconds=time.perf_counter() - started))
            if answer.status < 400:
                return answer
            if answer.status not in _LATER:
                raise RuntimeError(f"{route}: status {answer.status}, {answer.data[:300]!r}")
            time.sleep(float(answer.headers.get("retry-after", _PAUSE_SECONDS)))


def _differences(where: str, expected: Counter[str], found: Counter[str]) -> list[str]:
    return [
        f"{where}: {key} is there {found[key]} times instead of {expected[key]}"
        for key in expected | found
        if found[key] != expected[key]
    ]


def main() -> int:
    """Run, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60, help="how long they begin new uploads")
    arguments = parser.parse_args()
    with deployed_stack(api={"auth": "jwt"}) as stack:
        crowd, started = Crowd(stack=stack), time.monotonic()
        uploaded = crowd.run(arguments.clients, lambda _: time.monotonic() < started + arguments.seconds)
        seconds = time.monotonic() - started
        wrong = crowd.unaccounted(uploaded)
    _print_calls(crowd.calls)
    print(f"\n{len(uploaded)} jobs in {seconds:.0f} s, {len(uploaded) / seconds:.1f} a second:", end=" ")
    print(", ".join(f"{times} {status}" for status, times in Counter(each.status for each in uploaded).items()))
    print("\n".join(wrong) or "Every job is accounted for, once: its status, GET /jobs, GET /assets, its notification.")
    return 1 if wrong else 0


def latencies(calls: Sequence[Call]) -> dict[str, dict[str, float]]:
    """Of each route how often it was called, asked to call later, and the milliseconds of its other calls."""
    routes = sorted({call.route for call in calls})
    return {route: _latency([call for call in calls if call.route == route]) for route in routes}


def _latency(calls: Sequence[Call]) -> dict[str, float]:
    statuses = Counter(call.status for call in calls)
    times = sorted(1000 * call.seconds for call in calls if call.status not in _LATER)
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1}
    measured = {name: round(times[int(share * (len(times) - 1))], 1) for name, share in shares.items()}
    return {"calls": len(calls), **{str(status): statuses[status] for status in _LATER}, **measured}


def _print_calls(calls: Sequence[Call]) -> None:
    rows = latencies(calls)
    names = list(next(iter(rows.values())))
    print(f"{'route':22}" + "".join(f"{f'{name} ms' if name[0] in 'pm' else name:>10}" for name in names))
    for route, row in rows.items():
        print(f"{route:22}" + "".join(f"{row[name]:10.0f}" for name in names))


if __name__ == "__main__":
    sys.exit(main())
