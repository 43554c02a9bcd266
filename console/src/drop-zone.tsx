import { useEffect, useRef, useState } from "preact/hooks";
import type { Limits } from "./api";
import { filesOf } from "./dropped";
import { size } from "./format";

/** Where the focus goes when what had it is gone. */
export const CHOOSE_FILES = "choose-files";

interface Props {
  limits: Limits;
  /** Small beside what has been uploaded, large where there is nothing yet. */
  isSmall: boolean;
  onFiles: (files: File[]) => void;
}

export function DropZone({ limits, isSmall, onFiles }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const isOver = useFilesGivenToPage(onFiles);
  return (
    <section class={`drop-zone ${isSmall ? "small" : ""} ${isOver ? "over" : ""}`} aria-label="Upload">
      <p>
        <strong>{isOver ? "Drop to upload" : "Drop files or folders anywhere, or paste them"}</strong>
      </p>
      <p class="fine">{accepted(limits)}</p>
      <button type="button" class="primary" id={CHOOSE_FILES} onClick={() => input.current?.click()}>
        Choose files
      </button>
      <input
        ref={input}
        class="visually-hidden"
        type="file"
        multiple
        tabIndex={-1}
        aria-label="Files to upload"
        onChange={(event) => {
          onFiles([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = "";
        }}
      />
    </section>
  );
}

/** "JPG, PNG up to 52.4 MB; CSV up to 1.1 GB". */
function accepted(limits: Limits): string {
  const bySize = new Map<number, string[]>();
  for (const { extensions, maxBytes } of limits.mediaTypes) {
    bySize.set(maxBytes, [...(bySize.get(maxBytes) ?? []), ...extensions.slice(0, 1)]);
  }
  return [...bySize]
    .map(([bytes, extensions]) => `${extensions.map((each) => each.slice(1).toUpperCase()).join(", ")} up to ${size(bytes)}`)
    .join("; ");
}

/** Hands over what is dropped or pasted anywhere on the page. Returns whether files are held over it. */
function useFilesGivenToPage(onFiles: (files: File[]) => void): boolean {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const listening = new AbortController();
    const listen = <K extends keyof WindowEventMap>(type: K, listener: (event: WindowEventMap[K]) => void) =>
      addEventListener(type, listener, { signal: listening.signal });
    listen("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length) onFiles(files);
    });
    listen("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setOver(true);
    });
    listen("dragleave", (event) => {
      if (!event.relatedTarget) setOver(false);
    });
    listen("drop", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setOver(false);
      void filesOf(event.dataTransfer).then(onFiles);
    });
    return () => listening.abort();
  }, [onFiles]);
  return isOver;
}
