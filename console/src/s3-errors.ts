/** What S3 refused, in words. */

const NOT_AS_READ = "The bytes that arrived are not those of the file. Try again.";
const MEANINGS: Record<string, string> = {
  AccessDenied: "The upload's address was no longer valid. Try again.",
  BadDigest: NOT_AS_READ,
  NoSuchUpload: "What was uploaded before has been removed. Try again, from the beginning.",
  RequestTimeout: "The connection was too slow. Try again.",
  XAmzContentChecksumMismatch: NOT_AS_READ,
};

/** As Uppy reports it: a refusal has S3's status and code, a lost connection the code NETWORK. */
export interface UploadError extends Error {
  status?: number;
  serviceCode?: string;
  code?: string;
  hint?: string;
}

export function explained(error: UploadError): string {
  if (error.code === "NETWORK") return "The connection was lost. Try again.";
  if (error.serviceCode) return MEANINGS[error.serviceCode] ?? `${error.message}. Try again.`;
  return [error.message, error.hint].filter(Boolean).join(" ");
}
