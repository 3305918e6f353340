/** All threads of the session: open, resolved, outdated; a click goes to their lines. */
import { useState } from "react";
import { useDeskState } from "~/files/desk";
import { ago, fileName, plural } from "~/lib/format";
import { useNow } from "~/lib/hooks";
import { useSession } from "~/session/context";
import { Avatar } from "~/ui/avatar";
import { Badge, Button, Refusal, Spinner } from "~/ui/controls";
import { Icon } from "~/ui/icon";
import type { Threads } from "./data";
import { type Filter, hasLines, ofKind, placeWords, type ShownThread } from "./threads";

const names: Record<Filter, string> = { open: "Open", resolved: "Resolved", outdated: "Outdated" };
const nothing: Record<Filter, string> = {
  open: "No open comments. Point at a line of a file and press its plus, or C, to begin one.",
  resolved: "No comments have been resolved yet.",
  outdated: "Every comment still stands on its lines.",
};

export function CommentPanel({ found }: { found: Threads }) {
  const [filter, setFilter] = useState<Filter>("open");
  const { threads, isLoading, error, retry } = found;
  const shown = ofKind(threads, filter).toSorted((a, b) => (b.comments.at(-1)?.seq ?? 0) - (a.comments.at(-1)?.seq ?? 0));
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div role="group" aria-label="Which comments" className="flex gap-1 px-2 pb-2">
        {(["open", "resolved", "outdated"] as const).map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={filter === name}
            onClick={() => setFilter(name)}
            className={`h-7 rounded-control px-2 text-xs font-medium whitespace-nowrap ${filter === name ? "bg-selected text-ink" : "text-ink-soft hover:bg-hover"}`}
          >
            {names[name]} <span className="text-ink-faint tabular-nums">{ofKind(threads, name).length}</span>
          </button>
        ))}
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto px-2 pb-3">
        {isLoading && (
          <p className="text-ink-faint p-2 text-xs">
            <Spinner label="Loading comments" />
          </p>
        )}
        {error && (
          <div className="space-y-2 p-1">
            <Refusal>{error.message}</Refusal>
            <Button size="sm" icon="retry" onClick={retry}>
              Try again
            </Button>
          </div>
        )}
        {!isLoading && !error && shown.length === 0 && <p className="text-ink-faint p-2 text-xs">{nothing[filter]}</p>}
        <ul aria-label={`${names[filter]} comments`} className="space-y-1.5">
          {shown.map((thread) => (
            <Item key={thread.id} thread={thread} />
          ))}
        </ul>
      </div>
    </div>
  );
}

function Item({ thread }: { thread: ShownThread }) {
  const desk = useDeskState();
  const now = useNow();
  const [first] = thread.comments;
  const color = useSession((state) => state.members.get(first?.user_id ?? "")?.color ?? 0);
  if (!first) return null;
  const { place } = thread;
  const last = thread.comments.at(-1) ?? first;
  const go = () => {
    // Where it has no lines now, it is shown on those that it was made on.
    if (hasLines(thread)) desk.open(place.file, { line: place.line, end_line: place.end_line, thread: thread.id });
    else if (place.status === "outdated") desk.open(place.file, { thread: thread.id });
    else desk.open(place.file, { line: first.line, end_line: first.end_line, version: first.version, thread: thread.id });
  };
  return (
    <li>
      <button
        type="button"
        onClick={go}
        title={placeWords(thread) ?? undefined}
        className="border-line bg-raised hover:border-line-strong block w-full rounded-card border px-2.5 py-2 text-left"
      >
        <span className="flex items-center gap-1.5 text-xs">
          <Avatar name={first.username} color={color} size={18} />
          <span className="min-w-0 flex-1 truncate font-mono text-2xs" title={place.file}>
            {fileName(place.file)}:{place.line ?? first.line}
          </span>
          {!hasLines(thread) && <Badge tone="warn">{place.status}</Badge>}
          {thread.is_resolved && <Icon name="check" size={13} className="text-good" />}
        </span>
        <span className="mt-1 line-clamp-2 text-xs break-words">
          {first.is_deleted ? <em className="text-ink-faint">Deleted</em> : first.content}
        </span>
        <span className="text-ink-faint mt-1 block text-2xs">
          {first.username} · {ago(last.timestamp, now)}
          {thread.comments.length > 1 && ` · ${plural(thread.comments.length - 1, "reply", "replies")}`}
        </span>
      </button>
    </li>
  );
}
