/** The emoji to choose from: typing finds them by name, arrows walk them, Enter takes one. */
import { type KeyboardEvent, useId, useState } from "react";
import { Popover } from "~/ui/popover";
import { emojiName, findEmoji } from "./emoji";

const COLUMNS = 8;

interface Props {
  anchor: HTMLElement;
  onChoose: (emoji: string) => void;
  onClose: () => void;
}

export function EmojiPicker({ anchor, onChoose, onClose }: Props) {
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const id = useId();
  const found = findEmoji(query);
  const chosen = found[at];

  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS }[event.key];
    if (event.key === "Enter" && chosen) {
      event.preventDefault();
      onChoose(chosen.char);
    } else if (step !== undefined && found.length > 0) {
      event.preventDefault();
      const next = Math.max(0, Math.min(found.length - 1, at + step));
      setAt(next);
      document.getElementById(`${id}-${next}`)?.scrollIntoView({ block: "nearest" });
    }
  };

  return (
    <Popover anchor={anchor} label="Choose a reaction" onClose={onClose} className="w-74 p-2">
      <input
        // The field keeps the focus: whoever knows the name types it, whoever does not takes the arrows.
        autoFocus
        role="combobox"
        aria-label="Find an emoji"
        aria-expanded
        aria-controls={id}
        aria-activedescendant={chosen ? `${id}-${at}` : undefined}
        value={query}
        placeholder="Find an emoji"
        onChange={(event) => {
          setQuery(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
        className="rounded-control border-line-strong bg-surface placeholder:text-ink-faint mb-2 h-8 w-full border px-2.5 -outline-offset-1 text-base sm:text-sm"
      />
      <div id={id} role="listbox" aria-label="Emoji" className="grid max-h-52 grid-cols-8 overflow-y-auto overscroll-contain">
        {found.map((emoji, index) => (
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the field holds the focus and its keys
          <div
            key={emoji.char}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            aria-label={emojiName(emoji.char)}
            title={emojiName(emoji.char)}
            onMouseDown={(event) => event.preventDefault()}
            onMouseMove={() => setAt(index)}
            onClick={() => onChoose(emoji.char)}
            className={`grid h-8 cursor-pointer place-items-center rounded-md text-lg leading-none select-none ${index === at ? "bg-selected" : ""}`}
          >
            {emoji.char}
          </div>
        ))}
      </div>
      <p className="text-ink-faint mt-1.5 h-4 truncate px-1 text-2xs" aria-live="off">
        {chosen ? emojiName(chosen.char) : "Nothing is called so."}
      </p>
    </Popover>
  );
}
