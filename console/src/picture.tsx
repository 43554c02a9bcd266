import { useMemo, useState } from "preact/hooks";
import { thumbHashToDataURL } from "thumbhash";
import type { AssetSummary } from "./api";

interface Props {
  asset: AssetSummary;
  alt: string;
  sizes: string;
  loading?: "lazy" | "eager";
}

/** A picture of a file: its type where it has none, and a blurred placeholder until the rendition has arrived. */
export function Picture({ asset, alt, sizes, loading = "lazy" }: Props) {
  const [loaded, setLoaded] = useState(false);
  const placeholder = useMemo(() => placeholderOf(asset.thumbHash), [asset.thumbHash]);
  return (
    <span class={loaded ? "picture loaded" : "picture"}>
      {!asset.thumbnail && <span class="file-type">{asset.mediaType.split("/")[1]}</span>}
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

export function placeholderOf(hash: string | undefined): string | null {
  if (!hash) return null;
  return thumbHashToDataURL(Uint8Array.from(atob(hash), (character) => character.charCodeAt(0)));
}
