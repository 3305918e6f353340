/** The chat beside the transcript: messages, the thread that is open, who is typing, and the composer. */
import { type Ref, useCallback, useEffect, useImperativeHandle, useMemo, useRef, useState } from "react";
import type { Me } from "~/api/cosession";
import { focusWhenDrawn } from "~/lib/focus";
import { plural } from "~/lib/format";
import { useMedia, usePageShown } from "~/lib/hooks";
import { useClient, useSession } from "~/session/context";
import { Icon } from "~/ui/icon";
import { Bone } from "~/ui/states";
import { Composer, type ComposerHandle } from "./composer";
import { useDeeds } from "./deeds";
import { DeleteDialog } from "./delete-dialog";
import { useChatDesk, useChatDeskState } from "./desk";
import { type ChatItem, chatItems } from "./items";
import { MessageList, OlderButton } from "./message-list";
import { callable } from "./mentions";
import { useMessages } from "./messages";
import { useNewsAfter, useReadOnArrival } from "./reading";
import { ThreadPanel } from "./thread-panel";

interface Props {
  sessionId: string;
  me: Me;
  /** The chat is not behind a tab. */
  isShown: boolean;
  /** It stands beside something else, and may take more room for a thread. */
  isBeside: boolean;
  composer: Ref<ComposerHandle>;
}

export function ChatPanel({ sessionId, me, isShown, isBeside, composer }: Props) {
  const desk = useChatDesk();
  const frame = useRef<HTMLDivElement>(null);
  const field = useRef<ComposerHandle>(null);
  const toComposer = useCallback(() => field.current?.focus(), []);
  useImperativeHandle(composer, () => ({ focus: toComposer }), [toComposer]);
  const [removed, remove] = useState<ChatItem | null>(null);
  const threadId = useChatDeskState((state) => state.threadId);
  const hasRoom = useMedia("(min-width: 80rem)") && isBeside;
  const members = useSession((state) => state.members);
  const names = useMemo(() => callable([...members.values()].map((member) => member.username)).join("\n"), [members]);
  const isCovered = threadId !== null && !hasRoom;
  const isListShown = isShown && !isCovered;
  const items = useItems(me, isListShown);
  const deeds = useDeeds({ isThread: false, onRemove: remove, onEdited: toComposer });

  // Who is led to a message does not want the thread that lies over it.
  const target = useChatDeskState((state) => state.target);
  const led = useRef(0);
  useEffect(() => {
    if (!target || led.current === target.count || !items.some((item) => item.key === target.id)) return;
    led.current = target.count;
    if (isCovered) desk.closeThread();
  }, [target, isCovered, items, desk]);

  const closeThread = () => {
    desk.closeThread();
    focusWhenDrawn(frame.current, `[data-message="${CSS.escape(threadId ?? "")}"]`);
  };
  const editLast = () => {
    const mine = items.findLast((item) => item.isMine && item.message && !item.message.is_deleted);
    if (mine) desk.edit({ id: mine.key, isThread: false });
  };
  const width = isBeside ? "w-90 2xl:w-105" : "w-full";
  return (
    <div className="relative flex h-full min-h-0">
      {threadId !== null && (
        <div className={hasRoom ? `border-line border-r ${width}` : "absolute inset-0 z-20"}>
          <ThreadPanel
            key={threadId}
            sessionId={sessionId}
            me={me}
            rootId={threadId}
            names={names}
            isShown={isShown}
            onRemove={remove}
            onClose={closeThread}
          />
        </div>
      )}
      <section
        aria-label="Chat"
        ref={frame}
        inert={isCovered}
        className={`bg-surface flex h-full min-h-0 flex-col ${width}`}
      >
        <Messages items={items} isShown={isListShown} deeds={deeds} names={names} onLeave={toComposer} />
        <TypingIndicator />
        <Notice />
        <Composer sessionId={sessionId} onEditLast={editLast} ref={field} />
      </section>
      {removed && <DeleteDialog item={removed} onClose={() => remove(null)} />}
    </div>
  );
}

function useItems(me: Me, isShown: boolean): readonly ChatItem[] {
  const messages = useMessages();
  const outbox = useSession((state) => state.outbox);
  const isPageShown = usePageShown();
  const newsAfter = useNewsAfter(isShown && isPageShown, messages);
  const repliesAfter = useReadOnArrival();
  const seenReplies = useChatDeskState((desk) => desk.seenReplies);
  return useMemo(
    () => chatItems(messages, outbox, me, { newsAfter, repliesAfter, seenReplies }),
    [messages, outbox, me, newsAfter, repliesAfter, seenReplies],
  );
}

interface MessagesProps {
  items: readonly ChatItem[];
  isShown: boolean;
  deeds: ReturnType<typeof useDeeds>;
  names: string;
  onLeave: () => void;
}

function Messages({ items, isShown, ...rest }: MessagesProps) {
  const isLoaded = useSession((state) => state.isLoaded);
  const hasOlder = useSession((state) => state.hasOlderMessages && state.from > 1);
  const isPageShown = usePageShown();
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
  return <MessageList items={items} hasOlder={hasOlder} isInSight={isLoaded && isShown && isPageShown} {...rest} />;
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
