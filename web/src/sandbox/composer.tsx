/** Where a person types: a message with files or a slash command, with hints for commands and names. */
import { useContext, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { Waiting } from "./files";
import { NamesContext } from "./text";

type Suggestion = { insert: string; title: string; hint: string };

export function Composer(props: {
  label: string;
  commands: Record<string, string>;
  allowsCommands: boolean;
  isDisabled?: boolean;
  onSend: (text: string, files: File[]) => Promise<boolean>;
}) {
  const { people } = useContext(NamesContext);
  const [text, setText] = useState("");
  const [files, setFiles] = useState<File[]>([]);
  const chooser = useRef<HTMLInputElement>(null);
  const [isSending, setSending] = useState(false);
  const [chosen, setChosen] = useState(0);

  const suggestions = useMemo<Suggestion[]>(() => {
    if (props.allowsCommands && /^\/\S*$/.test(text)) {
      return Object.entries(props.commands)
        .filter(([name]) => name.startsWith(text) && name !== text)
        .map(([name, hint]) => ({ insert: `${name} `, title: name, hint }));
    }
    const at = /(?:^|\s)@([a-z0-9._-]*)$/i.exec(text);
    if (!at) return [];
    const start = text.length - (at[1]?.length ?? 0);
    return [...people.values()]
      .filter((person) => person.name.startsWith((at[1] ?? "").toLowerCase()) && person.name !== at[1])
      .map((person) => ({ insert: `${text.slice(0, start)}${person.name} `, title: `@${person.name}`, hint: person.real_name }));
  }, [text, people, props.commands, props.allowsCommands]);

  const command = props.allowsCommands ? text.split(/\s/, 1)[0] : undefined;
  const hint = command && suggestions.length === 0 ? props.commands[command] : undefined;
  const isEmpty = !text.trim() && files.length === 0;
  const isRefused = !props.allowsCommands && /^\/\w/.test(text);

  const send = async () => {
    if (isEmpty || isSending || isRefused) return;
    setSending(true);
    if (await props.onSend(text, files)) {
      setText("");
      setFiles([]);
    }
    setSending(false);
  };

  const add = (list: FileList) => {
    // The list empties itself with the field that it came from.
    const more = [...list];
    setFiles((before) => [...before, ...more]);
  };

  const take = (suggestion: Suggestion | undefined) => {
    if (!suggestion) return;
    setText(suggestion.insert);
    setChosen(0);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const count = suggestions.length;
    if (count && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      setChosen((before) => (before + (event.key === "ArrowDown" ? 1 : count - 1)) % count);
    } else if (count && event.key === "Tab") {
      event.preventDefault();
      take(suggestions[chosen % count]);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      if (count && text.startsWith("/")) take(suggestions[chosen % count]);
      else void send();
    }
  };

  return (
    <form
      className="sb-composer" onSubmit={(event) => { event.preventDefault(); void send(); }}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => { event.preventDefault(); if (!props.isDisabled) add(event.dataTransfer.files); }}
    >
      {suggestions.length > 0 && (
        <ul className="sb-suggestions" aria-label="Suggestions">
          {suggestions.map((one, index) => (
            <li key={one.title}>
              <button type="button" tabIndex={-1} className={index === chosen % suggestions.length ? "is-chosen" : ""} onClick={() => take(one)}>
                <strong>{one.title}</strong> <span>{one.hint}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {hint && <p className="sb-hint"><code>{command}</code> {hint}</p>}
      {isRefused && <p className="sb-hint">Slash commands do not work in threads. Type this one in the channel.</p>}
      <Waiting files={files} onRemove={(index) => setFiles((before) => before.filter((_, at) => at !== index))} />
      <div className="sb-composer-row">
        <input
          ref={chooser} type="file" multiple hidden aria-label="Choose files"
          onChange={(event) => { if (event.target.files) add(event.target.files); event.target.value = ""; }}
        />
        <button type="button" className="sb-attach" aria-label="Attach files" title="Attach files" disabled={props.isDisabled} onClick={() => chooser.current?.click()}>
          📎
        </button>
        <textarea
          className="sb-composer-input" aria-label={props.label} placeholder={props.label} disabled={props.isDisabled}
          rows={Math.min(8, text.split("\n").length)} value={text}
          onChange={(event) => { setText(event.target.value); setChosen(0); }}
          onKeyDown={onKeyDown}
          onPaste={(event) => { if (event.clipboardData.files.length) { event.preventDefault(); add(event.clipboardData.files); } }}
        />
        <button type="submit" className="sb-send" disabled={isEmpty || isSending || isRefused || props.isDisabled}>
          {isSending ? "Sending…" : "Send"}
        </button>
      </div>
    </form>
  );
}
