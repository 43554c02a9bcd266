import type { Asset } from "./api";
import { time } from "./format";

/** The file's versions, the newest first. */
export function Versions({ asset }: { asset: Asset }) {
  return (
    <section>
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
