import { useState } from "preact/hooks";
import type { Order, OrderedRendition, OrderStatus } from "./api";
import { counted, fileName, size, time } from "./format";
import type { Orders } from "./orders";
import { SHOWN } from "./problems";

const STATUSES: OrderStatus[] = ["PROCESSING", "FULFILLED", "REJECTED", "FAILED"];
const TONES: Record<OrderStatus, string> = { PROCESSING: "now", FULFILLED: "good", REJECTED: "bad", FAILED: "bad" };

/** The orders of all files. */
export function OrderList({ orders, onOpen }: { orders: Orders; onOpen: (fileKey: string) => void }) {
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? orders.items : orders.items.slice(0, SHOWN);
  return (
    <section aria-labelledby="orders">
      <header class="section-head">
        <h2 id="orders">Orders</h2>
        <StatusChoice orders={orders} />
      </header>
      {orders.error && <p class="bad">{orders.error}</p>}
      {!orders.items.length && <p class="fine">There are none with this status.</p>}
      {shown.length > 0 && (
        <ul class="problems">
          {shown.map((order) => (
            <li key={order.orderId}>
              <OrderItem order={order} onOpen={onOpen} />
            </li>
          ))}
        </ul>
      )}
      {shown.length < orders.items.length && (
        <button type="button" class="quiet" onClick={() => setWhole(true)}>
          {`Show all ${orders.items.length}`}
        </button>
      )}
      {isWhole && orders.cursor && (
        <button type="button" class="quiet" onClick={() => void orders.more()}>
          Show older orders
        </button>
      )}
    </section>
  );
}

function StatusChoice({ orders }: { orders: Orders }) {
  return (
    <select
      class="small"
      aria-label="Status of the orders"
      value={orders.status ?? ""}
      onChange={(event) => orders.show((event.currentTarget.value || null) as OrderStatus | null)}
    >
      <option value="">all</option>
      {STATUSES.map((status) => (
        <option key={status} value={status}>
          {status.toLowerCase()}
        </option>
      ))}
    </select>
  );
}

/** An order: what was ordered, how far it is, and its renditions or why there are none. */
export function OrderItem({ order, onOpen }: { order: Order; onOpen?: (fileKey: string) => void }) {
  return (
    <article class="order" aria-label={`Order ${order.reference ?? order.orderId}`}>
      <p class="problem-head">
        {onOpen && (
          <button type="button" class="link" onClick={() => onOpen(order.fileKey)}>
            {fileName(order)}
          </button>
        )}{" "}
        <span class={`badge ${TONES[order.status]}`}>{stateOf(order)}</span>{" "}
        <time class="fine" dateTime={order.createdAt}>
          {[time(order.createdAt), order.reference].filter(Boolean).join(", ")}
        </time>
      </p>
      {order.status === "FULFILLED" ? (
        <Downloads order={order} />
      ) : (
        <p class="fine">{order.ordered.map(described).join("; ")}</p>
      )}
      {order.errorCode && (
        <>
          <p>
            <code>{order.errorCode}</code> {order.errorMessage}
          </p>
          {order.hint && <p class="fine">{order.hint}</p>}
        </>
      )}
    </article>
  );
}

function stateOf({ status, attempts = 0 }: Order): string {
  if (status === "FAILED") return `failed after ${counted(attempts, "attempt", "attempts")}`;
  return status === "PROCESSING" && attempts > 1 ? `processing, attempt ${attempts}` : status.toLowerCase();
}

function Downloads({ order }: { order: Order }) {
  return (
    <ul class="downloads">
      {order.renditions?.map((rendition) => (
        <li key={rendition.name}>
          <a href={rendition.url} download>
            {rendition.name}
          </a>{" "}
          <span class="fine">
            {rendition.width && `${rendition.width} × ${rendition.height}, `}
            {size(rendition.bytes)}
            {rendition.animated && ", animated"}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** An ordered rendition in words: "800 × 800 cover as webp, with watermark". */
function described({ preset, width, height, fit, format, watermark }: OrderedRendition): string {
  const size = preset ?? (height ? `${width} × ${height}` : `${width} wide`);
  return `${size}${fit === "cover" ? " cover" : ""} as ${format}${watermark ? ", with watermark" : ""}`;
}
