/** One thread: what was said first, every answer to it, and where one more is written. */
import { type KeyboardEvent, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Me } from "~/api/cosession";
import { ApiError } from "~/api/http";
import { focusWhenDrawn } from "~/lib/focus";
import { plural } from "~/lib/format";
import { useNow, usePageShown } from "~/lib/hooks";
import { useClient, useSession } from "~/session/context";
import { Button, IconButton, Spinner } from "~/ui/controls";
import { Composer, type ComposerHandle } from "./composer";
import { useDeeds } from "./deeds";
import { useChatDesk, useChatDeskState } from "./desk";
import { type ChatItem, threadItems } from "./items";
import { MessageBubble } from "./message-bubble";
import { useThread } from "./messages";

const AT_END = 60;
const MARKED = 2_500;

interface Props {
  sessionId: string;
  me: Me;
  rootId: string;
  names: string;
  isShown: boolean;
  onRemove: (item: ChatItem) => void;
  onClose: () => void;
}

export function ThreadPanel({ sessionId, me, rootId, names, isShown, onRemove, onClose }: Props) {
  const desk = useChatDesk();
  const thread = useThread(rootId);
  const outbox = useSession((state) => state.outbox);
  const items = useMemo(() => threadItems(thread, outbox, me), [thread, outbox, me]);
  const composer = useRef<ComposerHandle>(null);
  const [root] = thread;
  const toComposer = useCallback(() => composer.current?.focus(), []);
  const deeds = useDeeds({ isThread: true, onRemove, onEdited: toComposer });
  const isOnlyShown = useChatDeskState((state) => state.isThreadShown);

  const isRootThere = root !== undefined;
  const frame = useRef<HTMLElement>(null);
  useEffect(() => {
    if (isOnlyShown) return;
    // Where nothing may be written, the thread itself hears Escape.
    if (composer.current) composer.current.focus();
    else frame.current?.focus();
  }, [isRootThere, rootId, isOnlyShown]);

  const isPageShown = usePageShown();
  const lastSeq = thread.at(-1)?.seq ?? 0;
  useEffect(() => {
    if (isShown && isPageShown) desk.seen(rootId, lastSeq);
  }, [desk, rootId, lastSeq, isShown, isPageShown]);

  const editLast = () => {
    const mine = items.findLast((item) => item.isMine && item.message && !item.message.is_deleted);
    if (mine) desk.edit({ id: mine.key, isThread: true });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    onClose();
  };
  const replies = items.filter((item, at) => at > 0 && !item.message?.is_deleted).length;
  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- hears Escape from everything within
    <section
      ref={frame}
      aria-label="Thread"
      tabIndex={-1}
      onKeyDown={onKeyDown}
      className="bg-surface flex h-full min-h-0 flex-col outline-none"
    >
      <header className="border-line flex h-9 shrink-0 items-center gap-2 border-b pr-1.5 pl-4">
        <h2 className="text-sm font-semibold">Thread</h2>
        {root && <span className="text-ink-faint min-w-0 flex-1 truncate text-xs">{replies > 0 ? plural(replies, "reply", "replies") : "No replies yet"}</span>}
        {!root && <span className="flex-1" />}
        <IconButton icon="close" label="Close the thread" onClick={onClose} className="size-7" />
      </header>
      {root ? (
        <Replies items={items} deeds={deeds} names={names} />
      ) : (
        <Absent rootId={rootId} />
      )}
      {root && (
        <Composer
          key={rootId}
          ref={composer}
          sessionId={sessionId}
          thread={{ id: root.id, sessionOnly: root.session_only }}
          onEditLast={editLast}
          onLeave={onClose}
        />
      )}
    </section>
  );
}

interface RepliesProps {
  items: readonly ChatItem[];
  deeds: ReturnType<typeof useDeeds>;
  names: string;
}

function Replies({ items, deeds, names }: RepliesProps) {
  const now = useNow(60_000);
  const desk = useChatDesk();
  const editingId = useChatDeskState(({ editing }) => (editing?.isThread ? editing.id : null));
  const target = useChatDeskState((state) => state.target);
  const frame = useRef<HTMLDivElement>(null);
  const sticks = useRef(true);
  const lastIsMine = items.at(-1)?.outgoing != null;
  useLayoutEffect(() => {
    const box = frame.current;
    if (box && (sticks.current || lastIsMine)) box.scrollTop = box.scrollHeight;
  }, [items, lastIsMine]);

  const led = useRef(0);
  useEffect(() => {
    if (!target || led.current === target.count || !items.some((item, at) => at > 0 && item.key === target.id)) return;
    led.current = target.count;
    sticks.current = false;
    focusWhenDrawn(frame.current, `[data-message="${CSS.escape(target.id)}"]`, (found) =>
      found.scrollIntoView({ block: "center" }),
    );
    setTimeout(() => desk.arrived(target.count), MARKED);
  }, [target, items, desk]);

  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const element = event.target as HTMLElement;
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step === undefined || !(element.matches("[data-message]") || element === frame.current)) return;
    const all = [...(frame.current?.querySelectorAll<HTMLElement>("[data-message]") ?? [])];
    const at = all.indexOf(element);
    event.preventDefault();
    all[at < 0 ? all.length - 1 : at + step]?.focus();
  };
  return (
    <div
      ref={frame}
      role="log"
      aria-live="off"
      aria-label="Messages of the thread"
      tabIndex={0}
      onKeyDown={onKeyDown}
      onScroll={({ currentTarget: box }) => {
        sticks.current = box.scrollHeight - box.scrollTop - box.clientHeight < AT_END;
      }}
      className="min-h-0 flex-1 overflow-y-auto pb-3 outline-offset-[-2px]"
    >
      {items.map((item, at) => (
        <div key={item.key} className={at === 0 ? "border-line mb-1 border-b pb-3" : ""}>
          <MessageBubble
            item={at === 1 ? { ...item, isFirst: true, day: null } : item}
            now={now}
            deeds={deeds}
            names={names}
            isEditing={editingId === item.key}
            isTarget={target?.id === item.key}
          />
        </div>
      ))}
    </div>
  );
}

/** The thread lies further back than what this page holds: it is asked for. */
function Absent({ rootId }: { rootId: string }) {
  const client = useClient();
  const isLoaded = useSession((state) => state.isLoaded);
  const [error, setError] = useState<string | null>(null);
  const load = useCallback(() => {
    setError(null);
    client.loadThread(rootId).catch((problem: unknown) => {
      setError(problem instanceof ApiError ? problem.message : String(problem));
    });
  }, [client, rootId]);
  useEffect(() => {
    if (isLoaded) load();
  }, [load, isLoaded]);
  return (
    <div className="text-ink-soft flex flex-1 flex-col items-center justify-center gap-3 px-6 text-center text-sm">
      {error === null ? (
        <Spinner label="Loading the thread" />
      ) : (
        <>
          <p role="alert">{error}</p>
          <Button size="sm" icon="retry" onClick={load}>
            Try again
          </Button>
        </>
      )}
    </div>
  );
}
