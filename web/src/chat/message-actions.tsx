/** What can be done with a message, in a bar over it while it is pointed at or has the focus. */
import { type KeyboardEvent, useState } from "react";
import { Icon, type IconName } from "~/ui/icon";
import { EmojiPicker } from "./emoji-picker";
import { emojiName, QUICK } from "./emoji";

export interface Actions {
  /** Each is absent where it may not be done. */
  react?: (emoji: string) => void;
  reply?: () => void;
  edit?: () => void;
  remove?: () => void;
  copyLink: () => void;
}

interface Props {
  actions: Actions;
  /** There is a line with name and time above the text, which may be covered; the text never is. */
  hasHead: boolean;
  /** The bar stays while its picker is open. */
  onPicker: (isOpen: boolean) => void;
}

export function MessageActions({ actions, hasHead, onPicker }: Props) {
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const { react } = actions;
  const close = () => {
    setAnchor(null);
    onPicker(false);
  };
  return (
    <div
      role="toolbar"
      aria-label="Message actions"
      tabIndex={-1}
      onKeyDown={walk}
      className={`bg-raised border-line shadow-raised absolute right-3 z-10 flex rounded-lg border p-0.5 ${hasHead ? "-top-3.5" : "bottom-full -mb-1"}`}
    >
      {react &&
        QUICK.map((emoji, at) => (
          <button
            key={emoji}
            type="button"
            aria-label={`React with ${emojiName(emoji)}`}
            title={`React with ${emojiName(emoji)}`}
            onClick={() => react(emoji)}
            className={`hover:bg-hover size-7 place-items-center rounded-md text-sm leading-none ${at === 0 ? "grid" : "hidden min-[24rem]:grid"}`}
          >
            {emoji}
          </button>
        ))}
      {react && (
        <Action
          icon="react"
          label="React…"
          hasPopup
          onClick={(button) => {
            setAnchor(button);
            onPicker(true);
          }}
        />
      )}
      {actions.reply && <Action icon="reply" label="Reply in a thread" onClick={actions.reply} />}
      {actions.edit && <Action icon="edit" label="Edit" onClick={actions.edit} />}
      <Action icon="link" label="Copy link" onClick={actions.copyLink} />
      {actions.remove && <Action icon="trash" label="Delete…" isDangerous onClick={actions.remove} />}
      {anchor && react && (
        <EmojiPicker
          anchor={anchor}
          onClose={close}
          onChoose={(emoji) => {
            close();
            react(emoji);
          }}
        />
      )}
    </div>
  );
}

interface ActionProps {
  icon: IconName;
  label: string;
  isDangerous?: boolean;
  hasPopup?: boolean;
  onClick: (button: HTMLElement) => void;
}

function Action({ icon, label, isDangerous = false, hasPopup = false, onClick }: ActionProps) {
  return (
    <button
      type="button"
      aria-label={label}
      aria-haspopup={hasPopup ? "dialog" : undefined}
      data-action={icon}
      title={label}
      onClick={(event) => onClick(event.currentTarget)}
      className={`text-ink-soft hover:bg-hover grid size-7 place-items-center rounded-md ${isDangerous ? "hover:text-bad" : "hover:text-ink"}`}
    >
      <Icon name={icon} size={15} />
    </button>
  );
}

/** Left and right walk the bar, as in any toolbar. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
  const buttons = [...event.currentTarget.querySelectorAll<HTMLElement>("button")];
  const at = buttons.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  event.preventDefault();
  event.stopPropagation();
  buttons[(at + (event.key === "ArrowRight" ? 1 : buttons.length - 1)) % buttons.length]?.focus();
}
