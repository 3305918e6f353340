/** The chat beside the transcript: messages in a virtual list, who is typing, and the composer. */
import { type Ref, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { VList, type VListHandle } from "virtua";
import type { Me } from "~/api/cosession";
import { plural } from "~/lib/format";
import { focusWhenDrawn } from "~/lib/focus";
import { useNow } from "~/lib/hooks";
import { useClient, useClientState, useSession } from "~/session/context";
import { Button } from "~/ui/controls";
import { Icon } from "~/ui/icon";
import { Bone } from "~/ui/states";
import { Composer, type ComposerHandle } from "./composer";
import { type ChatItem, chatItems } from "./items";
import { MessageBubble } from "./message-bubble";

const AT_END = 60;

export function ChatPanel({ sessionId, me, composer }: { sessionId: string; me: Me; composer: Ref<ComposerHandle> }) {
  const mayWrite = useSession((state) => state.session?.status === "live" && state.role !== "viewer");
  const [replyTo, setReplyTo] = useState<ChatItem | null>(null);
  const endReply = useCallback(() => setReplyTo(null), []);
  return (
    <section aria-label="Chat" className="bg-surface flex h-full min-h-0 flex-col">
      <Messages me={me} onReply={mayWrite ? setReplyTo : undefined} />
      <TypingIndicator />
      <Notice />
      <Composer sessionId={sessionId} replyTo={replyTo} onReplyEnd={endReply} ref={composer} />
    </section>
  );
}

type OnReply = ((item: ChatItem) => void) | undefined;

function Messages({ me, onReply }: { me: Me; onReply: OnReply }) {
  const newer = useSession((state) => state.messages);
  const older = useSession((state) => state.olderMessages);
  const from = useSession((state) => state.from);
  const messages = useMemo(
    () => (older.length > 0 ? [...older.filter((message) => message.seq < from), ...newer] : newer),
    [older, newer, from],
  );
  const outbox = useSession((state) => state.outbox);
  const isLoaded = useSession((state) => state.isLoaded);
  const hasOlder = useSession((state) => state.hasOlderMessages && state.from > 1);
  const items = useMemo(() => chatItems(messages, outbox, me), [messages, outbox, me]);
  if (!isLoaded && items.length === 0) {
    return (
      <div role="status" aria-label="Loading the chat" className="flex-1 space-y-3 p-4">
        {["w-3/5", "w-2/5", "w-1/2"].map((width) => (
          <Bone key={width} className={`h-9 ${width}`} />
        ))}
      </div>
    );
  }
  if (items.length === 0) return <NoMessages hasOlder={hasOlder} />;
  return <MessageList items={items} hasOlder={hasOlder} onReply={onReply} />;
}

function NoMessages({ hasOlder }: { hasOlder: boolean }) {
  return (
    <div className="text-ink-soft flex flex-1 flex-col items-center justify-center gap-1 px-8 text-center text-sm">
      <Icon name="chat" size={22} className="text-ink-faint mb-1" />
      {hasOlder ? (
        <>
          <p>Nothing was said lately.</p>
          <OlderButton />
        </>
      ) : (
        <>
          <p className="text-ink font-medium">Nobody has said anything yet</p>
          <p>What is written here also appears in the Slack thread, if there is one.</p>
        </>
      )}
    </div>
  );
}

function OlderButton() {
  const client = useClient();
  const state = useClientState((all) => all.chatLoading);
  const words = { idle: "Earlier messages", busy: "Loading…", failed: "Earlier messages did not come. Try again" };
  return (
    <Button look="ghost" size="sm" disabled={state === "busy"} onClick={() => void client.loadOlderMessages()}>
      {words[state]}
    </Button>
  );
}

interface ListProps {
  items: readonly ChatItem[];
  hasOlder: boolean;
  onReply: OnReply;
}

function MessageList({ items, hasOlder, onReply }: ListProps) {
  const now = useNow(60_000);
  const list = useRef<VListHandle>(null);
  const isAtEnd = useRef(true);
  const [seenCount, setSeenCount] = useState<number | null>(null);
  const count = items.length;
  const frame = useRef<HTMLDivElement>(null);

  const firstKey = items[0]?.key;
  const [heldFirstKey, holdFirstKey] = useState(firstKey);
  const isShifted = heldFirstKey !== firstKey;
  useLayoutEffect(() => holdFirstKey(firstKey), [firstKey]);

  const lastKey = items.at(-1)?.key;
  const lastIsMine = items.at(-1)?.outgoing !== null;
  useLayoutEffect(() => {
    // What I send, I see.
    if (lastIsMine || isAtEnd.current) {
      isAtEnd.current = true;
      setSeenCount(null);
      list.current?.scrollToIndex(count, { align: "end" });
    }
  }, [lastKey, lastIsMine, count]);

  const scrolled = (offset: number) => {
    const handle = list.current;
    if (!handle) return;
    const wasAtEnd = isAtEnd.current;
    isAtEnd.current = handle.scrollSize - offset - handle.viewportSize < AT_END;
    if (isAtEnd.current) setSeenCount(null);
    else if (wasAtEnd) setSeenCount(count);
  };
  const show = useCallback(
    (key: string) => {
      const at = items.findIndex((item) => item.key === key);
      if (at < 0) return;
      isAtEnd.current = false;
      // The list's first row is what stands above the messages.
      list.current?.scrollToIndex(at + 1, { align: "center" });
      focusWhenDrawn(frame.current, `[data-message="${CSS.escape(key)}"]`);
    },
    [items],
  );
  const newer = seenCount === null ? 0 : Math.max(0, count - seenCount);

  return (
    <div ref={frame} className="relative min-h-0 flex-1">
      <VList
        ref={list}
        // Finished messages are announced by the page's one live region: rows that scroll into a virtual list are not news.
        role="log"
        aria-live="off"
        aria-label="Messages"
        tabIndex={0}
        shift={isShifted}
        onScroll={scrolled}
        onResize={() => isAtEnd.current && list.current?.scrollToIndex(count, { align: "end" })}
        className="outline-offset-[-2px]"
        style={{ height: "100%", overflowAnchor: "none" }}
      >
        {hasOlder ? (
          <div key="older" className="flex justify-center pt-3">
            <OlderButton />
          </div>
        ) : (
          <div key="older" className="h-1" />
        )}
        {items.map((item) => (
          <MessageBubble key={item.key} item={item} now={now} onReply={onReply} onShow={show} />
        ))}
        <div key="end" className="h-3" />
      </VList>
      {newer > 0 && (
        <button
          type="button"
          onClick={() => list.current?.scrollToIndex(count, { align: "end" })}
          className="bg-accent text-accent-ink shadow-raised absolute bottom-3 left-1/2 flex h-7 -translate-x-1/2 items-center gap-1.5 rounded-full px-3 text-xs font-medium"
        >
          {newer} new
          <Icon name="arrowDown" size={13} />
        </button>
      )}
    </div>
  );
}

function TypingIndicator() {
  const typing = useSession((state) => state.typing);
  const names = [...typing.values()].map((person) => person.username);
  const text =
    names.length === 0
      ? ""
      : names.length === 1
        ? `${names[0]} is typing`
        : names.length === 2
          ? `${names[0]} and ${names[1]} are typing`
          : `${plural(names.length, "person", "people")} are typing`;
  return (
    <div className="text-ink-faint flex h-5 shrink-0 items-center gap-1.5 px-4 text-2xs" data-testid="typing">
      {text && (
        <>
          <span className="flex gap-0.5" aria-hidden="true">
            {[0, 150, 300].map((delay) => (
              <span
                key={delay}
                className="size-1 animate-bounce rounded-full bg-current"
                style={{ animationDelay: `${delay}ms` }}
              />
            ))}
          </span>
          <span className="truncate">{text}</span>
        </>
      )}
    </div>
  );
}

/** A refusal that belongs to no message; it goes away by itself. */
function Notice() {
  const client = useClient();
  const notice = useSession((state) => state.notice);
  useEffect(() => {
    if (!notice) return;
    const id = setTimeout(() => client.dismissNotice(), 8_000);
    return () => clearTimeout(id);
  }, [client, notice]);
  if (!notice) return null;
  return (
    <p role="alert" className="bg-warn-soft text-warn mx-2.5 mb-1 rounded-control px-3 py-1.5 text-xs">
      {notice.message}
    </p>
  );
}
