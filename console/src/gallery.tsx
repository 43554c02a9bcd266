import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Api, AssetSummary } from "./api";
import { fileName, measured, size } from "./format";
import { Picture } from "./picture";
import { KEPT_MS } from "./renewal";

/** Where the focus goes when the picture that had it is deleted. */
export const GALLERY = "gallery";

type Listed = AssetSummary & { listedAt: number };

export interface Assets {
  items: AssetSummary[];
  cursor: string | undefined;
  isLoaded: boolean;
  error: string | null;
  reload: () => Promise<void>;
  more: () => Promise<void>;
  remove: (fileKey: string) => void;
}

/** The newest assets, and older ones on request. Several jobs that end at once lead to one reload. */
export function useAssets(api: Api): Assets {
  const [page, setPage] = useState<{ items: Listed[]; cursor?: string | undefined }>({ items: [] });
  const [isLoaded, setLoaded] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const deleted = useRef(new Set<string>());
  const load = useCallback(
    async (cursor: string | undefined) => {
      try {
        const next = await api.assets(cursor);
        const listedAt = Date.now();
        const wanted = next.items
          .filter((each) => !deleted.current.has(each.fileKey))
          .map((each) => ({ ...each, listedAt }));
        setPage((known) => ({ items: merged(wanted, known.items), cursor: cursor ? next.cursor : (known.cursor ?? next.cursor) }));
        setError(null);
      } catch (refused) {
        setError((refused as Error).message);
      }
      setLoaded(true);
    },
    [api],
  );
  const pending = useRef<Promise<void> | null>(null);
  const reload = useCallback(() => {
    pending.current ??= new Promise<void>((resolve) => setTimeout(resolve, 300)).then(() => {
      pending.current = null;
      return load(undefined);
    });
    return pending.current;
  }, [load]);
  useEffect(() => {
    void load(undefined);
  }, [load]);
  return {
    items: page.items,
    cursor: page.cursor,
    isLoaded,
    error,
    reload,
    more: () => load(page.cursor),
    remove: (fileKey) => {
      deleted.current.add(fileKey);
      setPage((known) => ({ ...known, items: known.items.filter((each) => each.fileKey !== fileKey) }));
    },
  };
}

/**
 * Newest first. What is shown already keeps its addresses while they are valid: each listing signs new ones, and the
 * browser would load every picture again.
 */
function merged(listed: Listed[], known: Listed[]): Listed[] {
  const byKey = new Map(known.map((each) => [each.fileKey, each]));
  for (const each of listed) {
    const shown = byKey.get(each.fileKey);
    const isCurrent = shown?.jobId === each.jobId && each.listedAt - shown.listedAt < KEPT_MS;
    if (!isCurrent) byKey.set(each.fileKey, each);
  }
  return [...byKey.values()].sort((one, other) => other.persistedAt.localeCompare(one.persistedAt));
}

export function Gallery({ assets, onOpen }: { assets: Assets; onOpen: (fileKey: string) => void }) {
  return (
    <section aria-labelledby={GALLERY}>
      <h2 id={GALLERY} tabIndex={-1}>
        Files
      </h2>
      {assets.error && <p class="bad">{assets.error}</p>}
      {assets.isLoaded && !assets.items.length && !assets.error && <p class="empty">Nothing has been uploaded yet.</p>}
      <ul class="gallery">
        {assets.items.map((asset) => (
          <li key={asset.fileKey}>
            <button type="button" class="card" onClick={() => onOpen(asset.fileKey)}>
              <Picture asset={asset} alt="" sizes="(max-width: 40rem) 46vw, 15rem" />
              <span class="card-name">{fileName(asset)}</span>
              <span class="fine">
                {measured(asset)}, {size(asset.bytes)}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {assets.cursor && (
        <button type="button" class="more" onClick={() => void assets.more()}>
          Show older files
        </button>
      )}
    </section>
  );
}
