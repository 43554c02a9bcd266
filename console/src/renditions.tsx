import { useState } from "preact/hooks";
import type { Asset } from "./api";
import { size } from "./format";

/** What was made of a file, and the value of an img element's `srcset` to paste. */
export function Renditions({ asset }: { asset: Asset }) {
  const hasPixels = asset.renditions.some((rendition) => rendition.width);
  return (
    <section>
      <h3>Renditions</h3>
      <div class="scrolls" tabIndex={0} role="region" aria-label="Renditions">
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Type</th>
              {hasPixels && (
                <th scope="col" class="number">
                  Pixels
                </th>
              )}
              <th scope="col" class="number">
                Size
              </th>
            </tr>
          </thead>
          <tbody>
            {asset.renditions.map((rendition) => (
              <tr key={rendition.name}>
                <th scope="row">
                  <a href={rendition.url}>{rendition.name}</a>
                </th>
                <td>
                  {rendition.mediaType.replace(/^(image|application|text)\/(x-|vnd\.apache\.)?/, "")}
                  {rendition.animated && ", animated"}
                </td>
                {hasPixels && (
                  <td class="number">{rendition.width ? `${rendition.width} × ${rendition.height}` : ""}</td>
                )}
                <td class="number">{size(rendition.bytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {asset.srcset && <CopySrcset srcset={asset.srcset} />}
    </section>
  );
}

function CopySrcset({ srcset }: { srcset: string }) {
  const [outcome, setOutcome] = useState("");
  const copy = () =>
    navigator.clipboard.writeText(srcset).then(
      () => setOutcome("Copied; its addresses are valid for an hour."),
      () => setOutcome("The browser does not allow this page to copy."),
    );
  return (
    <p>
      <button type="button" onClick={() => void copy()}>
        Copy srcset
      </button>{" "}
      <span class="fine" role="status">
        {outcome}
      </span>
    </p>
  );
}
