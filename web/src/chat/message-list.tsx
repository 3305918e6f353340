/** The messages in a virtual list: it stays at the end while somebody is there, and keeps its place when it grows above. */
import { type KeyboardEvent, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { VList, type VListHandle } from "virtua";
import { focusWhenDrawn } from "~/lib/focus";
import { plural } from "~/lib/format";
import { useNow } from "~/lib/hooks";
import { useClient, useClientState, useSession } from "~/session/context";
import { Button } from "~/ui/controls";
import { Icon } from "~/ui/icon";
import type { MessageDeeds } from "./deeds";
import { useChatDesk, useChatDeskState } from "./desk";
import type { ChatItem } from "./items";
import { MessageBubble } from "./message-bubble";
import { ReadReport } from "./reading";

const AT_END = 60;
/** After so long a list that was sent to a place is there, in milliseconds. */
const ARRIVED = 250;
/** How long the message that somebody was led to is marked, in milliseconds. */
const MARKED = 2_500;

interface Props {
  items: readonly ChatItem[];
  hasOlder: boolean;
  isInSight: boolean;
  deeds: MessageDeeds;
  names: string;
  onLeave: () => void;
}

export function MessageList({ items, hasOlder, isInSight, deeds, names, onLeave }: Props) {
  const now = useNow(60_000);
  const desk = useChatDesk();
  const editingId = useChatDeskState(({ editing }) => (editing && !editing.isThread ? editing.id : null));
  const threadId = useChatDeskState((state) => state.threadId);
  const target = useChatDeskState((state) => state.target);
  const list = useRef<VListHandle>(null);
  const frame = useRef<HTMLDivElement>(null);
  const sticks = useRef(true);
  // Null until it is measured.
  const [isAtEnd, setAtEnd] = useState<boolean | null>(null);
  const [newsOutOfSight, setNewsOutOfSight] = useState("");
  const count = items.length;

  const firstKey = items[0]?.key;
  const [heldFirstKey, holdFirstKey] = useState(firstKey);
  const isShifted = heldFirstKey !== firstKey;
  useLayoutEffect(() => holdFirstKey(firstKey), [firstKey]);

  // What the list shows now, for what runs after it was drawn.
  const shown = useRef(items);
  useLayoutEffect(() => {
    shown.current = items;
  }, [items]);
  // Set while the list is on its way to a place: where it stands meanwhile means nothing.
  const isOnItsWay = useRef(false);

  const measure = useCallback(() => {
    const handle = list.current;
    if (!handle || handle.viewportSize === 0 || isOnItsWay.current) return;
    const isThere = handle.scrollSize - handle.scrollOffset - handle.viewportSize < AT_END;
    setAtEnd(isThere);
    sticks.current = isThere;
    const first = handle.findItemIndex(handle.scrollOffset) - 1;
    const last = handle.findItemIndex(handle.scrollOffset + handle.viewportSize) - 1;
    const isOut = (item: ChatItem, at: number) => (item.thread?.newCount ?? 0) > 0 && (at < first || at > last);
    setNewsOutOfSight(shown.current.filter(isOut).map((item) => item.key).join(" "));
  }, []);

  const toEnd = useCallback(() => {
    sticks.current = true;
    // The list's first row is what stands above the messages, its last what stands below them.
    list.current?.scrollToIndex(shown.current.length + 1, { align: "end" });
    requestAnimationFrame(measure);
  }, [measure]);

  const goTo = useCallback(
    (at: number, align: "start" | "center" | "nearest") => {
      sticks.current = false;
      isOnItsWay.current = true;
      list.current?.scrollToIndex(at + 1, { align });
      setTimeout(() => {
        isOnItsWay.current = false;
        measure();
      }, ARRIVED);
    },
    [measure],
  );

  const lastKey = items.at(-1)?.key;
  const lastIsMine = items.at(-1)?.outgoing != null;
  useLayoutEffect(() => {
    // What I send, I see.
    if (lastIsMine || sticks.current) toEnd();
  }, [lastKey, lastIsMine, toEnd]);
  useEffect(() => {
    const id = requestAnimationFrame(measure);
    return () => cancelAnimationFrame(id);
  }, [measure, isInSight, items]);

  // Whoever has news is brought to where they begin; those who see all of them from there are at the end too.
  const newsAt = items.findIndex((item) => item.isNews);
  const newsKey = items[newsAt]?.key;
  const shownNews = useRef<string | undefined>(undefined);
  useLayoutEffect(() => {
    if (newsKey === shownNews.current) return;
    shownNews.current = newsKey;
    if (newsKey !== undefined) goTo(newsAt, "start");
  }, [newsKey, newsAt, goTo]);

  const focus = useCallback(
    (key: string, align: "center" | "nearest") => {
      const at = items.findIndex((item) => item.key === key);
      if (at < 0) return false;
      goTo(at, align);
      focusWhenDrawn(frame.current, `[data-message="${CSS.escape(key)}"]`);
      return true;
    },
    [items, goTo],
  );

  const led = useRef(0);
  useEffect(() => {
    if (!target || led.current === target.count || !focus(target.id, "center")) return;
    led.current = target.count;
    setTimeout(() => desk.arrived(target.count), MARKED);
  }, [target, focus, desk]);

  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const element = event.target as HTMLElement;
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const isMessage = element.matches("[data-message]");
    if (event.key === "Escape" && isMessage) onLeave();
    if (step === undefined || !(isMessage || element.matches("[role=log]"))) return;
    const here = items.findIndex((item) => item.key === element.dataset.message);
    const next = items[here < 0 ? count - 1 : here + step];
    event.preventDefault();
    if (next) focus(next.key, "nearest");
  };

  const unread = useSession((state) => state.reading?.unread ?? 0);
  // What is written in, and what somebody is led to, stays drawn wherever the list scrolls.
  const kept = items.flatMap((item, at) => (item.key === editingId || item.key === target?.id ? [at + 1] : []));
  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- hears the keys of the messages within
    <div ref={frame} onKeyDown={onKeyDown} className="relative min-h-0 flex-1">
      <ReadReport isReading={isInSight && isAtEnd === true} />
      <VList
        ref={list}
        // Finished messages are announced by the page's one live region: rows that scroll into a virtual list are not news.
        role="log"
        aria-live="off"
        aria-label="Messages"
        tabIndex={0}
        shift={isShifted}
        onScroll={measure}
        onResize={() => (sticks.current ? toEnd() : measure())}
        keepMounted={kept}
        className="outline-offset-[-2px]"
        style={{ height: "100%", overflowAnchor: "none" }}
      >
        {hasOlder ? (
          <div key="older" className="flex justify-center pt-3">
            <OlderButton />
          </div>
        ) : (
          <div key="older" className="h-3" />
        )}
        {items.map((item) => (
          <MessageBubble
            key={item.key}
            item={item}
            now={now}
            deeds={deeds}
            names={names}
            isEditing={editingId === item.key}
            isThreadOpen={threadId === item.key}
            isTarget={target?.id === item.key}
          />
        ))}
        <div key="end" className="h-3" />
      </VList>
      <div className="pointer-events-none absolute inset-x-0 bottom-3 flex flex-col items-center gap-1.5">
        <ThreadNews
          items={items.filter((item) => item.key !== threadId && newsOutOfSight.split(" ").includes(item.key))}
          onOpen={desk.openThread}
        />
        {isAtEnd === false && (
          <button type="button" onClick={toEnd} className={`bg-accent text-accent-ink ${pill}`}>
            {unread > 0 ? `${unread} new` : "Latest"}
            <Icon name="arrowDown" size={13} />
          </button>
        )}
      </div>
    </div>
  );
}

const pill = "shadow-raised pointer-events-auto flex h-7 items-center gap-1.5 rounded-full px-3 text-xs font-medium";

/** Replies that nobody has looked at here, in threads that are out of sight. */
function ThreadNews({ items, onOpen }: { items: readonly ChatItem[]; onOpen: (id: string) => void }) {
  const last = items.at(-1);
  if (!last) return null;
  const count = items.reduce((sum, item) => sum + (item.thread?.newCount ?? 0), 0);
  return (
    <button
      type="button"
      onClick={() => onOpen(last.key)}
      className={`bg-raised text-accent border-line hover:bg-hover border ${pill}`}
    >
      <Icon name="reply" size={13} />
      {plural(count, "new reply", "new replies")} in {items.length === 1 ? "a thread" : plural(items.length, "thread")}
    </button>
  );
}

export function OlderButton() {
  const client = useClient();
  const state = useClientState((all) => all.chatLoading);
  const words = { idle: "Earlier messages", busy: "Loading…", failed: "Earlier messages did not come. Try again" };
  return (
    <Button look="ghost" size="sm" disabled={state === "busy"} onClick={() => void client.loadOlderMessages()}>
      {words[state]}
    </Button>
  );
}
