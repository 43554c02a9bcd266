/** Follows jobs and orders to their end by polling, as fast as the API asks for and not at all while the page is hidden. */
import { type Job, type Order, type Poll, ProblemError } from "./api";
import { pause, visible } from "./waiting";

const FINAL = new Set(["COMPLETED", "REJECTED", "SUPERSEDED", "EXPIRED"]);
const USUAL_MS = 1000;
const LONGEST_MS = 15_000;
/** All of a follower's together ask at most ten times a second, well below the setting api.requestsPerSecond. */
const SHARE_MS = 100;

export function isOver(job: Job): boolean {
  return FINAL.has(job.status) || (job.status === "FAILED" && !job.willRetry);
}

export function isEnded(order: Order): boolean {
  return order.status !== "PROCESSING";
}

export class Follower<T> {
  private readonly followed = new Set<string>();

  constructor(
    private readonly ask: (id: string, etag: string | null) => Promise<Poll<T>>,
    private readonly isOver: (found: T) => boolean,
    private readonly changed: (found: T) => void,
  ) {}

  follow(id: string): void {
    if (this.followed.has(id)) return;
    this.followed.add(id);
    void this.poll(id).finally(() => this.followed.delete(id));
  }

  private async poll(id: string): Promise<void> {
    let etag: string | null = null;
    let changedAt = Date.now();
    let failures = 0;
    for (;;) {
      await visible();
      let wait: number;
      try {
        const answer = await this.ask(id, etag);
        failures = 0;
        etag = answer.etag ?? etag;
        if (answer.found) {
          // An order has no ETag, so it is not known to have changed.
          if (answer.etag) changedAt = Date.now();
          this.changed(answer.found);
          if (this.isOver(answer.found)) return;
        }
        wait = Math.max(answer.retryAfterMs ?? USUAL_MS, this.patience(changedAt));
      } catch (refused) {
        if (isFinal(refused)) return;
        failures += 1;
        wait = Math.min(LONGEST_MS, USUAL_MS * 2 ** failures);
      }
      await pause(wait);
    }
  }

  /** Longer the longer nothing has happened, and the more are followed. */
  private patience(changedAt: number): number {
    return Math.max(Math.min(LONGEST_MS, (Date.now() - changedAt) / 10), SHARE_MS * this.followed.size);
  }
}

/** Whether asking again gets the same refusal: it is gone, or not the caller's. */
export function isFinal(error: unknown): boolean {
  return error instanceof ProblemError && error.status < 500 && error.status !== 429;
}
