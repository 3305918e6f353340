/** A text field in which @ completes the names of people, and @here calls everyone who is here now. */
import { type KeyboardEvent, type ReactNode, type Ref, useId, useImperativeHandle, useLayoutEffect, useRef, useState } from "react";
import { useSession } from "~/session/context";
import type { Member } from "~/session/state";
import { Avatar } from "~/ui/avatar";
import { Icon } from "~/ui/icon";
import { completed, mentionQuery } from "./mentions";

type Candidate = { key: string; name: string; member: Member | null };

interface Props {
  value: string;
  onChange: (value: string) => void;
  /** Keys that no completion takes. */
  onKeyDown: (event: KeyboardEvent<HTMLTextAreaElement>) => void;
  onBlur?: () => void;
  label: string;
  describedBy?: string;
  placeholder?: string;
  isInvalid?: boolean;
  className?: string;
  /** What stands within the frame, behind the text. */
  children?: ReactNode;
  ref?: Ref<HTMLTextAreaElement>;
}

export function MentionField({ value, onChange, onKeyDown, children, ref, ...rest }: Props) {
  const members = useSession((state) => state.members);
  const myId = useSession((state) => state.you?.user_id ?? null);
  const [caret, setCaret] = useState(0);
  const [choice, setChoice] = useState(0);
  const [isDismissed, setDismissed] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const listId = useId();
  useImperativeHandle(ref, () => field.current as HTMLTextAreaElement, []);

  const query = isDismissed ? null : mentionQuery(value, caret);
  const found = query === null ? [] : matching(members, query.text, myId);
  const isOpen = found.length > 0;

  // Before the next key: whoever types on types behind the name.
  const completedAt = useRef<number | null>(null);
  useLayoutEffect(() => {
    if (completedAt.current === null) return;
    field.current?.setSelectionRange(completedAt.current, completedAt.current);
    completedAt.current = null;
  });

  const change = (next: string, at: number) => {
    setCaret(at);
    setChoice(0);
    setDismissed(false);
    onChange(next);
  };
  const complete = (candidate: Candidate) => {
    if (query === null) return;
    const next = completed(value, query, candidate.name);
    change(next.text, next.caret);
    completedAt.current = next.caret;
  };
  const keyed = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    // Enter that picks a word of an input method does not send.
    if (event.nativeEvent.isComposing) return;
    const chosen = found[choice];
    if (chosen && (event.key === "Enter" || event.key === "Tab")) {
      event.preventDefault();
      complete(chosen);
    } else if (chosen && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      setChoice((choice + (event.key === "ArrowDown" ? 1 : found.length - 1)) % found.length);
    } else if (chosen && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      setDismissed(true);
    } else onKeyDown(event);
  };

  return (
    <div className="relative">
      {isOpen && (
        <ul
          id={listId}
          role="listbox"
          aria-label="People to mention"
          className="bg-raised border-line shadow-raised absolute inset-x-0 bottom-full z-20 mb-1 overflow-hidden rounded-lg border py-1"
        >
          {found.map((candidate, at) => (
            // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the text field holds the focus and its keys
            <li
              key={candidate.key}
              id={`${listId}-${at}`}
              role="option"
              aria-selected={at === choice}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => complete(candidate)}
              className={`flex cursor-pointer items-center gap-2 px-3 py-1.5 text-sm ${at === choice ? "bg-selected" : ""}`}
            >
              <Face member={candidate.member} />
              <span className="truncate">{candidate.member ? candidate.name : "@here"}</span>
              <span className="text-ink-faint truncate text-2xs">
                {candidate.member ? candidate.member.role : "everyone who is here now"}
              </span>
            </li>
          ))}
        </ul>
      )}
      <div className="border-line-strong bg-surface has-[textarea:focus-visible]:outline-focus flex items-end gap-1 rounded-lg border has-[textarea:focus-visible]:-outline-offset-1 has-[textarea:focus-visible]:outline-2">
        <textarea
          ref={field}
          rows={1}
          value={value}
          aria-label={rest.label}
          aria-describedby={rest.describedBy}
          aria-controls={isOpen ? listId : undefined}
          aria-activedescendant={isOpen ? `${listId}-${choice}` : undefined}
          aria-invalid={rest.isInvalid || undefined}
          placeholder={rest.placeholder}
          onChange={(event) => change(event.target.value, event.target.selectionStart)}
          onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
          onBlur={rest.onBlur}
          onKeyDown={keyed}
          className={`placeholder:text-ink-faint max-h-40 min-h-9 min-w-0 flex-1 resize-none bg-transparent px-3 py-[7px] text-base leading-5 outline-none [field-sizing:content] sm:text-sm sm:leading-5 ${rest.className ?? ""}`}
        />
        {children}
      </div>
    </div>
  );
}

function Face({ member }: { member: Member | null }) {
  if (member) return <Avatar name={member.username} color={member.color} size={20} />;
  return (
    <span className="bg-accent-soft text-accent grid size-5 shrink-0 place-items-center rounded-full">
      <Icon name="users" size={12} />
    </span>
  );
}

function matching(members: ReadonlyMap<string, Member>, text: string, myId: string | null): Candidate[] {
  const wanted = text.toLocaleLowerCase();
  const people = [...members.values()]
    .filter((member) => member.user_id !== myId && member.username.toLocaleLowerCase().includes(wanted))
    .slice(0, 6)
    .map((member): Candidate => ({ key: member.user_id, name: member.username, member }));
  return "here".startsWith(wanted) ? [...people, { key: "here", name: "here", member: null }] : people;
}
