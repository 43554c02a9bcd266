/** Uploads files with Uppy: the API signs each of S3's requests, and the bytes go to S3. */
import AwsS3 from "@uppy/aws-s3";
import Uppy, { type UppyFile } from "@uppy/core";
import type { Api, Job, Limits } from "./api";
import { fileName } from "./format";
import { explained, type UploadError } from "./s3-errors";
import { claim, forget, remember, unfinished } from "./unfinished";

export interface Transfer {
  id: string;
  name: string;
  /** null: the file was not uploaded from this page. */
  bytes: number | null;
  sent: number;
  /** refused: not sent, and trying again would not help. */
  state: "waiting" | "sending" | "sent" | "failed" | "refused";
  jobId: string | null;
  error: string | null;
}

type LocalFile = UppyFile<{ relativePath?: string }, Record<string, never>>;

/** The file is there already: an earlier attempt has uploaded it, and only the answer was lost. */
class Arrived extends Error {}

const PRECONDITION_FAILED = 412;
const NOT_FOUND = 404;

export class Uploads {
  private readonly uppy: Uppy;
  private readonly transfers = new Map<string, Transfer>();
  /** Files by the name that Uppy gives their key before the API has chosen one. */
  private readonly requested = new Map<string, LocalFile>();
  private readonly remembered = new Set<string>();

  constructor(
    private readonly api: Api,
    private readonly limits: Limits,
    private readonly changed: (transfers: Transfer[]) => void,
    private readonly uploaded: (jobId: string) => void,
  ) {
    this.uppy = new Uppy({ autoProceed: true, allowMultipleUploadBatches: true });
    this.uppy.use(AwsS3, {
      limit: 4,
      shouldUseMultipart: (file) => (file.size ?? 0) > limits.multipart.thresholdBytes,
      getChunkSize: () => limits.multipart.partSize,
      generateObjectKey: (file) => {
        this.requested.set(file.id, file as LocalFile);
        return file.id;
      },
      signRequest: (request) => this.sign(request),
    });
    this.uppy.on("upload-progress", (file, progress) => {
      if (file) this.update(file.id, { state: "sending", sent: Number(progress.bytesUploaded) || 0 });
    });
    this.uppy.on("upload-success", (file) => file && this.succeeded(file.id));
    this.uppy.on("upload-error", (file, error) => file && this.failed(file.id, error as UploadError));
  }

  add(files: Iterable<File>): void {
    for (const file of files) this.addOne(file);
  }

  /** Take up the uploads that a reload interrupted. */
  async resume(): Promise<void> {
    for (const { key, uploadId, file } of await unfinished().catch(() => [])) {
      if (!(await claim(key))) continue;
      this.remembered.add(key);
      this.addOne(file, { key, uploadId });
    }
  }

  /** Show a job that began before this page did, or elsewhere. */
  adopt(job: Job): void {
    if ([...this.transfers.values()].some((each) => each.jobId === job.jobId)) return;
    const known = { id: job.jobId, jobId: job.jobId, name: fileName(job) };
    this.transfers.set(job.jobId, { ...known, bytes: null, sent: 0, state: "sent", error: null });
    this.update(job.jobId, {});
    this.uploaded(job.jobId);
  }

  retry(id: string): void {
    this.update(id, { state: "waiting", error: null });
    void this.uppy.retryUpload(id);
  }

  /** Show a transfer no longer; what has not been uploaded yet is cancelled, and S3 removes its parts. */
  dismiss(...ids: string[]): void {
    for (const id of ids) {
      const file = this.uppy.getFile(id);
      if (file?.s3Multipart) void forget(file.s3Multipart.key).catch(() => {});
      if (file) this.uppy.removeFile(id);
      this.requested.delete(id);
      this.transfers.delete(id);
    }
    this.changed([...this.transfers.values()]);
  }

  private addOne(file: File, interrupted?: { key: string; uploadId: string }): void {
    const error = this.tooLarge(file);
    const id = error ? crypto.randomUUID() : this.addToUppy(file, interrupted);
    const state = error ? "refused" : "waiting";
    const jobId = interrupted ? jobOf(interrupted.key) : null;
    this.transfers.set(id, { id, name: file.name, bytes: file.size, sent: 0, state, jobId, error });
    this.update(id, {});
  }

  private addToUppy(file: File, interrupted?: { key: string; uploadId: string }): string {
    // With a name of its own for each, the same file can be uploaded twice.
    const meta = { relativePath: crypto.randomUUID() };
    const id = this.uppy.addFile({ name: file.name, type: file.type, data: file, meta });
    if (interrupted) this.uppy.setFileState(id, { s3Multipart: interrupted });
    return id;
  }

  private tooLarge(file: File): string | null {
    const name = file.name.toLowerCase();
    const type = this.limits.mediaTypes.find((each) => each.extensions.some((extension) => name.endsWith(extension)));
    const limit = type?.maxBytes ?? this.limits.maxBytes;
    if (file.size <= limit) return null;
    return `The file has ${file.size.toLocaleString()} bytes; at most ${limit.toLocaleString()} are accepted.`;
  }

  private async sign(request: { method: string; key: string; uploadId?: string; partNumber?: number }) {
    const file = this.requested.get(request.key);
    if (file) return this.begin(file);
    if (request.uploadId && request.partNumber) await this.rememberOnce(request.key, request.uploadId);
    const { key, ...step } = request;
    return this.api.sign(jobOf(key), step);
  }

  private async begin(file: LocalFile) {
    const data = file.data as File;
    const isSingle = data.size <= this.limits.multipart.thresholdBytes;
    const upload = await this.api.upload(
      {
        filename: file.name,
        size: data.size,
        ...(file.type ? { contentType: file.type } : {}),
        ...(isSingle ? { sha256: await sha256(data) } : {}),
      },
      file.meta.relativePath ?? file.id,
    );
    this.update(file.id, { jobId: upload.jobId, state: "sending" });
    if (!upload.uploadUrl) throw new Arrived();
    return { url: upload.uploadUrl, key: upload.fileKey, headers: upload.headers ?? {} };
  }

  private async rememberOnce(key: string, uploadId: string): Promise<void> {
    if (this.remembered.has(key)) return;
    this.remembered.add(key);
    const file = this.uppy.getFiles().find((each) => each.s3Multipart?.key === key);
    if (!file) return;
    this.update(file.id, { jobId: jobOf(key) });
    await claim(key);
    await remember({ key, uploadId, file: file.data as File }).catch(() => {});
  }

  private succeeded(id: string): void {
    const key = (this.uppy.getFile(id)?.response?.body as { key?: string } | undefined)?.key;
    if (key) void forget(key).catch(() => {});
    this.requested.delete(id);
    const transfer = this.transfers.get(id);
    const jobId = transfer?.jobId ?? jobOf(key ?? "");
    this.update(id, { state: "sent", jobId, sent: transfer?.bytes ?? 0 });
    this.uploaded(jobId);
  }

  private failed(id: string, error: UploadError): void {
    const parts = this.uppy.getFile(id)?.s3Multipart;
    // An upload's address writes once, so this refusal says that it has.
    if (error instanceof Arrived || error.status === PRECONDITION_FAILED) return this.succeeded(id);
    if (error.status === NOT_FOUND && parts) {
      this.uppy.setFileState(id, { s3Multipart: undefined as never });
      void forget(parts.key).catch(() => {});
    }
    this.update(id, { state: "failed", error: explained(error) });
  }

  private update(id: string, change: Partial<Transfer>): void {
    const transfer = this.transfers.get(id);
    if (transfer) this.transfers.set(id, { ...transfer, ...change });
    this.changed([...this.transfers.values()]);
  }
}

/** A key is `uploads/{jobId}/{name}`. */
function jobOf(key: string): string {
  return key.split("/")[1] ?? "";
}

async function sha256(data: Blob): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await data.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
