/** The caller's orders, everybody's for an operator; those that are processed are followed to their end. */
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Api, Order, OrderLimits, OrderRequest, OrderStatus } from "./api";
import { Follower, isEnded, isFinal } from "./follow";
import { useRenewal } from "./renewal";

export interface Orders {
  limits: OrderLimits;
  /** Whether there is an order to show, of any status. */
  isUsed: boolean;
  /** The newest first. */
  items: Order[];
  status: OrderStatus | null;
  cursor: string | undefined;
  error: string | null;
  show: (status: OrderStatus | null) => void;
  more: () => Promise<void>;
  reload: () => Promise<void>;
  of: (fileKey: string) => Order[];
  place: (request: OrderRequest) => Promise<Order>;
}

/** null where the stack takes no orders. */
export function useOrders(
  api: Api,
  limits: OrderLimits | undefined,
  onEnded: (order: Order) => void,
): Orders | null {
  const [known, setKnown] = useState<ReadonlyMap<string, Order>>(new Map());
  const [status, setStatus] = useState<OrderStatus | null>(null);
  const [cursor, setCursor] = useState<string | undefined>();
  const [error, setError] = useState<string | null>(null);
  const shown = useRef(status);

  const remember = useCallback((...orders: Order[]) => {
    setKnown((before) => new Map([...before, ...orders.map((order) => [order.orderId, order] as const)]));
  }, []);
  const follower = useMemo(
    () =>
      new Follower<Order>((orderId, etag) => api.order(orderId, etag), isEnded, (order) => {
        remember(order);
        if (isEnded(order)) onEnded(order);
      }),
    [api, onEnded],
  );
  const take = useCallback(
    (...orders: Order[]) => {
      remember(...orders);
      for (const order of orders) if (!isEnded(order)) follower.follow(order.orderId);
    },
    [follower],
  );
  const load = useCallback(
    async (wanted: OrderStatus | null, after?: string) => {
      try {
        const page = await api.orders(wanted, after);
        take(...page.items);
        if (shown.current === wanted) setCursor(page.cursor);
        setError(null);
      } catch (refused) {
        setError((refused as Error).message);
      }
    },
    [api, take],
  );
  useEffect(() => {
    if (limits) void load(null);
  }, [load, limits]);
  const latest = useRef(known);
  latest.current = known;
  const renew = useCallback(async () => {
    const fulfilled = [...latest.current.values()].filter((order) => order.renditions);
    for (const { orderId } of fulfilled) {
      try {
        const { found } = await api.order(orderId, null);
        if (found) remember(found);
      } catch (refused) {
        if (!isFinal(refused)) throw refused;
      }
    }
  }, [api, remember]);
  useRenewal(renew);
  if (!limits) return null;

  const items = [...known.values()].sort((one, other) => other.createdAt.localeCompare(one.createdAt));
  return {
    limits,
    isUsed: items.length > 0,
    items: items.filter((order) => !status || order.status === status),
    status,
    cursor,
    error,
    show: (wanted) => {
      shown.current = wanted;
      setStatus(wanted);
      setCursor(undefined);
      void load(wanted);
    },
    more: () => load(status, cursor),
    reload: () => load(status),
    of: (fileKey) => items.filter((order) => order.fileKey === fileKey),
    place: async (request) => {
      const { orderId } = await api.placeOrder(request);
      const { found } = await api.order(orderId, null);
      if (!found) throw new Error("The order was placed. Reload the page to see it.");
      take(found);
      return found;
    },
  };
}
