import { useMemo, useState } from "preact/hooks";
import { thumbHashToDataURL } from "thumbhash";
import type { AssetSummary } from "./api";
import { tableSize, typeName } from "./table";

const SHEET_COLUMNS = 8;
const SHEET_ROWS = 8;

interface Props {
  asset: AssetSummary;
  alt: string;
  sizes: string;
  loading?: "lazy" | "eager";
}

/** A picture of a file; what it has instead where it has none, and a blurred placeholder until it has arrived. */
export function Picture({ asset, alt, sizes, loading = "lazy" }: Props) {
  const [loaded, setLoaded] = useState(false);
  const placeholder = useMemo(() => placeholderOf(asset.thumbHash), [asset.thumbHash]);
  return (
    <span class={loaded ? "picture loaded" : "picture"}>
      {!asset.thumbnail && <Stand asset={asset} />}
      {placeholder && <img class="placeholder" src={placeholder} alt="" aria-hidden="true" />}
      {asset.thumbnail && (
        <img
          class="rendition"
          src={asset.thumbnail.url}
          {...(asset.srcset ? { srcset: asset.srcset, sizes } : {})}
          width={asset.thumbnail.width}
          height={asset.thumbnail.height}
          alt={alt}
          loading={loading}
          decoding="async"
          onLoad={() => setLoaded(true)}
        />
      )}
    </span>
  );
}

/** What stands for a file without a picture: a sheet with as many columns as fit, for a table; else its type. */
function Stand({ asset }: { asset: AssetSummary }) {
  const table = tableSize(asset);
  if (!table) return <span class="file-type">{typeName(asset.mediaType)}</span>;
  const widths = Array.from({ length: Math.min(table.columns, SHEET_COLUMNS) }, (_, column) => column);
  const heights = Array.from({ length: Math.min(table.rows, SHEET_ROWS) + 1 }, (_, row) => row);
  return (
    <span class="sheet" aria-hidden="true">
      <svg viewBox={`0 0 ${widths.length * 24} ${(SHEET_ROWS + 1) * 12}`} preserveAspectRatio="none">
        {heights.flatMap((row) =>
          widths.map((column) => (
            <rect
              key={`${row} ${column}`}
              class={row ? "" : "head"}
              x={column * 24 + 3}
              y={row * 12 + 4}
              // Cells of various lengths, the same at each look.
              width={row ? 7 + ((row * 7 + column * 5) % 4) * 3 : 18}
              height="4"
              rx="1"
            />
          )),
        )}
      </svg>
      <span class="sheet-type">{typeName(asset.mediaType)}</span>
    </span>
  );
}

export function placeholderOf(hash: string | undefined): string | null {
  if (!hash) return null;
  return thumbHashToDataURL(Uint8Array.from(atob(hash), (character) => character.charCodeAt(0)));
}
