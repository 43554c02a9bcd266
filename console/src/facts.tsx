import type { ComponentChildren } from "preact";
import type { Asset } from "./api";
import { counted, measured, size, time, words } from "./format";
import type { TableRecord } from "./table";

const SHOWN_OTHERWISE = new Set(["width", "height", "frames", "thumbHash"]);

/** What was found out about a file, and by what it is known elsewhere. */
export function Facts({ asset, table }: { asset: Asset; table: TableRecord | null }) {
  return (
    <section>
      <h3>About the file</h3>
      <dl>
        <Fact name="Original">
          {asset.mediaType}, {measured(asset)}, {size(asset.bytes)}
        </Fact>
        {Number(asset.measures.frames) > 1 && <Fact name="Animated">{animated(asset)}</Fact>}
        <Fact name="Recorded">{time(asset.persistedAt)}</Fact>
        {table ? <TableFacts asset={asset} table={table} /> : <Metadata metadata={asset.metadata} />}
        <Fact name="Key">
          <code>{asset.fileKey}</code>
        </Fact>
        <Fact name="SHA-256">
          <code>{asset.sha256}</code>
        </Fact>
        {asset.traceId && (
          <Fact name="Trace id">
            <code>{asset.traceId}</code>
          </Fact>
        )}
      </dl>
    </section>
  );
}

/** Which renditions of an animation move. */
function animated(asset: Asset): string {
  const names = asset.renditions.filter((each) => each.animated).map((each) => each.name);
  return names.length ? names.join(", ") : "no rendition; each shows the first frame";
}

const DELIMITERS: Record<string, string> = { ",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar" };

function TableFacts({ asset, table }: { asset: Asset; table: TableRecord }) {
  const { encoding, compression, delimiter, header } = asset.measures as Record<string, string>;
  return (
    <>
      <Fact name="Rows that fit">{table.rowCount.toLocaleString()}</Fact>
      <Fact name="Quarantined">{table.quarantined ? counted(table.quarantined, "row", "rows") : "none"}</Fact>
      <Fact name="Formulas">{table.formulas ? counted(table.formulas, "cell", "cells") : "none"}</Fact>
      <Fact name="Encoding">
        {encoding}
        {compression === "gzip" && ", compressed with gzip"}
      </Fact>
      {delimiter && delimiter !== "json" && (
        <Fact name="Delimiter">
          {DELIMITERS[delimiter] ?? delimiter}
          {header ? "" : ", without a header"}
        </Fact>
      )}
    </>
  );
}

function Metadata({ metadata }: { metadata: Record<string, unknown> }) {
  const { exif, dominantColours, gpsPresent, ...others } = metadata;
  const known = { ...others, ...(exif as object | undefined) };
  return (
    <>
      {Object.entries(known).filter(([name]) => !SHOWN_OTHERWISE.has(name)).map(([name, value]) => (
        <Fact key={name} name={words(name)}>
          {text(value)}
        </Fact>
      ))}
      {Array.isArray(dominantColours) && (
        <Fact name="Colours">
          {dominantColours.map((colour: string) => (
            <Swatch key={colour} colour={colour} />
          ))}
        </Fact>
      )}
      {gpsPresent !== undefined && (
        <Fact name="Location in the file">{gpsPresent ? "yes; no rendition has it" : "none"}</Fact>
      )}
    </>
  );
}

function text(value: unknown): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map(text).join(", ");
  if (value && typeof value === "object") return Object.values(value).map(text).join(" ");
  return String(value);
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
