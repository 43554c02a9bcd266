import { useCallback, useEffect, useState } from "preact/hooks";
import {
  type Api,
  type Cause,
  type DeadLetters,
  type FailedOrders,
  ProblemError,
  type QueueState,
  type StackHealth,
} from "./api";
import { AskFirst } from "./ask-first";
import { FailedOrderCauses } from "./failed-orders";
import { age, counted, time } from "./format";

const POLL_MS = 30_000;
const HEADING = "operations";

interface Props {
  api: Api;
  takesOrders: boolean;
  onRedriven: () => void;
}

/** For operators: what is wrong with the stack, and the files and orders that failed, by cause. */
export function Operations({ api, takesOrders, onRedriven }: Props) {
  const { health, deadLetters, failedOrders, refresh } = useOperations(api, takesOrders);
  const [outcome, setOutcome] = useState("");
  if (!health) return null;
  const done = (message: string) => {
    setOutcome(message);
    void refresh();
    // The cause and its buttons may be gone.
    document.getElementById(HEADING)?.focus();
  };
  return (
    <section aria-labelledby={HEADING}>
      <div class="section-head">
        <h2 id={HEADING} tabIndex={-1}>
          Operations
        </h2>
        <button type="button" class="quiet" onClick={() => void refresh()}>
          Refresh
        </button>
      </div>
      <Health health={health} />
      <p class="fine" role="status">
        {outcome}
      </p>
      <Causes api={api} deadLetters={deadLetters} onReplayed={done} />
      {failedOrders && (
        <FailedOrderCauses
          api={api}
          failed={failedOrders}
          onRedriven={(message) => {
            done(message);
            onRedriven();
          }}
        />
      )}
    </section>
  );
}

/** What operators see; nothing where the API says that the caller is none. */
function useOperations(api: Api, takesOrders: boolean) {
  const [health, setHealth] = useState<StackHealth | null>(null);
  const [deadLetters, setDeadLetters] = useState<DeadLetters[]>([]);
  const [failedOrders, setFailedOrders] = useState<FailedOrders | null>(null);
  const [isOperator, setIsOperator] = useState(true);
  const look = useCallback(async () => {
    try {
      setHealth(await api.health());
      if (takesOrders) setFailedOrders(await api.failedOrders());
    } catch (refused) {
      if (refused instanceof ProblemError && [403, 404].includes(refused.status)) setIsOperator(false);
    }
  }, [api, takesOrders]);
  // Messages that are read are hidden from others for a moment, so they are read when there are others, not at each poll.
  const waiting = health?.queues.reduce((sum, each) => sum + (each.deadLetters ? each.messages : 0), 0) ?? 0;
  const read = useCallback(() => api.deadLetters().then(setDeadLetters, () => {}), [api]);
  useEffect(() => {
    if (!isOperator) return;
    void look();
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void look();
    }, POLL_MS);
    return () => clearInterval(timer);
  }, [look, isOperator]);
  useEffect(() => {
    if (waiting) void read();
    else setDeadLetters([]);
  }, [waiting, read]);
  const refresh = useCallback(() => Promise.all([look(), read()]), [look, read]);
  return { health: isOperator ? health : null, deadLetters, failedOrders, refresh };
}

function Health({ health }: { health: StackHealth }) {
  const prefix = health.pipe.name.replace(/pipe$/, "");
  const short = (name: string) => (name.startsWith(prefix) ? name.slice(prefix.length) : name);
  return (
    <>
      <dl class="health">
        <Fact term="alarms" isBad={health.alarms.length > 0}>
          {health.alarms.length ? `${health.alarms.length} in ALARM` : "none in ALARM"}
        </Fact>
        <Fact term="pipe" isBad={health.pipe.state !== "RUNNING"}>
          {health.pipe.state.toLowerCase()}
        </Fact>
        {health.queues.map((queue) => (
          <Fact key={queue.name} term={short(queue.name)} isBad={Boolean(queue.deadLetters) && queue.messages > 0}>
            {depth(queue)}
          </Fact>
        ))}
      </dl>
      {health.alarms.length > 0 && (
        <ul class="problems">
          {health.alarms.map((alarm) => (
            <li key={alarm.name}>
              <p class="problem-head">
                <strong>{short(alarm.name)}</strong>{" "}
                <time class="fine" dateTime={alarm.since}>
                  {`since ${time(alarm.since)}`}
                </time>
              </p>
              <p class="fine description">{alarm.description}</p>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Fact({ term, isBad, children }: { term: string; isBad: boolean; children: string }) {
  return (
    <div class={isBad ? "bad" : ""}>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function depth({ messages, oldestSeconds }: QueueState): string {
  return oldestSeconds ? `${messages}, oldest ${age(oldestSeconds)}` : String(messages);
}

function Causes(props: { api: Api; deadLetters: DeadLetters[]; onReplayed: (message: string) => void }) {
  const { api, deadLetters, onReplayed } = props;
  if (!deadLetters.some((queue) => queue.causes.length)) return null;
  return (
    <>
      <h3>Dead letters by cause</h3>
      <ul class="problems">
        {deadLetters.flatMap((queue) =>
          queue.causes.map((cause) => (
            <CauseItem key={`${queue.queue} ${cause.cause}`} {...{ api, queue, cause, onReplayed }} />
          )),
        )}
      </ul>
    </>
  );
}

interface ItemProps {
  api: Api;
  queue: DeadLetters;
  cause: Cause;
  onReplayed: (message: string) => void;
}

function CauseItem({ api, queue, cause, onReplayed }: ItemProps) {
  const plan = async () => {
    const { matching = 0, complete } = await api.replay(queue.queue, cause.cause, true);
    if (!matching) throw new Error("There is nothing to replay any more.");
    const messages = `${complete ? "" : "at least "}${counted(matching, "message", "messages")}`;
    return { question: `Send ${messages} back to be processed again?`, yes: "Replay" };
  };
  const replay = async () => {
    const { moved, left, complete } = await api.replay(queue.queue, cause.cause, false);
    const rest = complete ? "" : " There was no time for more: replay again.";
    onReplayed(`${counted(moved, "message was", "messages were")} replayed, ${left} left in the queue.${rest}`);
    return "";
  };
  return (
    <li>
      <p class="problem-head">
        <code>{cause.cause}</code>
        <strong>{`${cause.count}${queue.complete ? "" : " or more"}`}</strong>
        <span class="fine">{`${queue.queue}: ${queue.kind}`}</span>
      </p>
      <p>{cause.reason}</p>
      <p class="fine">{cause.hint}</p>
      <p class="fine">
        {`${time(cause.firstSeen)} to ${time(cause.lastSeen)}`}
        {cause.fileKeys.length > 0 && `, for example ${cause.fileKeys.join(", ")}`}
      </p>
      <AskFirst label="Replay" no="Leave them" plan={plan} onYes={replay} />
    </li>
  );
}
