/** Addresses that the API signs are valid for an hour; a page that is open for longer asks for new ones in time. */
import { useEffect } from "preact/hooks";
import { isFinal } from "./follow";
import { pause, visible } from "./waiting";

/** How long signed addresses are kept: less than they are valid. */
export const KEPT_MS = 45 * 60 * 1000;
/** A timer stands still while the computer sleeps, so the time is looked at this often. */
const LOOK_MS = 60_000;

/** Call `renew` whenever addresses have been kept for so long, and a minute after it failed; not while the page is hidden. */
export function useRenewal(renew: () => Promise<void>): void {
  useEffect(() => {
    let isOver = false;
    const run = async () => {
      let signedAt = Date.now();
      for (;;) {
        await pause(LOOK_MS);
        await visible();
        if (isOver) return;
        const now = Date.now();
        if (now - signedAt < KEPT_MS) continue;
        try {
          await renew();
        } catch (refused) {
          // What is shown stays.
          if (!isFinal(refused)) continue;
        }
        signedAt = now;
      }
    };
    void run();
    return () => {
      isOver = true;
    };
  }, [renew]);
}
