/** Where a comment is written: Ctrl or ⌘ with Enter sends, @ completes a name, Escape leaves. The draft is kept. */
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { completed, mentionedIn, mentionQuery } from "~/chat/mentions";
import { useSession } from "~/session/context";
import type { Member } from "~/session/state";
import { Avatar } from "~/ui/avatar";
import { Button } from "~/ui/controls";
import { useDraft } from "./data";

export interface Written {
  content: string;
  mentions: string[];
}

interface Props {
  /** Names the draft. */
  draftKey: string;
  label: string;
  action: string;
  initial?: string;
  onSend: (said: Written) => void;
  onCancel: () => void;
}

export function CommentBox({ draftKey, label, action, initial = "", onSend, onCancel }: Props) {
  const [draft, setDraft] = useDraft(draftKey);
  const [isTouched, setTouched] = useState(draft !== "");
  const text = isTouched ? draft : initial;
  const [caret, setCaret] = useState(0);
  const [choice, setChoice] = useState(0);
  const [isDismissed, setDismissed] = useState(false);
  const members = useSession((state) => state.members);
  const longest = useSession((state) => state.limits?.message_characters ?? 12_000);
  const field = useRef<HTMLTextAreaElement>(null);
  const listId = useId();
  useEffect(() => {
    // A card's place on the page is drawn by the editor, a moment later.
    const frame = requestAnimationFrame(() => field.current?.focus({ preventScroll: false }));
    return () => cancelAnimationFrame(frame);
  }, []);

  const query = isDismissed ? null : mentionQuery(text, caret);
  const found = query === null ? [] : matching(members, query.text);
  const isTooLong = text.length > longest;
  const canSend = text.trim() !== "" && !isTooLong;

  const change = (value: string, at: number) => {
    setTouched(true);
    setDraft(value);
    setCaret(at);
    setChoice(0);
    setDismissed(false);
  };
  const send = () => {
    if (!canSend) return;
    onSend({ content: text.trim(), mentions: mentionedIn(text, [...members.values()]) });
    setDraft("");
  };
  const cancel = () => {
    setDraft("");
    onCancel();
  };
  const complete = (member: Member) => {
    if (query === null) return;
    const next = completed(text, query, member.username);
    change(next.text, next.caret);
    requestAnimationFrame(() => field.current?.setSelectionRange(next.caret, next.caret));
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    const chosen = found[choice];
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      send();
    } else if (chosen && (event.key === "Enter" || event.key === "Tab")) {
      event.preventDefault();
      complete(chosen);
    } else if (chosen && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      setChoice((choice + (event.key === "ArrowDown" ? 1 : found.length - 1)) % found.length);
    } else if (event.key === "Escape") {
      event.stopPropagation();
      if (found.length > 0) setDismissed(true);
      // What was written stays until somebody says that it may go.
      else if (text.trim() === initial.trim()) cancel();
    }
  };

  return (
    <div className="space-y-2">
      <div className="relative">
        <textarea
          ref={field}
          rows={2}
          value={text}
          aria-label={label}
          aria-controls={found.length > 0 ? listId : undefined}
          aria-activedescendant={found.length > 0 ? `${listId}-${choice}` : undefined}
          aria-invalid={isTooLong || undefined}
          placeholder={label}
          onChange={(event) => change(event.target.value, event.target.selectionStart)}
          onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
          onKeyDown={onKeyDown}
          className="border-line-strong bg-surface placeholder:text-ink-faint block max-h-60 min-h-15 w-full resize-none rounded-lg border px-3 py-2 text-base leading-5 [field-sizing:content] focus-visible:-outline-offset-1 sm:text-sm sm:leading-5"
        />
        {found.length > 0 && (
          <ul
            id={listId}
            role="listbox"
            aria-label="People to mention"
            className="bg-raised border-line shadow-raised absolute inset-x-0 top-full z-20 mt-1 overflow-hidden rounded-lg border py-1"
          >
            {found.map((member, at) => (
              // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the text field holds the focus and its keys
              <li
                key={member.user_id}
                id={`${listId}-${at}`}
                role="option"
                aria-selected={at === choice}
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => complete(member)}
                className={`flex cursor-pointer items-center gap-2 px-3 py-1.5 text-sm ${at === choice ? "bg-selected" : ""}`}
              >
                <Avatar name={member.username} color={member.color} size={20} />
                {member.username}
                <span className="text-ink-faint text-2xs">{member.role}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
      <div className="flex items-center gap-2">
        <Button look="primary" size="sm" disabled={!canSend} onClick={send} title="Ctrl+Enter or ⌘+Enter">
          {action}
        </Button>
        <Button look="ghost" size="sm" onClick={cancel}>
          Cancel
        </Button>
        {isTooLong && (
          <span role="alert" className="text-bad text-2xs">
            {(text.length - longest).toLocaleString("en")} characters too many.
          </span>
        )}
      </div>
    </div>
  );
}

function matching(members: ReadonlyMap<string, Member>, text: string): Member[] {
  const wanted = text.toLocaleLowerCase();
  return [...members.values()].filter((member) => member.username.toLocaleLowerCase().includes(wanted)).slice(0, 6);
}
