/** Where a message is written: Enter sends, Shift+Enter breaks the line, @ completes a name, the draft is kept. */
import { type KeyboardEvent, type Ref, useEffect, useId, useImperativeHandle, useRef, useState } from "react";
import { remember, remembered } from "~/lib/storage";
import { useClient, useClientState, useSession } from "~/session/context";
import type { Member } from "~/session/state";
import { Avatar } from "~/ui/avatar";
import { IconButton } from "~/ui/controls";
import { Icon } from "~/ui/icon";
import { type ChatItem, oneLine } from "./items";
import { completed, mentionedIn, mentionQuery } from "./mentions";

export interface ComposerHandle {
  focus(): void;
}

interface Props {
  sessionId: string;
  /** The message that is being answered. */
  replyTo?: ChatItem | null;
  /** Nothing is answered any more: it was sent, or somebody thought better of it. */
  onReplyEnd?: () => void;
  ref: Ref<ComposerHandle>;
}

export function Composer(props: Props) {
  const role = useSession((state) => state.role);
  const status = useSession((state) => state.session?.status ?? null);
  const host = useSession((state) => state.session?.host.username ?? "the host");
  if (status === "ended") {
    return <WhyNot>This session has ended. Its chat can be read, not continued.</WhyNot>;
  }
  if (role === "viewer") {
    return <WhyNot>You are a viewer here: you see everything and write nothing. Ask {host} to make you an editor.</WhyNot>;
  }
  return <Editor {...props} isReady={role !== null} />;
}

function WhyNot({ children }: { children: React.ReactNode }) {
  return (
    <p className="border-line bg-sunken text-ink-soft flex items-start gap-2 border-t px-4 py-3 text-xs" role="note">
      <Icon name="eye" size={14} className="mt-0.5" />
      <span>{children}</span>
    </p>
  );
}

function Editor({ sessionId, isReady, replyTo = null, onReplyEnd, ref }: Props & { isReady: boolean }) {
  const client = useClient();
  const draftName = `cosession.draft.${sessionId}`;
  const [text, setText] = useState(() => remembered(draftName) ?? "");
  const [caret, setCaret] = useState(0);
  const [choice, setChoice] = useState(0);
  const [isDismissed, setDismissed] = useState(false);
  const [isKeptByDefault, keepByDefault] = useState(false);
  const [isReplyKept, keepReply] = useState<boolean | null>(null);
  const isKept = isReplyKept ?? isKeptByDefault;
  const isMirrored = useSession((state) => state.session?.is_mirrored ?? false);
  const members = useSession((state) => state.members);
  const myId = useSession((state) => state.you?.user_id ?? null);
  const longest = useSession((state) => state.limits?.message_characters ?? 12_000);
  const isOffline = useClientState((state) => state.line.phase === "waiting");
  const field = useRef<HTMLTextAreaElement>(null);
  const listId = useId();
  useImperativeHandle(ref, () => ({ focus: () => field.current?.focus() }), []);

  // What answers something that stays here, stays here unless its author decides otherwise; the next message may not.
  useEffect(() => {
    keepReply(replyTo?.sessionOnly ? true : null);
    if (replyTo) field.current?.focus();
  }, [replyTo]);
  useEffect(() => remember(draftName, text || null), [draftName, text]);

  const query = isDismissed ? null : mentionQuery(text, caret);
  const found = query === null ? [] : matching(members, query.text, myId);
  const isTooLong = text.length > longest;
  const canSend = text.trim() !== "" && !isTooLong && isReady;

  const change = (value: string, at: number) => {
    setText(value);
    setCaret(at);
    setChoice(0);
    setDismissed(false);
    client.typing(value.trim() !== "");
  };
  const send = () => {
    if (!canSend) return;
    client.say({
      content: text.trim(),
      mentions: mentionedIn(text, [...members.values()]),
      parentId: replyTo?.key ?? null,
      sessionOnly: isMirrored && isKept,
    });
    setText("");
    onReplyEnd?.();
    client.typing(false);
  };
  const complete = (member: Member) => {
    if (query === null) return;
    const next = completed(text, query, member.username);
    change(next.text, next.caret);
    requestAnimationFrame(() => field.current?.setSelectionRange(next.caret, next.caret));
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    // Enter that picks a word of an input method does not send.
    if (event.nativeEvent.isComposing) return;
    const chosen = found[choice];
    if (chosen && (event.key === "Enter" || event.key === "Tab")) {
      event.preventDefault();
      complete(chosen);
    } else if (chosen && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      setChoice((choice + (event.key === "ArrowDown" ? 1 : found.length - 1)) % found.length);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape") {
      if (found.length > 0) setDismissed(true);
      else if (replyTo) onReplyEnd?.();
      else event.currentTarget.blur();
    }
  };

  return (
    <div className="border-line bg-surface relative border-t p-2.5">
      {found.length > 0 && (
        <ul
          id={listId}
          role="listbox"
          aria-label="People to mention"
          className="bg-raised border-line shadow-raised absolute inset-x-2.5 bottom-full mb-1 overflow-hidden rounded-lg border py-1"
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
      {replyTo && (
        <div className="mb-1.5 flex items-center gap-2">
          <p className="border-accent min-w-0 flex-1 border-l-2 pl-2 text-xs">
            <span className="text-ink-faint block text-2xs">
              Replying to <strong className="text-ink-soft font-semibold">{replyTo.isMine ? "yourself" : replyTo.username}</strong>
            </span>
            <span className="text-ink-soft block truncate">{oneLine(replyTo.content)}</span>
          </p>
          <IconButton icon="close" label="Cancel reply" onClick={onReplyEnd} className="size-7" />
        </div>
      )}
      <div className="border-line-strong bg-surface has-[textarea:focus-visible]:outline-focus flex items-end gap-1 rounded-lg border has-[textarea:focus-visible]:-outline-offset-1 has-[textarea:focus-visible]:outline-2">
        <textarea
          ref={field}
          rows={1}
          value={text}
          aria-label="Message"
          aria-describedby={`${listId}-hint`}
          aria-controls={found.length > 0 ? listId : undefined}
          aria-activedescendant={found.length > 0 ? `${listId}-${choice}` : undefined}
          aria-invalid={isTooLong || undefined}
          placeholder={isOffline ? "Write; it is sent when you are back" : replyTo ? "Write a reply" : "Message the session"}
          onChange={(event) => change(event.target.value, event.target.selectionStart)}
          onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
          onBlur={() => client.typing(false)}
          onKeyDown={onKeyDown}
          className="placeholder:text-ink-faint max-h-40 min-h-9 flex-1 resize-none bg-transparent px-3 py-[7px] text-base leading-5 outline-none [field-sizing:content] sm:text-sm sm:leading-5"
        />
        <button
          type="button"
          aria-label="Send"
          title="Send (Enter)"
          disabled={!canSend}
          onClick={send}
          className="bg-accent text-accent-ink hover:bg-accent-strong disabled:bg-sunken disabled:text-ink-faint m-1 grid size-7 place-items-center rounded-md transition-colors"
        >
          <Icon name="send" size={14} />
        </button>
      </div>
      {isMirrored && (
        <label
          className={`mt-1.5 flex w-fit cursor-pointer items-center gap-1.5 rounded px-1 text-xs ${isKept ? "text-warn font-medium" : "text-ink-soft"}`}
          title="Otherwise it is also posted in the Slack thread."
        >
          <input
            type="checkbox"
            checked={isKept}
            onChange={(event) => (isReplyKept === null ? keepByDefault : keepReply)(event.target.checked)}
            className="accent-accent size-3.5"
          />
          This stays in the session
          {isKept && <Icon name="lock" size={12} />}
        </label>
      )}
      <p id={`${listId}-hint`} className={isTooLong ? "text-bad mt-1 px-1 text-2xs" : "sr-only"}>
        {isTooLong
          ? `${(text.length - longest).toLocaleString("en")} characters too many. Split it into several messages.`
          : "Enter sends, Shift and Enter begins a new line."}
      </p>
    </div>
  );
}

function matching(members: ReadonlyMap<string, Member>, text: string, myId: string | null): Member[] {
  const wanted = text.toLocaleLowerCase();
  return [...members.values()]
    .filter((member) => member.user_id !== myId && member.username.toLocaleLowerCase().includes(wanted))
    .slice(0, 6);
}
