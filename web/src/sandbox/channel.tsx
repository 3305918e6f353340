/** A channel's timeline and a thread beside it. */
import { useEffect, useLayoutEffect, useRef } from "react";
import { Composer } from "./composer";
import { MessageRow, type MessageActions } from "./message";
import type { Channel, Message, Snapshot } from "./types";

type Common = {
  channel: Channel;
  snapshot: Snapshot;
  messages: Message[];
  actions: MessageActions;
  onSend: (text: string, files: File[]) => Promise<boolean>;
};

function nameOf(channel: Channel, snapshot: Snapshot): string {
  if (channel.kind !== "im") return `#${channel.name}`;
  return snapshot.people.find((one) => one.id === snapshot.app.user)?.real_name ?? channel.name;
}

function isReply(message: Message): boolean {
  return message.thread_ts !== undefined && message.thread_ts !== message.ts;
}

/** Keeps the end in view while messages come, grow and show their pictures, unless the person has scrolled up to read. */
function useStickToEnd(key: string) {
  const list = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    isAtEnd.current = true;
  }, [key]);
  useEffect(() => {
    const at = list.current;
    if (!at) return;
    const stick = () => {
      if (isAtEnd.current) at.scrollTop = at.scrollHeight;
    };
    stick();
    const changes = new MutationObserver(stick);
    changes.observe(at, { childList: true, subtree: true, characterData: true });
    at.addEventListener("load", stick, true);
    return () => {
      changes.disconnect();
      at.removeEventListener("load", stick, true);
    };
  }, [key]);
  const onScroll = () => {
    const at = list.current;
    if (at) isAtEnd.current = at.scrollHeight - at.scrollTop - at.clientHeight < 60;
  };
  return { list, onScroll };
}

export function ChannelPane(props: Common & { isLoaded: boolean }) {
  const { channel, snapshot } = props;
  const shown = props.messages.filter((message) => !isReply(message) || message.subtype === "thread_broadcast");
  const { list, onScroll } = useStickToEnd(channel.id);
  const name = nameOf(channel, snapshot);
  const command = Object.keys(snapshot.commands)[0] ?? "";
  return (
    <section className="sb-pane" aria-label={name}>
      <header className="sb-pane-head">
        <h2>{name}</h2>
        <span className="sb-note">{channel.kind === "im" ? "Direct message with the app" : `${channel.members.length} members`}</span>
      </header>
      <div className="sb-list-view" ref={list} onScroll={onScroll} role="log" aria-label={`Messages in ${name}`} tabIndex={0}>
        {!props.isLoaded && <p className="sb-empty" role="status">Loading messages…</p>}
        {props.isLoaded && shown.length === 0 && (
          <div className="sb-empty">
            <p>Nothing has been said in {name} yet.</p>
            <p>Try <code className="sb-code">{command} start Fix the login bug</code></p>
          </div>
        )}
        {shown.map((message) => <MessageRow key={message.ts} message={message} actions={props.actions} />)}
      </div>
      <Composer
        key={channel.id} label={channel.is_archived ? "This channel is archived" : `Message ${name}`} isDisabled={channel.is_archived}
        commands={snapshot.commands} allowsCommands onSend={props.onSend}
      />
    </section>
  );
}

export function ThreadPane(props: Common & { root: Message; onClose: () => void }) {
  const { root, channel, snapshot } = props;
  const replies = props.messages.filter((message) => isReply(message) && message.thread_ts === root.ts);
  const { list, onScroll } = useStickToEnd(root.ts);
  const session = snapshot.sessions[`${channel.id}:${root.ts}`];
  const actions: MessageActions = { ...props.actions, openThread: undefined };
  return (
    <section
      className="sb-thread" aria-label="Thread"
      onKeyDown={(event) => { if (event.key === "Escape") props.onClose(); }}
    >
      <header className="sb-pane-head">
        <h2>Thread</h2>
        <span className="sb-note">{nameOf(channel, snapshot)}</span>
        <button type="button" className="sb-text-button" aria-label="Close thread" onClick={props.onClose}>✕</button>
      </header>
      {session && <p className="sb-session"><strong>{session.title || "Agent session"}</strong> · {session.line || session.status}</p>}
      <div className="sb-list-view" ref={list} onScroll={onScroll} role="log" aria-label="Replies" tabIndex={0}>
        <MessageRow message={root} actions={actions} isRoot />
        <div className="sb-reply-rule">{replies.length} {replies.length === 1 ? "reply" : "replies"}</div>
        {replies.map((message) => <MessageRow key={message.ts} message={message} actions={actions} />)}
      </div>
      <Composer label="Reply…" commands={{}} allowsCommands={false} onSend={props.onSend} isDisabled={channel.is_archived} />
    </section>
  );
}
