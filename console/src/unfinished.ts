/**
 * Uploads in parts that a reload interrupted: the file and where S3 has its parts, kept in IndexedDB.
 *
 * The browser copies the file into its store, so an upload is kept once and not at each part. Where it keeps nothing,
 * as in a private window or beyond its quota, an interrupted upload begins again.
 */

export interface Unfinished {
  key: string;
  uploadId: string;
  file: File;
}

const STORE = "uploads";
/** S3 removes the parts after a week, see the setting lifecycle.incompleteUploadDays. */
const KEPT_MS = 6 * 24 * 60 * 60 * 1000;

export async function remember(upload: Unfinished): Promise<void> {
  await inStore("readwrite", (store) => store.put({ ...upload, at: Date.now() }));
}

export async function forget(key: string): Promise<void> {
  await inStore("readwrite", (store) => store.delete(key));
}

export async function unfinished(): Promise<Unfinished[]> {
  const found = await inStore<(Unfinished & { at: number })[]>("readonly", (store) => store.getAll());
  const old = found.filter((each) => Date.now() - each.at > KEPT_MS);
  await Promise.all(old.map((each) => forget(each.key)));
  return found.filter((each) => !old.includes(each));
}

/**
 * Take an upload for this page until it is closed. False: it goes on in another tab, which must not be disturbed.
 */
export function claim(key: string): Promise<boolean> {
  return new Promise((resolve) => {
    void navigator.locks.request(key, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock ? new Promise(() => {}) : undefined;
    });
  });
}

async function inStore<T>(mode: IDBTransactionMode, action: (store: IDBObjectStore) => IDBRequest): Promise<T> {
  const database = await answered<IDBDatabase>(opened());
  try {
    return await answered<T>(action(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

function opened(): IDBOpenDBRequest {
  const request = indexedDB.open("img-pipeline", 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "key" });
  return request;
}

function answered<T>(request: IDBRequest): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result as T);
    request.onerror = () => reject(request.error);
  });
}
