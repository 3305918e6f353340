/** The inbox, as it stands in the panel and on its page: arrows walk it, Enter leads to the moment. */
import { type KeyboardEvent, useRef } from "react";
import { Button, Spinner } from "~/ui/controls";
import { Icon } from "~/ui/icon";
import { Bone, Message } from "~/ui/states";
import { type InboxItem, useInbox, useInboxDeeds } from "./data";
import { useGo } from "./go";
import { InboxRow } from "./row";

interface Props {
  onlyUnread: boolean;
  isLive: boolean;
  onLeave?: () => void;
}

export function InboxList({ onlyUnread, isLive, onLeave }: Props) {
  const inbox = useInbox(onlyUnread);
  const { read } = useInboxDeeds();
  const list = useRef<HTMLUListElement>(null);
  const go = useGo();
  const open = (item: InboxItem) => {
    if (!item.is_read) read.mutate([item.id]);
    onLeave?.();
    go(item.path);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const links = [...(list.current?.querySelectorAll<HTMLElement>("[data-item]") ?? [])];
    if (step === undefined || links.length === 0 || (event.target as HTMLElement).closest("[role=menu]")) return;
    event.preventDefault();
    const at = links.indexOf(document.activeElement as HTMLElement);
    links[Math.max(0, Math.min(links.length - 1, at + step))]?.focus();
  };
  if (inbox.items === undefined) {
    return inbox.isError ? <Failed error={inbox.error} onRetry={() => void inbox.refetch()} /> : <Loading />;
  }
  return (
    <>
      {!isLive && (
        <p role="status" className="bg-warn-soft text-warn flex items-center gap-2 px-4 py-2 text-xs">
          <Icon name="alert" size={14} />
          Offline: this is how your inbox was. It is renewed by itself.
        </p>
      )}
      {inbox.items.length === 0 ? (
        <Message icon="check" title={onlyUnread ? "Nothing is unread" : "Nothing yet"}>
          <p>When somebody mentions you, answers you or invites you, it stands here.</p>
        </Message>
      ) : (
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- hears the arrows of its links
        <ul ref={list} aria-label="Inbox" aria-busy={inbox.isFetching} onKeyDown={onKeyDown} className="divide-line divide-y">
          {inbox.items.map((item) => (
            <InboxRow key={item.id} item={item} onOpen={open} />
          ))}
        </ul>
      )}
      {inbox.hasNextPage && (
        <div className="border-line border-t p-3 text-center">
          <Button size="sm" disabled={inbox.isFetchingNextPage} onClick={() => void inbox.fetchNextPage()}>
            {inbox.isFetchingNextPage ? <Spinner label="Loading" /> : "Show earlier ones"}
          </Button>
        </div>
      )}
    </>
  );
}

function Failed({ error, onRetry }: { error: Error; onRetry: () => void }) {
  return (
    <Message icon="alert" title="Your inbox could not be loaded" tone="bad">
      <p>{error.message}</p>
      <Button icon="retry" onClick={onRetry}>
        Try again
      </Button>
    </Message>
  );
}

function Loading() {
  return (
    <div role="status" aria-label="Loading your inbox" className="divide-line divide-y">
      {[70, 52, 61].map((width) => (
        <div key={width} className="flex gap-3 px-4 py-3.5">
          <Bone className="size-[30px] rounded-full" />
          <div className="flex-1 space-y-2">
            <div style={{ width: `${width}%` }}>
              <Bone className="h-3.5" />
            </div>
            <Bone className="h-3 w-1/3" />
          </div>
        </div>
      ))}
    </div>
  );
}
