/** The API's requests and answers, as `docs/openapi.json` describes them. */
import { pause } from "./waiting";

export type Status = "PENDING" | "PROCESSING" | "COMPLETED" | "REJECTED" | "FAILED" | "SUPERSEDED" | "EXPIRED";

export interface Rendition {
  name: string;
  url: string;
  mediaType: string;
  width?: number;
  height?: number;
  animated?: boolean;
  bytes: number;
}

export interface Job {
  jobId: string;
  status: Status;
  stage?: string;
  attempt?: number;
  fileKey: string;
  fileName?: string;
  createdAt: string;
  updatedAt: string;
  finishedAt?: string;
  errorCode?: string;
  errorMessage?: string;
  hint?: string;
  willRetry?: boolean;
  stages?: { attempt: number; stage: string; at: string }[];
  deletedAt?: string;
}

export interface AssetSummary {
  fileKey: string;
  fileName?: string;
  jobId: string;
  mediaType: string;
  bytes: number;
  measures: Record<string, unknown>;
  persistedAt: string;
  thumbHash?: string;
  thumbnail?: { url: string; width: number; height: number };
  srcset?: string;
}

export interface Asset extends AssetSummary {
  versionId: string;
  sha256: string;
  downloadUrl?: string;
  originalUrl: string;
  renditions: Rendition[];
  metadata: Record<string, unknown>;
  /** What the transforms recorded beside the metadata, such as a table's columns. */
  record: Record<string, unknown>;
  versions: { jobId: string; versionId?: string; status: Status; createdAt: string }[];
  traceId?: string;
}

/** Where to upload a file; without an address, the file has arrived already. */
export interface Upload {
  jobId: string;
  fileKey: string;
  uploadUrl?: string;
  headers?: Record<string, string>;
  fields?: Record<string, string>;
  multipart?: { partSize: number; parts?: number };
}

export interface Signed {
  url: string;
  key: string;
  headers: Record<string, string>;
}

export interface Limits {
  maxBytes: number;
  mediaTypes: { name: string; extensions: string[]; maxBytes: number }[];
  multipart: { thresholdBytes: number; partSize: number };
  /** Absent where the stack takes no orders. */
  orders?: OrderLimits;
}

export interface OrderLimits {
  presets: { name: string; width: number; height?: number; fit: string }[];
  formats: string[];
  watermark: boolean;
  maxRenditions: number;
  minSide: number;
  maxSide: number;
  maxReferenceCharacters: number;
}

export type OrderStatus = "PROCESSING" | "FULFILLED" | "REJECTED" | "FAILED";

/** A rendition to make: a preset, or a size. */
export interface OrderedRendition {
  preset?: string;
  width?: number;
  height?: number;
  fit?: string;
  format: string;
  watermark?: boolean;
}

export interface OrderRequest {
  fileKey: string;
  renditions: OrderedRendition[];
  reference?: string;
}

export interface Order {
  orderId: string;
  status: OrderStatus;
  fileKey: string;
  ordered: OrderedRendition[];
  reference?: string;
  attempts?: number;
  createdAt: string;
  renditions?: Rendition[];
  errorCode?: string;
  errorMessage?: string;
  hint?: string;
}

export interface FailedOrderCause {
  cause: string;
  count: number;
  attempts: number;
  firstSeen: string;
  lastSeen: string;
  reason: string;
  hint: string;
  orders: { orderId: string; fileKey: string; reference?: string; attempts: number }[];
}

export interface FailedOrders {
  complete: boolean;
  causes: FailedOrderCause[];
}

export interface Redriven {
  /** In a dry run, how many would be redriven. */
  matching?: number;
  redriven: number;
  complete: boolean;
}

/** A table's first rows. */
export interface Preview {
  columns: string[];
  rows: unknown[][];
}

export interface QueueState {
  name: string;
  /** For a dead-letter queue, its name in requests. */
  deadLetters?: string;
  messages: number;
  inFlight: number;
  oldestSeconds?: number;
}

export interface StackHealth {
  alarms: { name: string; description: string; since: string }[];
  queues: QueueState[];
  pipe: { name: string; state: string; reason?: string };
}

export interface Cause {
  cause: string;
  count: number;
  firstSeen: string;
  lastSeen: string;
  reason: string;
  hint: string;
  fileKeys: string[];
  jobIds: string[];
}

export interface DeadLetters {
  queue: string;
  kind: string;
  messages: number;
  complete: boolean;
  causes: Cause[];
}

export interface Replayed {
  /** In a dry run, how many would move. */
  matching?: number;
  moved: number;
  left: number;
  complete: boolean;
}

export interface Page<T> {
  items: T[];
  cursor?: string;
}

/** What the API refused, with its code and what to do about it (RFC 9457). */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly hint: string,
  ) {
    super(detail);
  }
}

/** An answer to a poll: the job or order unless it is unchanged, and when to ask again. */
export interface Poll<T> {
  found: T | null;
  etag: string | null;
  retryAfterMs: number | null;
}

const BUSY = new Set([429, 503]);
const ATTEMPTS = 5;
/** The longest wait: an exceeded daily quota asks for hours, and is reported instead. */
const LONGEST_WAIT_MS = 30_000;

export class Api {
  constructor(
    private readonly url: string,
    private readonly token: (() => Promise<string>) | null,
  ) {}

  limits(): Promise<Limits> {
    return this.json("/limits");
  }

  upload(request: object, idempotencyKey: string): Promise<Upload> {
    return this.json("/uploads", { method: "POST", body: request, headers: { "Idempotency-Key": idempotencyKey } });
  }

  sign(jobId: string, request: object): Promise<Signed> {
    return this.json(`/uploads/${jobId}/sign`, { method: "POST", body: request });
  }

  job(jobId: string, etag: string | null): Promise<Poll<Job>> {
    return this.poll(`/jobs/${jobId}`, etag);
  }

  order(orderId: string, etag: string | null): Promise<Poll<Order>> {
    return this.poll(`/orders/${orderId}`, etag);
  }

  private async poll<T>(route: string, etag: string | null): Promise<Poll<T>> {
    const answer = await this.send(route, { headers: etag ? { "If-None-Match": etag } : {} });
    const seconds = answer.headers.get("Retry-After");
    return {
      found: answer.status === 304 ? null : await answer.json(),
      etag: answer.headers.get("ETag"),
      retryAfterMs: seconds ? 1000 * Number(seconds) : null,
    };
  }

  async jobs(status: Status, cursor?: string): Promise<Page<Job>> {
    const { jobs, cursor: next } = await this.json<{ jobs: Job[]; cursor?: string }>(
      `/jobs?${new URLSearchParams({ status, ...(cursor ? { cursor } : {}) })}`,
    );
    return { items: jobs, ...(next ? { cursor: next } : {}) };
  }

  async assets(cursor?: string): Promise<Page<AssetSummary>> {
    const { assets, cursor: next } = await this.json<{ assets: AssetSummary[]; cursor?: string }>(
      `/assets?${new URLSearchParams({ limit: "40", ...(cursor ? { cursor } : {}) })}`,
    );
    return { items: assets, ...(next ? { cursor: next } : {}) };
  }

  asset(fileKey: string): Promise<Asset> {
    return this.json(`/assets/${path(fileKey)}`);
  }

  remove(fileKey: string): Promise<unknown> {
    return this.json(`/assets/${path(fileKey)}`, { method: "DELETE" });
  }

  placeOrder(request: OrderRequest): Promise<{ orderId: string }> {
    return this.json("/orders", {
      method: "POST",
      body: request,
      headers: { "Idempotency-Key": crypto.randomUUID() },
    });
  }

  async orders(status: OrderStatus | null, cursor?: string): Promise<Page<Order>> {
    const { orders, cursor: next } = await this.json<{ orders: Order[]; cursor?: string }>(
      `/orders?${new URLSearchParams({ ...(status ? { status } : {}), ...(cursor ? { cursor } : {}) })}`,
    );
    return { items: orders, ...(next ? { cursor: next } : {}) };
  }

  failedOrders(): Promise<FailedOrders> {
    return this.json("/operations/failed-orders");
  }

  redrive(cause: string, dryRun: boolean): Promise<Redriven> {
    return this.json("/operations/failed-orders/redrive", { method: "POST", body: { cause, dryRun } });
  }

  health(): Promise<StackHealth> {
    return this.json("/operations/health");
  }

  async deadLetters(): Promise<DeadLetters[]> {
    const { queues } = await this.json<{ queues: DeadLetters[] }>("/operations/dead-letters");
    return queues;
  }

  replay(queue: string, cause: string, dryRun: boolean): Promise<Replayed> {
    return this.json("/operations/dead-letters/replay", { method: "POST", body: { queue, cause, dryRun } });
  }

  async json<T>(route: string, request: Request = {}): Promise<T> {
    return (await this.send(route, request)).json();
  }

  /** Send a request, and again while the API is only busy; each of them is safe to repeat. */
  private async send(route: string, request: Request): Promise<Response> {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.sendOnce(route, request);
      if (answer.ok || answer.status === 304) return answer;
      const wait = BUSY.has(answer.status) && attempt < ATTEMPTS ? busyMs(answer, attempt) : Infinity;
      if (wait > LONGEST_WAIT_MS) throw await problemOf(answer);
      await pause(wait);
    }
  }

  private async sendOnce(route: string, { method = "GET", body, headers = {} }: Request): Promise<Response> {
    return fetch(this.url + route, {
      method,
      headers: {
        ...(body ? { "Content-Type": "application/json" } : {}),
        ...(this.token ? { Authorization: `Bearer ${await this.token()}` } : {}),
        ...headers,
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
      cache: "no-store",
    }).catch(() => {
      throw new Error("The API could not be reached. Check the connection and try again.");
    });
  }
}

interface Request {
  method?: string;
  body?: object;
  headers?: Record<string, string>;
}

/** How long a busy API asks to be left alone, or twice as long at each attempt and not in step with other requests. */
function busyMs(answer: Response, attempt: number): number {
  const seconds = Number(answer.headers.get("Retry-After"));
  return 1000 * seconds || (0.5 + Math.random()) * 500 * 2 ** attempt;
}

async function problemOf(answer: Response): Promise<ProblemError> {
  const { code, detail, hint, errors = [] } = await answer.json().catch(() => ({}));
  const fields = errors.map((each: { message: string }) => ` ${each.message}`).join("");
  const text = detail ? detail + fields : `The API answered ${answer.status}.`;
  return new ProblemError(answer.status, code ?? "UNKNOWN", text, hint ?? "");
}

function path(fileKey: string): string {
  return fileKey.split("/").map(encodeURIComponent).join("/");
}
