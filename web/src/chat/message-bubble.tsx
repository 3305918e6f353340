/** One message: who, from where, when, what came of it, and for mine how far it got. */
import { type KeyboardEvent, memo, useState } from "react";
import { MessageFiles } from "~/attachments/message-files";
import { FileRef } from "~/code/file-refs";
import { Markdown } from "~/code/markdown";
import { clock, dayName, moment } from "~/lib/format";
import { useClient, useSession } from "~/session/context";
import type { CodeRef } from "~/session/protocol";
import type { Outgoing } from "~/session/state";
import { Avatar } from "~/ui/avatar";
import { Icon } from "~/ui/icon";
import { EditBox } from "./edit-box";
import type { ChatItem } from "./items";
import { type Actions, MessageActions } from "./message-actions";
import { Reactions } from "./reactions";
import { Edited } from "./text-history";
import { ThreadLink } from "./thread-link";
import type { MessageDeeds } from "./deeds";

const sources: Partial<Record<ChatItem["source"], string>> = { slack: "Slack", api: "API", agent: "Agent" };

interface Props {
  item: ChatItem;
  now: number;
  deeds: MessageDeeds;
  /** Names that may be called, one a line. */
  names: string;
  isEditing?: boolean;
  isThreadOpen?: boolean;
  /** Somebody was just led here. */
  isTarget?: boolean;
}

export const MessageBubble = memo(function MessageBubble(props: Props) {
  const { item, now, deeds, isTarget = false } = props;
  const [isPointedAt, pointAt] = useState(false);
  const [hasFocus, setFocus] = useState(false);
  const [isPicking, setPicking] = useState(false);
  const { message, isMine } = item;
  const isStanding = message !== null && !message.is_deleted;
  const actions = isStanding ? deeds.for(item) : null;
  const isCalled = useSession(
    (state) => isStanding && !isMine && (message.mentions_here || message.mentions.includes(state.you?.user_id ?? "")),
  );
  const source = sources[item.source];
  return (
    <>
      {item.day && <Line words={dayName(item.day, now)} />}
      {item.isNews && <News />}
      <article
        data-message={item.key}
        tabIndex={-1}
        aria-label={`${isMine ? "You" : item.username}, ${clock(item.at)}${source ? `, from ${source}` : ""}${item.sessionOnly ? ", stays in the session" : ""}${isCalled ? ", mentions you" : ""}`}
        onMouseEnter={() => pointAt(true)}
        onMouseLeave={() => pointAt(false)}
        // A click is no reason to keep the bar over what the pointer has left.
        onFocus={(event) => setFocus(event.target.matches(":focus-visible"))}
        onBlur={(event) => !event.currentTarget.contains(event.relatedTarget) && setFocus(false)}
        onKeyDown={(event) => event.target === event.currentTarget && actions && press(event, actions, props)}
        className={`relative flex gap-2 px-3 outline-offset-[-2px] transition-colors duration-700 ${item.isFirst ? "pt-3 pb-px" : "py-px"} ${isMine ? "flex-row-reverse" : ""} ${isTarget ? "bg-selected" : ""} ${isCalled ? "shadow-[inset_3px_0_0_var(--warn-ink)]" : ""}`}
      >
        <Body {...props} actions={actions} isCalled={isCalled} />
        {actions && !props.isEditing && (isPointedAt || hasFocus || isPicking) && (
          <MessageActions actions={actions} hasHead={item.isFirst} onPicker={setPicking} />
        )}
      </article>
    </>
  );
});

function Body({
  item,
  deeds,
  names,
  actions,
  isCalled,
  isEditing = false,
  isThreadOpen = false,
}: Props & { actions: Actions | null; isCalled: boolean }) {
  const color = useSession(
    (state) => state.members.get(item.userId)?.color ?? state.people.get(item.userId)?.color ?? 11,
  );
  const sessionId = useSession((state) => state.session?.id ?? "");
  const { isMine, isFirst, message, outgoing, thread } = item;
  const isStray = message === null && outgoing === null;
  const react = actions?.react;
  const corner = isFirst ? (isMine ? "rounded-tr-sm" : "rounded-tl-sm") : "";
  return (
    <>
      {!isMine && (
        <span className="w-7 shrink-0">{isFirst && <Avatar name={item.username} color={color} size={28} />}</span>
      )}
      <div
        className={`flex min-w-0 flex-col ${isEditing ? "flex-1" : "max-w-[85%]"} ${isMine ? "items-end" : "items-start"}`}
      >
        {isFirst && !isStray && <Head item={item} />}
        {isStray ? (
          <p className="text-ink-faint px-0.5 pt-1 text-xs">Answers to an earlier message</p>
        ) : message?.is_deleted ? (
          <p className="border-line text-ink-faint rounded-xl border border-dashed px-3 py-1.5 text-sm italic">
            Message deleted
          </p>
        ) : isEditing && message ? (
          <EditBox message={message} onDone={deeds.editDone} />
        ) : (
          <div
            className={`max-w-full rounded-xl px-3 py-1.5 text-sm ${bubbleLook(isMine, isCalled, outgoing)} ${corner}`}
          >
            {item.content !== "" && <Markdown text={item.content} names={names} />}
            {item.files.length > 0 && <MessageFiles sessionId={sessionId} files={item.files} />}
            {message?.code_ref && <CodePlace place={message.code_ref} />}
          </div>
        )}
        {message?.edited_at != null && !message.is_deleted && !isEditing && <Edited message={message} />}
        {message && (
          <Reactions
            reactions={message.reactions}
            onToggle={react && ((emoji, isThere) => (isThere ? deeds.unreact(message.id, emoji) : react(emoji)))}
          />
        )}
        {thread && <ThreadLink thread={thread} isOpen={isThreadOpen} onOpen={() => deeds.openThread(item.key)} />}
        {outgoing && <Progress outgoing={outgoing} />}
      </div>
    </>
  );
}

function Head({ item }: { item: ChatItem }) {
  const source = sources[item.source];
  return (
    <span className="mb-0.5 flex max-w-full flex-wrap items-baseline gap-x-1.5 px-0.5 text-2xs">
      {!item.isMine && <span className="text-ink truncate font-semibold">{item.username}</span>}
      {source && (
        <span className="bg-info-soft text-info rounded px-1 font-medium" title={`Written in ${source}`}>
          {source}
        </span>
      )}
      {item.sessionOnly && (
        <span className="bg-warn-soft text-warn flex items-center gap-1 rounded px-1 font-medium" title="Not copied to Slack">
          <Icon name="lock" size={10} />
          Stays in the session
        </span>
      )}
      <time dateTime={item.at} title={moment(item.at)} className="text-ink-faint tabular-nums">
        {clock(item.at)}
      </time>
    </span>
  );
}

/** The lines that the message speaks of. */
function CodePlace({ place }: { place: CodeRef }) {
  const last = place.end_line !== null && place.end_line > place.line ? `-${place.end_line}` : "";
  return (
    <p className="mt-1 flex items-center gap-1.5 text-xs">
      <Icon name="file" size={13} className="text-ink-faint" />
      <FileRef file={place.file} line={place.line}>
        {place.file}:{place.line}
        {last}
      </FileRef>
    </p>
  );
}

/** R replies, E reacts, Delete asks: where the message itself has the focus. */
function press(event: KeyboardEvent<HTMLElement>, actions: Actions, { item, deeds }: Props): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { reply, remove } = actions;
  const open = (name: string) =>
    event.currentTarget.querySelector<HTMLElement>(`[role=toolbar] [data-action=${name}]`)?.click();
  const deed = {
    Enter: item.thread ? () => deeds.openThread(item.key) : reply,
    r: reply,
    e: actions.react && (() => open("react")),
    Delete: remove,
  }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!deed) return;
  event.preventDefault();
  deed();
}

function Line({ words }: { words: string }) {
  return (
    <div className="flex items-center gap-3 px-4 pt-4 pb-1">
      <span className="bg-line h-px flex-1" />
      <span className="text-ink-faint text-2xs font-medium">{words}</span>
      <span className="bg-line h-px flex-1" />
    </div>
  );
}

/** Where what this person has not read begins. */
function News() {
  return (
    <div role="separator" aria-label="New messages" data-testid="news" className="text-bad flex items-center gap-2 px-3 pt-3">
      <span className="bg-bad/50 h-px flex-1" />
      <span className="text-2xs font-semibold">New</span>
    </div>
  );
}

function bubbleLook(isMine: boolean, isCalled: boolean, outgoing: Outgoing | null): string {
  if (outgoing?.state === "failed") return "bg-bad-soft border border-bad/40";
  if (outgoing?.state === "pending") return "bg-accent-soft opacity-70";
  if (isCalled) return "bg-bubble ring-1 ring-warn/50";
  return isMine ? "bg-accent-soft" : "bg-bubble";
}

/** How far a message of mine got. What failed can be sent again or taken away. */
function Progress({ outgoing }: { outgoing: Outgoing }) {
  const client = useClient();
  const { client_msg_id: id, state, error } = outgoing;
  if (state === "sent") return <State icon="check" text="Sent" />;
  if (state === "pending") return <State icon="clock" text={error ? `Waiting: ${error}` : "Sending…"} />;
  return (
    <span className="text-bad mt-1 flex flex-wrap items-center justify-end gap-x-2.5 gap-y-1 text-2xs" role="alert">
      <span>Not sent: {error ?? "the server refused it."}</span>
      <button
        type="button"
        className="rounded font-semibold underline underline-offset-2"
        onClick={() => client.retryMessage(id)}
      >
        Retry
      </button>
      <button
        type="button"
        className="text-ink-soft rounded font-medium underline underline-offset-2"
        onClick={() => client.discardMessage(id)}
      >
        Discard
      </button>
    </span>
  );
}

function State({ icon, text }: { icon: "clock" | "check"; text: string }) {
  return (
    <span className="text-ink-faint mt-0.5 flex items-center gap-1 text-2xs">
      <Icon name={icon} size={11} />
      {text}
    </span>
  );
}
