import type { Job } from "./api";
import { CHOOSE_FILES } from "./drop-zone";
import { isOver } from "./follow";
import { size } from "./format";
import { StageTrack, workOn } from "./stages";
import type { Transfer } from "./uploads";

interface Props {
  transfers: Transfer[];
  jobs: ReadonlyMap<string, Job>;
  onRetry: (id: string) => void;
  onDismiss: (...ids: string[]) => void;
  onOpen: (fileKey: string) => void;
}

export function TransferList({ transfers, jobs, onRetry, onDismiss, onOpen }: Props) {
  if (!transfers.length) return null;
  const jobOf = (transfer: Transfer) => (transfer.jobId ? jobs.get(transfer.jobId) : undefined);
  const finished = transfers.filter((each) => isFinished(each, jobOf(each)));
  const dismiss = (...ids: string[]) => {
    onDismiss(...ids);
    document.getElementById(CHOOSE_FILES)?.focus();
  };
  return (
    <section aria-labelledby="transfers">
      <header class="section-head">
        <h2 id="transfers">
          Uploads <span class="fine">{summary(transfers, jobOf)}</span>
        </h2>
        {finished.length > 0 && (
          <button type="button" class="quiet" onClick={() => dismiss(...finished.map((each) => each.id))}>
            Clear finished
          </button>
        )}
      </header>
      <ul class="transfers">
        {transfers.map((transfer) => (
          <Row
            key={transfer.id}
            transfer={transfer}
            job={jobOf(transfer)}
            onRetry={onRetry}
            onDismiss={dismiss}
            onOpen={onOpen}
          />
        ))}
      </ul>
    </section>
  );
}

/** How many of the files are ready, and how many will not be. */
function summary(transfers: Transfer[], jobOf: (transfer: Transfer) => Job | undefined): string {
  const tones = transfers.map((each) => stateOf(each, jobOf(each)).tone);
  const count = (tone: State["tone"]) => tones.filter((each) => each === tone).length;
  const bad = count("bad");
  return `${count("good")} of ${transfers.length} ready${bad ? `, ${bad} not accepted` : ""}`;
}

interface RowProps extends Omit<Props, "transfers" | "jobs"> {
  transfer: Transfer;
  job: Job | undefined;
}

function Row({ transfer, job, onRetry, onDismiss, onOpen }: RowProps) {
  const { text, tone } = stateOf(transfer, job);
  return (
    <li class={`transfer ${tone}`}>
      <span class="transfer-name">{transfer.name}</span>
      <span class="fine transfer-size">{transfer.bytes === null ? "" : size(transfer.bytes)}</span>
      <span class="transfer-state">{text}</span>
      <span class="actions">
        {transfer.state === "failed" && <Action text="Try again" name={transfer.name} onClick={() => onRetry(transfer.id)} />}
        {isSending(transfer) && <Action text="Cancel" name={transfer.name} onClick={() => onDismiss(transfer.id)} />}
        {(transfer.state === "failed" || transfer.state === "refused") && (
          <Action text="Dismiss" name={transfer.name} onClick={() => onDismiss(transfer.id)} />
        )}
        {job?.status === "COMPLETED" && <Action text="Open" name={transfer.name} onClick={() => onOpen(job.fileKey)} />}
      </span>
      {transfer.state === "sending" && (
        <progress aria-label={`Upload of ${transfer.name}`} value={transfer.sent} max={Math.max(1, transfer.bytes ?? 0)} />
      )}
      {transfer.state === "sent" && !(job && isOver(job)) && <StageTrack job={job} />}
    </li>
  );
}

function Action({ text, name, onClick }: { text: string; name: string; onClick: () => void }) {
  return (
    <button type="button" class="quiet" onClick={onClick}>
      {text}
      <span class="visually-hidden">: {name}</span>
    </button>
  );
}

interface State {
  text: string;
  tone: "" | "good" | "bad";
}

function stateOf(transfer: Transfer, job: Job | undefined): State {
  if (transfer.error) return { text: transfer.error, tone: "bad" };
  if (transfer.state === "waiting") return { text: "waiting", tone: "" };
  if (transfer.state === "sending") return { text: `${percent(transfer)} uploaded`, tone: "" };
  switch (job?.status) {
    case "COMPLETED":
      return { text: "ready", tone: "good" };
    case "REJECTED":
      return { text: "rejected, see below", tone: "bad" };
    case "SUPERSEDED":
      return { text: "replaced by a newer version", tone: "" };
    case "FAILED":
      return job.willRetry
        ? { text: `attempt ${job.attempt} failed and is tried again`, tone: "" }
        : { text: "failed, see below", tone: "bad" };
    default:
      return { text: workOn(job), tone: "" };
  }
}

function isSending(transfer: Transfer): boolean {
  return transfer.state === "waiting" || transfer.state === "sending";
}

function isFinished(transfer: Transfer, job: Job | undefined): boolean {
  return transfer.state === "refused" || (transfer.state === "sent" && job !== undefined && isOver(job));
}

function percent(transfer: Transfer): string {
  return `${Math.floor((100 * transfer.sent) / Math.max(1, transfer.bytes ?? 0))} %`;
}
