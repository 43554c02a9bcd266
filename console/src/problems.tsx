import { useCallback, useEffect, useState } from "preact/hooks";
import type { Api, Job } from "./api";
import { fileName, time } from "./format";

const KEPT = 20;
/** Shown without being asked for; one where they are above the files, which have to stay in reach. */
export const SHOWN = matchMedia("(min-width: 64rem)").matches ? 3 : 1;

export interface ProblemJobs {
  jobs: Job[];
  /** Take in what has become of jobs; those that have succeeded since are no problem any more. */
  add: (...jobs: Job[]) => void;
}

/** The latest jobs that were rejected or have failed. */
export function useProblems(api: Api): ProblemJobs {
  const [jobs, setJobs] = useState<Job[]>([]);
  const add = useCallback((...more: Job[]) => {
    setJobs((known) => {
      const byId = new Map([...known, ...more].map((job) => [job.jobId, job]));
      return [...byId.values()]
        .filter((job) => (job.status === "REJECTED" || job.status === "FAILED") && !job.deletedAt)
        .sort((one, other) => other.createdAt.localeCompare(one.createdAt))
        .slice(0, KEPT);
    });
  }, []);
  useEffect(() => {
    for (const status of ["REJECTED", "FAILED"] as const) {
      api.jobs(status).then(
        (page) => add(...page.items),
        () => {},
      );
    }
  }, [api, add]);
  return { jobs, add };
}

export function Problems({ problems }: { problems: ProblemJobs }) {
  const [isWhole, setWhole] = useState(false);
  if (!problems.jobs.length) return null;
  const hidden = isWhole ? 0 : problems.jobs.length - SHOWN;
  return (
    <section aria-labelledby="problems">
      <header class="section-head">
        <h2 id="problems">Not accepted</h2>
        {hidden > 0 && (
          <button type="button" class="quiet" onClick={() => setWhole(true)}>
            Show all {problems.jobs.length}
          </button>
        )}
      </header>
      <ul class="problems">
        {problems.jobs.slice(0, isWhole ? KEPT : SHOWN).map((job) => (
          <li key={job.jobId}>
            <p class="problem-head">
              <strong>{fileName(job)}</strong> <code>{job.errorCode}</code>{" "}
              <time class="fine" dateTime={job.createdAt}>
                {time(job.createdAt)}
              </time>
            </p>
            <p>{job.errorMessage}</p>
            {job.hint && <p class="fine">{job.hint}</p>}
            {job.status === "FAILED" && (
              <p class="fine">{job.willRetry ? "It is tried again by itself." : "It is kept until it is replayed."}</p>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
