import type { Job } from "./api";

/** A job's stages in their order, with what is being done after each. */
const STAGES = [
  { name: "RECEIVED", next: "being checked" },
  { name: "VALIDATED", next: "renditions are being made" },
  { name: "TRANSFORMED", next: "being recorded" },
  { name: "PERSISTED", next: "being published" },
  { name: "PUBLISHED", next: "almost done" },
] as const;

/** What is being done with a file that has been uploaded. */
export function workOn(job: Job | undefined): string {
  const attempt = job?.attempt && job.attempt > 1 ? `, attempt ${job.attempt}` : "";
  const stage = STAGES.find((each) => each.name === job?.stage);
  return stage ? stage.next + attempt : "uploaded, waiting to be processed";
}

/** How far a job has come, for the eye; `workOn` says it in words. */
export function StageTrack({ job }: { job: Job | undefined }) {
  const reached = STAGES.findIndex((each) => each.name === job?.stage);
  return (
    <span class="track" aria-hidden="true">
      {STAGES.map((stage, index) => (
        <span key={stage.name} class={index <= reached ? "done" : index === reached + 1 ? "now" : ""} />
      ))}
    </span>
  );
}
