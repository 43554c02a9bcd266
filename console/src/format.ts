/** Sizes, times and names as people read them. */

const BYTES = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${BYTES.format(bytes / 1000)} kB`;
  return `${BYTES.format(bytes / 1_000_000)} MB`;
}

export function time(iso: string): string {
  return TIME.format(new Date(iso));
}

export function age(seconds: number): string {
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return seconds < 36 * 3600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

export function fileName(file: { fileName?: string; fileKey: string }): string {
  return file.fileName ?? file.fileKey.split("/").pop() ?? file.fileKey;
}

export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
