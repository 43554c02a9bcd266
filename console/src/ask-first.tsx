import { useState } from "preact/hooks";

/** What a button is about to do, and the words of the one that does it. */
export interface Plan {
  question: string;
  yes: string;
}

interface Props {
  label: string;
  no: string;
  isDangerous?: boolean;
  /** What would be done; found out, where it takes a request. */
  plan: () => Promise<Plan>;
  /** Performs the action. Returns the message to show afterwards. */
  onYes: () => Promise<string>;
}

/** A button that asks for confirmation before it acts. The focus moves to the question. */
export function AskFirst({ label, no, isDangerous = false, plan, onYes }: Props) {
  const [asked, setAsked] = useState<Plan | null>(null);
  const [wasAsked, setWasAsked] = useState(false);
  const [outcome, setOutcome] = useState("");
  const attempt = async (action: () => Promise<string>) => {
    setOutcome(await action().catch((refused: Error) => refused.message));
  };
  const ask = () =>
    attempt(async () => {
      setAsked(await plan());
      setWasAsked(true);
      return "";
    });
  const answer = (isYes: boolean) => {
    setAsked(null);
    if (isYes) void attempt(onYes);
  };
  return (
    <div class="ask">
      {asked ? (
        <div role="group" aria-label={asked.question} class="question">
          <span>{asked.question}</span>
          <button type="button" ref={focused} onClick={() => answer(false)}>
            {no}
          </button>
          <button type="button" class={isDangerous ? "danger" : "primary"} onClick={() => answer(true)}>
            {asked.yes}
          </button>
        </div>
      ) : (
        <button
          type="button"
          class={isDangerous ? "danger quiet" : ""}
          ref={wasAsked ? focused : null}
          onClick={() => void ask()}
        >
          {label}
        </button>
      )}
      <span class="fine" role="status">
        {outcome}
      </span>
    </div>
  );
}

function focused(button: HTMLButtonElement | null): void {
  button?.focus();
}
