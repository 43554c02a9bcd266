/** Sizes, times and names as people read them. */
import type { AssetSummary } from "./api";
import { tableSize } from "./table";

const BYTES = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes}\u00a0B`;
  if (bytes < 1_000_000) return `${BYTES.format(bytes / 1000)}\u00a0kB`;
  if (bytes < 1_000_000_000) return `${BYTES.format(bytes / 1_000_000)}\u00a0MB`;
  return `${BYTES.format(bytes / 1_000_000_000)}\u00a0GB`;
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
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/** A picture's pixels as "1600 × 1200", a table's as "12 columns, 340 rows". */
export function measured(asset: AssetSummary): string {
  const { width, height, frames } = asset.measures as Record<string, number>;
  if (width && height) return `${width} × ${height}${frames && frames > 1 ? `, ${frames} frames` : ""}`;
  const table = tableSize(asset);
  if (table) return `${counted(table.columns, "column", "columns")}, ${counted(table.rows, "row", "rows")}`;
  return asset.mediaType;
}

/** "focalLengthMm" as "Focal length mm". */
export function words(name: string): string {
  const spaced = name.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
