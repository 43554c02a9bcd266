/** Follows jobs to their end by polling, as fast as the API asks for and not at all while the page is hidden. */
import { type Api, type Job, ProblemError } from "./api";
import { pause, visible } from "./waiting";

const FINAL = new Set(["COMPLETED", "REJECTED", "SUPERSEDED", "EXPIRED"]);
const USUAL_MS = 1000;
const LONGEST_MS = 15_000;
/** All jobs together ask at most ten times a second, well below the setting api.requestsPerSecond. */
const SHARE_MS = 100;

export function isOver(job: Job): boolean {
  return FINAL.has(job.status) || (job.status === "FAILED" && !job.willRetry);
}

export class Follower {
  private readonly followed = new Set<string>();

  constructor(
    private readonly api: Api,
    private readonly changed: (job: Job) => void,
  ) {}

  follow(jobId: string): void {
    if (this.followed.has(jobId)) return;
    this.followed.add(jobId);
    void this.poll(jobId).finally(() => this.followed.delete(jobId));
  }

  private async poll(jobId: string): Promise<void> {
    let etag: string | null = null;
    let changedAt = Date.now();
    let failures = 0;
    for (;;) {
      await visible();
      let wait: number;
      try {
        const answer = await this.api.poll(jobId, etag);
        failures = 0;
        etag = answer.etag ?? etag;
        if (answer.job) {
          changedAt = Date.now();
          this.changed(answer.job);
          if (isOver(answer.job)) return;
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

  /** Longer the longer nothing has happened, and the more jobs are followed. */
  private patience(changedAt: number): number {
    return Math.max(Math.min(LONGEST_MS, (Date.now() - changedAt) / 10), SHARE_MS * this.followed.size);
  }
}

/** Whether asking again gets the same refusal: the job is gone, or not the caller's. */
function isFinal(error: unknown): boolean {
  return error instanceof ProblemError && error.status < 500 && error.status !== 429;
}
