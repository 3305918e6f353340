/** A view the app has opened: its blocks, its inputs, its errors. */
import { useEffect, useRef, useState, type FormEvent } from "react";
import { Blocks, optionsOf, type OnAction } from "./blocks";
import { Text } from "./text";
import type { Block, Channel, Element, Outcome, Person, View } from "./types";

type Values = Record<string, string | string[]>;

export function Modal(props: {
  view: View;
  people: Person[];
  channels: Channel[];
  /** The channel behind the form, which Slack proposes where the form asks it to. */
  current: Channel | undefined;
  onSubmit: (values: Values) => Promise<Outcome>;
  onClose: () => void;
  onAction: OnAction;
}) {
  const { view } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const proposed = props.current && props.current.kind !== "im" ? props.current.id : undefined;
  const [values, setValues] = useState<Values>(() => proposals(view, proposed));
  const [errors, setErrors] = useState<Record<string, string>>({});
  const [isBusy, setBusy] = useState(false);

  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const outcome = await props.onSubmit(values);
    setBusy(false);
    setErrors(outcome.error ? { "": `We had some trouble connecting (${outcome.error}). Try again?` } : outcome.errors);
  };

  return (
    <dialog
      ref={dialog} className="sb-modal" aria-labelledby="sb-modal-title"
      onCancel={(event) => { event.preventDefault(); props.onClose(); }}
    >
      <form onSubmit={(event) => void submit(event)}>
        <header>
          <h2 id="sb-modal-title"><Text value={view.title} /></h2>
          <button type="button" className="sb-text-button" aria-label="Close" onClick={props.onClose}>✕</button>
        </header>
        <div className="sb-modal-body">
          {errors[""] && <p className="sb-error" role="alert">{errors[""]}</p>}
          {view.blocks.map((block, index) =>
            block.type === "input" ? (
              <Field
                key={block.block_id ?? index} block={block} people={props.people} channels={props.channels}
                error={errors[block.block_id ?? ""]} proposed={proposed}
                onChange={(value) => setValues((before) => ({ ...before, [block.block_id ?? ""]: value }))}
              />
            ) : (
              <Blocks key={block.block_id ?? index} blocks={[block]} onAction={props.onAction} />
            ),
          )}
        </div>
        <footer>
          <button type="button" className="sb-button" onClick={props.onClose}>{view.close?.text ?? "Cancel"}</button>
          {view.submit && (
            <button type="submit" className="sb-button sb-button-primary" disabled={isBusy}>{view.submit.text}</button>
          )}
        </footer>
      </form>
    </dialog>
  );
}

/** What is chosen before anybody has chosen: the channel that somebody is in. */
function proposals(view: View, channel: string | undefined): Values {
  if (!channel) return {};
  const places = view.blocks.filter((block) => block.element?.default_to_current_conversation);
  return Object.fromEntries(places.map((block) => [block.block_id ?? "", channel]));
}

function Field(props: { block: Block; people: Person[]; channels: Channel[]; error: string | undefined; proposed: string | undefined; onChange: (value: string | string[]) => void }) {
  const { block } = props;
  const id = `sb-field-${block.block_id}`;
  return (
    <div className="sb-field">
      <label htmlFor={id}>
        <Text value={block.label} />
        {block.optional && <span className="sb-note"> (optional)</span>}
      </label>
      <Control {...props} id={id} />
      {block.hint && <p className="sb-note"><Text value={block.hint} /></p>}
      {props.error && <p className="sb-error" role="alert">{props.error}</p>}
    </div>
  );
}

function initialOf(element: Element, proposed: string | undefined): string {
  const conversation = element.default_to_current_conversation ? proposed : undefined;
  return element.initial_option?.value ?? element.initial_user ?? element.initial_conversation ?? conversation ?? "";
}

function Control(props: { id: string; block: Block; people: Person[]; channels: Channel[]; proposed: string | undefined; onChange: (value: string | string[]) => void }) {
  const element = props.block.element ?? { type: "plain_text_input" };
  const [picked, setPicked] = useState(() => element.initial_options?.map((option) => option.value) ?? element.initial_users ?? []);
  const common = { id: props.id, className: "sb-input" };
  const options = optionsOf(element).map((option) => ({ value: option.value, name: option.text.text, note: option.description?.text ?? "" }));
  if (element.type === "users_select" || element.type === "multi_users_select") {
    options.push(...props.people.filter((one) => !one.is_bot).map((one) => ({ value: one.id, name: one.real_name, note: "" })));
  }
  if (element.type === "conversations_select" || element.type === "channels_select") {
    options.push(...props.channels.filter((one) => one.kind !== "im").map((one) => ({ value: one.id, name: `#${one.name}`, note: "" })));
  }
  if (element.type === "checkboxes" || element.type.startsWith("multi_")) {
    const toggle = (value: string) => {
      const after = picked.includes(value) ? picked.filter((one) => one !== value) : [...picked, value];
      setPicked(after);
      props.onChange(after);
    };
    return (
      <div id={props.id} role="group" className="sb-checks">
        {options.map((option) => (
          <label key={option.value}>
            <input type="checkbox" checked={picked.includes(option.value)} onChange={() => toggle(option.value)} />{" "}
            <span>
              {option.name}
              {option.note && <span className="sb-note"> {option.note}</span>}
            </span>
          </label>
        ))}
      </div>
    );
  }
  if (options.length) {
    return (
      <select {...common} defaultValue={initialOf(element, props.proposed)} onChange={(event) => props.onChange(event.target.value)}>
        <option value="" disabled>{element.placeholder?.text ?? "Choose…"}</option>
        {options.map((option) => <option key={option.value} value={option.value}>{option.name}</option>)}
      </select>
    );
  }
  if (element.multiline) {
    return (
      <textarea
        {...common} rows={4} defaultValue={element.initial_value} placeholder={element.placeholder?.text}
        onChange={(event) => props.onChange(event.target.value)}
      />
    );
  }
  const kinds: Record<string, string> = {
    datepicker: "date", timepicker: "time", email_text_input: "email", url_text_input: "url", number_input: "number",
  };
  return (
    <input
      {...common} type={kinds[element.type] ?? "text"} defaultValue={element.initial_value}
      placeholder={element.placeholder?.text} onChange={(event) => props.onChange(event.target.value)}
    />
  );
}
