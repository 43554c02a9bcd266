import type { Api, FailedOrderCause, FailedOrders } from "./api";
import { AskFirst } from "./ask-first";
import { counted, time } from "./format";

interface Props {
  api: Api;
  failed: FailedOrders;
  onRedriven: (message: string) => void;
}

/** For operators: the orders that failed at every attempt, by cause, to have them tried again. */
export function FailedOrderCauses({ api, failed, onRedriven }: Props) {
  if (!failed.causes.length) return null;
  return (
    <>
      <h3>Failed orders by cause</h3>
      <ul class="problems">
        {failed.causes.map((cause) => (
          <CauseItem key={cause.cause} {...{ api, cause, isAll: failed.complete, onRedriven }} />
        ))}
      </ul>
    </>
  );
}

interface ItemProps {
  api: Api;
  cause: FailedOrderCause;
  isAll: boolean;
  onRedriven: (message: string) => void;
}

function CauseItem({ api, cause, isAll, onRedriven }: ItemProps) {
  const plan = async () => {
    const { matching = 0, complete } = await api.redrive(cause.cause, true);
    if (!matching) throw new Error("There is nothing to redrive any more.");
    return { question: `Have ${complete ? "" : "at least "}${orders(matching)} tried again?`, yes: "Redrive" };
  };
  const redrive = async () => {
    const { redriven, complete } = await api.redrive(cause.cause, false);
    const rest = complete ? "" : " There was no time for more: redrive again.";
    onRedriven(`${counted(redriven, "order is", "orders are")} tried again.${rest}`);
    return "";
  };
  return (
    <li>
      <p class="problem-head">
        <code>{cause.cause}</code> <strong>{`${orders(cause.count)}${isAll ? "" : " or more"}`}</strong>{" "}
        <span class="fine">{`after ${counted(cause.attempts, "attempt", "attempts")}`}</span>
      </p>
      <p>{cause.reason}</p>
      <p class="fine">{cause.hint}</p>
      <p class="fine">
        {`${time(cause.firstSeen)} to ${time(cause.lastSeen)}, for example ${cause.orders
          .map((each) => `${each.reference ?? each.orderId} of ${each.fileKey}`)
          .join(", ")}`}
      </p>
      <AskFirst label="Redrive" no="Leave them" plan={plan} onYes={redrive} />
    </li>
  );
}

function orders(count: number): string {
  return counted(count, "order", "orders");
}
