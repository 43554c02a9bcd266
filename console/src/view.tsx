import { useState } from "preact/hooks";
import type { Asset } from "./api";
import { fileName } from "./format";
import { placeholderOf } from "./picture";

/** The file itself: a picture with its watermark and without; of anything else only its address. */
export function View({ asset }: { asset: Asset }) {
  const [isOriginal, setOriginal] = useState(!asset.downloadUrl);
  const address = isOriginal ? asset.originalUrl : (asset.downloadUrl ?? asset.originalUrl);
  return (
    <figure>
      {Boolean(asset.measures.width) && (
        <Large key={address} asset={asset} address={address} how={isOriginal ? "the original" : "with watermark"} />
      )}
      <figcaption>
        {asset.downloadUrl && (
          <span class="choice" role="group" aria-label="View">
            <button type="button" aria-pressed={!isOriginal} onClick={() => setOriginal(false)}>
              Watermarked
            </button>
            <button type="button" aria-pressed={isOriginal} onClick={() => setOriginal(true)}>
              Original
            </button>
          </span>
        )}
        <a class="button" href={address} download>
          Download
        </a>
      </figcaption>
    </figure>
  );
}

function Large({ asset, address, how }: { asset: Asset; address: string; how: string }) {
  const [isLoaded, setLoaded] = useState(false);
  const placeholder = isLoaded ? null : placeholderOf(asset.thumbHash);
  const { width, height } = asset.measures as Record<string, number>;
  return (
    <span class="large">
      {placeholder && <img src={placeholder} alt="" aria-hidden="true" width={width} height={height} />}
      <img
        src={address}
        alt={`${fileName(asset)}, ${how}`}
        width={width}
        height={height}
        onLoad={() => setLoaded(true)}
      />
    </span>
  );
}
