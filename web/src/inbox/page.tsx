/** The inbox as a page of its own: all of it, or what is unread. */
import { useState } from "react";
import type { Me } from "~/api/cosession";
import { useTitle } from "~/lib/hooks";
import { Shell } from "~/ui/shell";
import { ReadAll } from "./bell";
import { useUnread } from "./data";
import { InboxList } from "./list";

export default function InboxPage({ me }: { me: Me }) {
  const unread = useUnread();
  useTitle(unread > 0 ? `(${unread}) Inbox · Cosession` : "Inbox · Cosession");
  const [onlyUnread, setOnlyUnread] = useState(false);
  return (
    <Shell me={me}>
      <div className="mx-auto w-full max-w-3xl px-4 py-6 sm:px-6 sm:py-8">
        <div className="mb-3 flex flex-wrap items-center gap-2">
          <h1 className="min-w-0 flex-1 text-xl font-semibold tracking-tight">Inbox</h1>
          <ReadAll />
        </div>
        <div role="group" aria-label="What to show" className="mb-3 flex gap-1">
          {[false, true].map((only) => (
            <button
              key={String(only)}
              type="button"
              aria-pressed={onlyUnread === only}
              onClick={() => setOnlyUnread(only)}
              className={`rounded-full px-3 py-1 text-xs font-medium ${onlyUnread === only ? "bg-accent-soft text-accent" : "text-ink-soft hover:bg-hover"}`}
            >
              {only ? `Unread${unread > 0 ? ` (${unread})` : ""}` : "All"}
            </button>
          ))}
        </div>
        <div className="bg-surface border-line rounded-card border">
          <InboxList onlyUnread={onlyUnread} isLive />
        </div>
      </div>
    </Shell>
  );
}
