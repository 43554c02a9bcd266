import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Api, Asset } from "./api";
import { AskFirst } from "./ask-first";
import { counted, fileName, size, time } from "./format";

interface Props {
  api: Api;
  fileKey: string;
  onClose: () => void;
  onDeleted: (fileKey: string) => void;
}

export function Detail({ api, fileKey, onClose, onDeleted }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [asset, setAsset] = useState<Asset | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => {
      // The browser's back button closes the dialog without giving the focus back.
      if (document.activeElement === document.body && opener instanceof HTMLElement) opener.focus();
    };
  }, []);
  useEffect(() => {
    setAsset(null);
    setError(null);
    api.asset(fileKey).then(setAsset, (refused: Error) => setError(refused.message));
  }, [api, fileKey]);
  return (
    <dialog
      ref={dialog}
      class="detail"
      aria-labelledby="detail-name"
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <header>
        <h2 id="detail-name">{asset ? fileName(asset) : fileName({ fileKey })}</h2>
        <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </header>
      {error && <p class="bad">{error}</p>}
      {asset && (
        <Contents
          api={api}
          asset={asset}
          onDeleted={(deleted) => {
            dialog.current?.close();
            onDeleted(deleted);
          }}
        />
      )}
    </dialog>
  );
}

function Contents({ api, asset, onDeleted }: { api: Api; asset: Asset; onDeleted: (fileKey: string) => void }) {
  return (
    <>
      <Views asset={asset} />
      <Renditions asset={asset} />
      <Facts asset={asset} />
      <Delete api={api} asset={asset} onDeleted={onDeleted} />
    </>
  );
}

function Views({ asset }: { asset: Asset }) {
  const [isOriginal, setOriginal] = useState(false);
  const address = isOriginal ? asset.originalUrl : (asset.downloadUrl ?? asset.originalUrl);
  return (
    <figure>
      <img
        src={address}
        alt={`${fileName(asset)}, ${isOriginal ? "the original" : "with watermark"}`}
        width={asset.measures.width}
        height={asset.measures.height}
      />
      <figcaption role="group" aria-label="View">
        <button type="button" aria-pressed={!isOriginal} onClick={() => setOriginal(false)}>
          Watermarked
        </button>
        <button type="button" aria-pressed={isOriginal} onClick={() => setOriginal(true)}>
          Original
        </button>
        <a href={address} download>
          Download
        </a>
      </figcaption>
    </figure>
  );
}

function Renditions({ asset }: { asset: Asset }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(asset.srcset ?? "");
    setCopied(true);
  };
  return (
    <section>
      <h3>Renditions</h3>
      <div class="scrolls" tabIndex={0} role="region" aria-label="Renditions">
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Type</th>
              <th scope="col">Pixels</th>
              <th scope="col">Size</th>
            </tr>
          </thead>
          <tbody>
            {asset.renditions.map((rendition) => (
              <tr key={rendition.name}>
                <th scope="row">
                  <a href={rendition.url}>{rendition.name}</a>
                </th>
                <td>{rendition.mediaType.replace("image/", "")}</td>
                <td>
                  {rendition.width} × {rendition.height}
                </td>
                <td>{size(rendition.bytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {asset.srcset && (
        <p>
          <button type="button" onClick={() => void copy()}>
            Copy srcset
          </button>{" "}
          <span class="fine" role="status">
            {copied ? "Copied; its addresses are valid for an hour." : ""}
          </span>
        </p>
      )}
    </section>
  );
}

function Facts({ asset }: { asset: Asset }) {
  const exif = asset.metadata.exif as Record<string, unknown> | undefined;
  const colours = (asset.metadata.dominantColours as string[] | undefined) ?? [];
  return (
    <section>
      <h3>About the file</h3>
      <dl>
        <Fact name="Key">
          <code>{asset.fileKey}</code>
        </Fact>
        <Fact name="Original">
          {asset.mediaType}, {asset.measures.width} × {asset.measures.height}, {size(asset.bytes)}
        </Fact>
        <Fact name="Recorded">{time(asset.persistedAt)}</Fact>
        {Object.entries(exif ?? {}).map(([name, value]) => (
          <Fact key={name} name={words(name)}>
            {String(value)}
          </Fact>
        ))}
        {colours.length > 0 && <Fact name="Colours">{colours.map((colour) => <Swatch key={colour} colour={colour} />)}</Fact>}
        <Fact name="Location in the file">{asset.metadata.gpsPresent ? "yes; no rendition has it" : "none"}</Fact>
        <Fact name="SHA-256">
          <code>{asset.sha256}</code>
        </Fact>
        {asset.traceId && (
          <Fact name="Trace">
            <code>{asset.traceId}</code>
          </Fact>
        )}
      </dl>
      <h3>Versions</h3>
      <ol class="versions">
        {asset.versions.map((version) => (
          <li key={version.jobId}>
            {time(version.createdAt)}, {version.status.toLowerCase()}
            {version.versionId === asset.versionId && " (shown)"}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Swatch({ colour }: { colour: string }) {
  return (
    <span class="swatch">
      <svg viewBox="0 0 10 10" aria-hidden="true">
        <rect width="10" height="10" rx="2" fill={colour} />
      </svg>
      {colour}
    </span>
  );
}

function Delete({ api, asset, onDeleted }: { api: Api; asset: Asset; onDeleted: (fileKey: string) => void }) {
  const renditions = counted(asset.renditions.length, "rendition", "renditions");
  return (
    <section class="delete">
      <AskFirst
        label="Delete…"
        no="Keep it"
        isDangerous
        plan={async () => ({ question: `Delete the picture, its ${renditions} and its record?`, yes: "Delete it" })}
        onYes={async () => {
          await api.remove(asset.fileKey);
          onDeleted(asset.fileKey);
          return "";
        }}
      />
    </section>
  );
}

/** "focalLengthMm" as "Focal length mm". */
function words(name: string): string {
  const spaced = name.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
