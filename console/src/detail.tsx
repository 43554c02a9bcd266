import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Api, Asset } from "./api";
import { AskFirst } from "./ask-first";
import { Facts } from "./facts";
import { counted, fileName } from "./format";
import { OrderSection } from "./order-form";
import type { Orders } from "./orders";
import { useRenewal } from "./renewal";
import { Renditions } from "./renditions";
import { tableOf } from "./table";
import { TableView } from "./table-view";
import { Versions } from "./versions";
import { View } from "./view";

interface Props {
  api: Api;
  fileKey: string;
  orders: Orders | null;
  onClose: () => void;
  onDeleted: (fileKey: string) => void;
}

/** All that is known about a file, in a dialog. */
export function Detail({ api, fileKey, orders, onClose, onDeleted }: Props) {
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
  const shown = useRef(fileKey);
  shown.current = fileKey;
  const load = useCallback(async () => {
    const found = await api.asset(fileKey);
    if (shown.current === fileKey) setAsset(found);
  }, [api, fileKey]);
  useEffect(() => {
    setAsset(null);
    setError(null);
    load().catch((refused: Error) => setError(refused.message));
  }, [load]);
  useRenewal(load);
  return (
    <dialog
      ref={dialog}
      class="detail"
      aria-labelledby="detail-name"
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <header>
        <h2 id="detail-name">{fileName(asset ?? { fileKey })}</h2>
        <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </header>
      {error && <p class="bad">{error}</p>}
      {asset && (
        <Contents
          api={api}
          asset={asset}
          orders={orders}
          onDeleted={(deleted) => {
            dialog.current?.close();
            onDeleted(deleted);
          }}
        />
      )}
    </dialog>
  );
}

interface ContentsProps {
  api: Api;
  asset: Asset;
  orders: Orders | null;
  onDeleted: (fileKey: string) => void;
}

function Contents({ api, asset, orders, onDeleted }: ContentsProps) {
  const table = tableOf(asset);
  return (
    <div class="contents">
      {table ? <TableView asset={asset} table={table} /> : <View asset={asset} />}
      <div class="about">
        <Facts asset={asset} table={table} />
        {asset.renditions.length > 0 && <Renditions asset={asset} />}
        {orders && asset.mediaType.startsWith("image/") && <OrderSection asset={asset} orders={orders} />}
        <Versions asset={asset} />
        <Delete api={api} asset={asset} onDeleted={onDeleted} />
      </div>
    </div>
  );
}

function Delete({ api, asset, onDeleted }: { api: Api; asset: Asset; onDeleted: (fileKey: string) => void }) {
  const renditions = counted(asset.renditions.length, "rendition", "renditions");
  return (
    <section>
      <AskFirst
        label="Delete…"
        no="Keep it"
        isDangerous
        plan={async () => ({ question: `Delete the file, its ${renditions} and its record?`, yes: "Delete it" })}
        onYes={async () => {
          await api.remove(asset.fileKey);
          onDeleted(asset.fileKey);
          return "";
        }}
      />
    </section>
  );
}
