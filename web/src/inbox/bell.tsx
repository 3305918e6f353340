/** The bell: how much waits to be read, and the inbox in a small window. */
import { useState } from "react";
import { Link } from "wouter";
import { plural } from "~/lib/format";
import { Button } from "~/ui/controls";
import { Icon } from "~/ui/icon";
import { Popover } from "~/ui/popover";
import { useInbox, useInboxDeeds, useUnread } from "./data";
import { InboxList } from "./list";
import { useInboxStream } from "./stream";

export function Bell({ hearsFeed = false }: { hearsFeed?: boolean }) {
  const isLive = useInboxStream(hearsFeed);
  const unread = useUnread();
  const [button, setButton] = useState<HTMLButtonElement | null>(null);
  const [isOpen, setOpen] = useState(false);
  const label = unread > 0 ? `Inbox: ${unread.toLocaleString("en")} unread` : "Inbox";
  const close = () => setOpen(false);
  return (
    <>
      <button
        ref={setButton}
        type="button"
        aria-label={label}
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        title={label}
        onClick={() => setOpen(!isOpen)}
        className="text-ink-soft hover:bg-hover hover:text-ink rounded-control relative grid size-8 shrink-0 place-items-center transition-colors"
      >
        <Icon name="bell" />
        {unread > 0 && (
          <span
            aria-hidden="true"
            className="bg-bad-solid absolute -top-0.5 -right-0.5 grid h-4 min-w-4 place-items-center rounded-full px-1 text-[10px] leading-none font-semibold text-white tabular-nums"
          >
            {unread > 99 ? "99+" : unread}
          </span>
        )}
      </button>
      {isOpen && button && (
        <Popover anchor={button} label="Inbox" onClose={close} className="w-[26rem] overflow-hidden">
          <Panel isLive={isLive} onLeave={close} />
        </Popover>
      )}
      <span aria-live="polite" className="sr-only">
        {unread > 0 ? `${plural(unread, "unread item")} in your inbox` : ""}
      </span>
    </>
  );
}

function Panel({ isLive, onLeave }: { isLive: boolean; onLeave: () => void }) {
  return (
    <div className="flex max-h-[min(36rem,80vh)] flex-col">
      <div className="border-line flex items-center gap-2 border-b py-2 pr-2 pl-4">
        <h2 className="min-w-0 flex-1 text-sm font-semibold">Inbox</h2>
        <ReadAll />
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto overscroll-contain">
        <InboxList onlyUnread={false} isLive={isLive} onLeave={onLeave} />
      </div>
      <div className="border-line text-ink-soft flex justify-between border-t px-4 py-2 text-xs">
        <Link href="/inbox" onClick={onLeave} className="hover:text-ink rounded underline-offset-2 hover:underline">
          Show all
        </Link>
        <Link href="/settings" onClick={onLeave} className="hover:text-ink rounded underline-offset-2 hover:underline">
          What you are told of
        </Link>
      </div>
    </div>
  );
}

/** Reads what was shown: what comes in the meantime stays unread. */
export function ReadAll() {
  const latest = useInbox(false).items?.[0]?.updated_at;
  const unread = useUnread();
  const { readAll } = useInboxDeeds();
  return (
    <Button
      size="sm"
      look="ghost"
      icon="check"
      disabled={unread === 0 || latest === undefined || readAll.isPending}
      onClick={() => latest !== undefined && readAll.mutate(latest)}
    >
      Mark all as read
    </Button>
  );
}
