import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import type { Api, Job, Limits, Order } from "./api";
import { Detail } from "./detail";
import { DropZone } from "./drop-zone";
import { Follower, isOver } from "./follow";
import { fileName } from "./format";
import { GALLERY, Gallery, useAssets } from "./gallery";
import { Mark } from "./mark";
import { Operations } from "./operations";
import { OrderList } from "./order-list";
import { useOrders } from "./orders";
import { Problems, useProblems } from "./problems";
import { TransferList } from "./transfer-list";
import { type Transfer, Uploads } from "./uploads";

interface Props {
  api: Api;
  isOperator: boolean;
  onSignOut: (() => void) | null;
}

export function App({ api, isOperator, onSignOut }: Props) {
  const [limits, setLimits] = useState<Limits | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    api.limits().then(setLimits, (refused: Error) => setError(refused.message));
  }, [api]);
  return (
    <>
      <header class="bar">
        <a class="name" href="./">
          <Mark />
          img-pipeline
        </a>
        {onSignOut && (
          <button type="button" class="quiet" onClick={onSignOut}>
            Sign out
          </button>
        )}
      </header>
      {error && <p class="fatal">{error}</p>}
      {limits && <Workspace api={api} isOperator={isOperator} limits={limits} />}
    </>
  );
}

function Workspace({ api, isOperator, limits }: { api: Api; isOperator: boolean; limits: Limits }) {
  const [jobs, setJobs] = useState<ReadonlyMap<string, Job>>(new Map());
  const [announcement, setAnnouncement] = useState("");
  const assets = useAssets(api);
  const problems = useProblems(api);
  const [shown, setShown] = useShownFile();

  const jobChanged = useCallback((job: Job) => {
    setJobs((known) => new Map(known).set(job.jobId, job));
    if (job.status === "COMPLETED") void assets.reload();
    problems.add(job);
    const news: Partial<Record<Job["status"], string>> = {
      COMPLETED: "is ready",
      REJECTED: "was rejected",
      FAILED: "failed",
    };
    if (news[job.status]) setAnnouncement(`${fileName(job)} ${news[job.status]}.`);
  }, []);
  const orderEnded = useCallback((order: Order) => {
    const news = { FULFILLED: "is fulfilled", REJECTED: "was rejected", FAILED: "failed", PROCESSING: "is processed" };
    setAnnouncement(`The order of ${fileName(order)} ${news[order.status]}.`);
  }, []);
  const orders = useOrders(api, limits.orders, orderEnded);
  const { transfers, uploads } = useUploads(api, limits, jobChanged);
  const addFiles = useCallback((files: File[]) => uploads.add(files), [uploads]);

  return (
    <main>
      <h1 class="visually-hidden">Console</h1>
      <DropZone limits={limits} isSmall={assets.items.length > 0} onFiles={addFiles} />
      {(transfers.length > 0 || problems.jobs.length > 0 || orders?.isUsed) && (
        <div class="side">
          <TransferList
            transfers={transfers}
            jobs={jobs}
            onRetry={(id) => uploads.retry(id)}
            onDismiss={(...ids) => uploads.dismiss(...ids)}
            onOpen={setShown}
          />
          <Problems problems={problems} />
          {orders?.isUsed && <OrderList orders={orders} onOpen={setShown} />}
        </div>
      )}
      {isOperator && <Operations api={api} takesOrders={orders !== null} onRedriven={() => void orders?.reload()} />}
      <Gallery assets={assets} onOpen={setShown} />
      {shown && (
        <Detail
          api={api}
          fileKey={shown}
          orders={orders}
          onClose={() => setShown(null)}
          onDeleted={(fileKey) => {
            assets.remove(fileKey);
            setShown(null);
            setAnnouncement("The file was deleted.");
            document.getElementById(GALLERY)?.focus();
          }}
        />
      )}
      <p class="visually-hidden" role="status">
        {announcement}
      </p>
      <p class="visually-hidden" role="status">
        {progressOf(transfers)}
      </p>
    </main>
  );
}

function useUploads(api: Api, limits: Limits, jobChanged: (job: Job) => void) {
  const [transfers, setTransfers] = useState<Transfer[]>([]);
  const uploads = useMemo(() => {
    const follower = new Follower((jobId, etag) => api.job(jobId, etag), isOver, jobChanged);
    return new Uploads(api, limits, setTransfers, (jobId) => follower.follow(jobId));
  }, [api, limits, jobChanged]);
  useEffect(() => {
    void uploads.resume();
    api.jobs("PROCESSING").then(
      ({ items }) => items.forEach((job) => uploads.adopt(job)),
      () => {}, // the page is of use without
    );
  }, [api, uploads]);
  return { transfers, uploads };
}

/** The file whose detail is shown, part of the page's address so that it can be linked to. */
function useShownFile(): [string | null, (fileKey: string | null) => void] {
  const read = () => new URLSearchParams(location.hash.slice(1)).get("file");
  const [shown, setShown] = useState(read);
  useEffect(() => {
    const listen = () => setShown(read());
    addEventListener("hashchange", listen);
    return () => removeEventListener("hashchange", listen);
  }, []);
  const show = (fileKey: string | null) => {
    if (fileKey === read()) return;
    history.pushState(null, "", fileKey ? `#${new URLSearchParams({ file: fileKey })}` : location.pathname);
    setShown(fileKey);
  };
  return [shown, show];
}

/** Spoken at each quarter of the files, not at each byte. */
function progressOf(transfers: Transfer[]): string {
  const own = transfers.filter((each) => each.bytes !== null);
  const sent = own.filter((each) => each.state === "sent").length;
  const failed = own.filter((each) => each.state === "failed" || each.state === "refused").length;
  const isAll = sent + failed === own.length;
  const quarter = Math.ceil(own.length / 4);
  const told = isAll ? sent : sent - (sent % quarter);
  if (!told && !(isAll && failed)) return "";
  const of = isAll ? "" : ` of ${own.length}`;
  return `${told}${of} ${own.length === 1 ? "file" : "files"} uploaded${failed ? `, ${failed} failed` : ""}.`;
}
