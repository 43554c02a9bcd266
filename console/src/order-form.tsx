import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type Asset, type OrderedRendition, type OrderLimits, ProblemError } from "./api";
import { OrderItem } from "./order-list";
import type { Orders } from "./orders";

const OWN_SIZE = "";

/** A rendition as the form has it: an empty preset stands for a size of its own. */
interface Draft {
  preset: string;
  width: string;
  height: string;
  fit: string;
  format: string;
  watermark: boolean;
}

/** Orders further renditions of a picture, and shows what has become of its orders. */
export function OrderSection({ asset, orders }: { asset: Asset; orders: Orders }) {
  const placed = orders.of(asset.fileKey);
  return (
    <section aria-labelledby="order-renditions">
      <h3 id="order-renditions">Order renditions</h3>
      <OrderForm asset={asset} orders={orders} />
      {placed.length > 0 && (
        <ul class="problems placed">
          {placed.map((order) => (
            <li key={order.orderId}>
              <OrderItem order={order} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function OrderForm({ asset, orders }: { asset: Asset; orders: Orders }) {
  const { limits } = orders;
  const first = { preset: limits.presets[0]?.name ?? OWN_SIZE, width: "", height: "", fit: "inside", watermark: false };
  const fresh: Draft = { ...first, format: limits.formats.includes("webp") ? "webp" : (limits.formats[0] ?? "") };
  const [drafts, setDrafts] = useState([fresh]);
  const [reference, setReference] = useState("");
  const [isSending, setSending] = useState(false);
  const [outcome, setOutcome] = useState("");

  const change = (index: number, changes: Partial<Draft>) =>
    setDrafts(drafts.map((each, place) => (place === index ? { ...each, ...changes } : each)));
  const send = async () => {
    setSending(true);
    setOutcome("");
    const renditions = drafts.map(ordered);
    try {
      const order = await orders.place({ fileKey: asset.fileKey, renditions, ...(reference ? { reference } : {}) });
      if (order.status !== "REJECTED") setDrafts([fresh]);
      setOutcome(order.status === "REJECTED" ? "The order was rejected, see below." : "The order was placed.");
    } catch (refused) {
      setOutcome(
        refused instanceof ProblemError ? `${refused.message} ${refused.hint}` : (refused as Error).message,
      );
    }
    setSending(false);
  };
  return (
    <form
      class="order-form"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {drafts.map((draft, index) => (
        <DraftFields
          key={index}
          label={drafts.length > 1 ? `Rendition ${index + 1}` : "Rendition"}
          draft={draft}
          limits={limits}
          largest={asset.measures}
          onChange={(changes) => change(index, changes)}
          onRemove={drafts.length > 1 ? () => setDrafts(drafts.filter((_, place) => place !== index)) : null}
        />
      ))}
      {drafts.length < limits.maxRenditions && (
        <button type="button" class="link" onClick={() => setDrafts([...drafts, fresh])}>
          Add a rendition
        </button>
      )}
      <label class="wide">
        Reference (optional)
        <input
          value={reference}
          maxLength={limits.maxReferenceCharacters}
          onInput={(event) => setReference(event.currentTarget.value)}
        />
      </label>
      <p class="send">
        <button type="submit" class="primary" disabled={isSending}>
          Order
        </button>
        <span class="fine" role="status">
          {outcome}
        </span>
      </p>
    </form>
  );
}

interface FieldsProps {
  label: string;
  draft: Draft;
  limits: OrderLimits;
  largest: Record<string, unknown>;
  onChange: (changes: Partial<Draft>) => void;
  onRemove: (() => void) | null;
}

function DraftFields({ label, draft, limits, largest, onChange, onRemove }: FieldsProps) {
  return (
    <fieldset>
      <legend class="visually-hidden">{label}</legend>
      <Choice label="Size" value={draft.preset} onChange={(preset) => onChange({ preset })}>
        {limits.presets.map((preset) => (
          <option key={preset.name} value={preset.name}>
            {preset.name}
          </option>
        ))}
        <option value={OWN_SIZE}>another size</option>
      </Choice>
      <Choice label="Format" value={draft.format} onChange={(format) => onChange({ format })}>
        {limits.formats.map((format) => (
          <option key={format}>{format}</option>
        ))}
      </Choice>
      {draft.preset === OWN_SIZE && (
        <>
          <Side
            label="Width"
            value={draft.width}
            limits={limits}
            largest={largest.width}
            onInput={(width) => onChange({ width })}
          />
          <Choice label="Fit" value={draft.fit} onChange={(fit) => onChange({ fit })}>
            <option value="inside">whole image</option>
            <option value="cover">fill and crop</option>
          </Choice>
          {draft.fit === "cover" && (
            <Side
              label="Height"
              value={draft.height}
              limits={limits}
              largest={largest.height}
              onInput={(height) => onChange({ height })}
            />
          )}
        </>
      )}
      {limits.watermark && (
        <label class="check">
          <input
            type="checkbox"
            checked={draft.watermark}
            onChange={(event) => onChange({ watermark: event.currentTarget.checked })}
          />
          with watermark
        </label>
      )}
      {onRemove && (
        <button type="button" class="link" onClick={onRemove}>
          Remove
          <span class="visually-hidden">: {label}</span>
        </button>
      )}
    </fieldset>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  children: ComponentChildren;
}

function Choice({ label, value, onChange, children }: ChoiceProps) {
  return (
    <label>
      {label}
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {children}
      </select>
    </label>
  );
}

interface SideProps {
  label: string;
  value: string;
  limits: OrderLimits;
  largest: unknown;
  onInput: (value: string) => void;
}

/** A width or height, no larger than the original's. */
function Side({ label, value, limits, largest, onInput }: SideProps) {
  return (
    <label>
      {label}
      <input
        type="number"
        required
        min={limits.minSide}
        max={Math.min(limits.maxSide, Number(largest) || limits.maxSide)}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </label>
  );
}

function ordered({ preset, width, height, fit, format, watermark }: Draft): OrderedRendition {
  const sides = { width: Number(width), fit, ...(fit === "cover" ? { height: Number(height) } : {}) };
  return { ...(preset === OWN_SIZE ? sides : { preset }), format, ...(watermark ? { watermark } : {}) };
}
