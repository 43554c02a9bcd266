/** What is recorded of a table. */
import type { Asset, AssetSummary } from "./api";

export interface Column {
  name: string;
  type: string;
  nulls: number;
  /** About how many different values it has. */
  distinct: number;
  min?: unknown;
  max?: unknown;
  quantiles?: unknown[];
}

export interface TableRecord {
  rowCount: number;
  columnCount: number;
  /** The first 100. */
  columns: Column[];
  quarantined: number;
  formulas: number;
  formulaColumns: string[];
}

const NAMES: Record<string, string> = {
  "text/csv": "CSV",
  "text/tab-separated-values": "TSV",
  "application/x-ndjson": "JSON Lines",
};

/** A file's columns and rows, without the header and with those that do not fit; null of what is no table. */
export function tableSize({ measures }: AssetSummary): { columns: number; rows: number } | null {
  const { columns, lines, header } = measures as { columns?: number; lines?: number; header?: boolean };
  if (columns === undefined || lines === undefined) return null;
  return { columns, rows: header ? lines - 1 : lines };
}

export function tableOf(asset: Asset): TableRecord | null {
  return tableSize(asset) ? (asset.record as unknown as TableRecord) : null;
}

/** The name by which people know a type: "CSV". */
export function typeName(mediaType: string): string {
  return NAMES[mediaType] ?? mediaType.split("/")[1] ?? mediaType;
}
