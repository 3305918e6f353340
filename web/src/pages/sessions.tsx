/** The sessions that somebody takes part in, the latest first, and how to start one. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useCallback, useState } from "react";
import { Link, useLocation } from "wouter";
import { api, type Me } from "~/api/cosession";
import { addressOf } from "~/lib/address";
import { ago, compact, moment, plural } from "~/lib/format";
import { SmallScore } from "~/health/score";
import { useNow, useTitle } from "~/lib/hooks";
import { useSearchKeys } from "~/search/keys";
import { Invitations } from "~/people/invitations";
import { SearchDialog } from "~/search/search-dialog";
import type { SessionView } from "~/session/protocol";
import { Avatar } from "~/ui/avatar";
import { Button, Field, StatusBadge, UnreadBadge } from "~/ui/controls";
import { Dialog } from "~/ui/dialog";
import { Icon } from "~/ui/icon";
import { Shell } from "~/ui/shell";
import { Bone, Message } from "~/ui/states";

export function SessionsPage({ me }: { me: Me }) {
  useTitle("Sessions · Cosession");
  const [isStarting, setStarting] = useState(false);
  const [isSearching, setSearching] = useState(false);
  const [, navigate] = useLocation();
  useSearchKeys(useCallback(() => setSearching(true), []));
  const sessions = useQuery({
    queryKey: ["sessions"],
    queryFn: ({ signal }) => api.sessions(signal),
    refetchInterval: 15_000,
  });
  const items = sessions.data?.items;
  return (
    <Shell me={me}>
      <div className="mx-auto w-full max-w-4xl px-4 py-6 sm:px-6 sm:py-8">
        <Invitations />
        {items && items.length > 0 && (
          <div className="mb-4 flex items-center gap-2">
            <h1 className="min-w-0 flex-1 text-xl font-semibold tracking-tight">Sessions</h1>
            <Button icon="search" title="Search (/)" onClick={() => setSearching(true)}>
              Search
            </Button>
            <Button look="primary" icon="plus" onClick={() => setStarting(true)}>
              New session
            </Button>
          </div>
        )}
        {items === undefined && !sessions.isError && <Loading />}
        {items === undefined && sessions.isError && (
          <Message icon="alert" title="Your sessions could not be loaded" tone="bad">
            <p>{sessions.error.message}</p>
            <Button icon="retry" onClick={() => void sessions.refetch()}>
              Try again
            </Button>
          </Message>
        )}
        {items?.length === 0 && <Empty onStart={() => setStarting(true)} />}
        {items && items.length > 0 && <SessionList items={items} />}
      </div>
      {isSearching && (
        <SearchDialog
          sessionId={null}
          onChoose={(hit) => navigate(addressOf(hit.session_id, hit.seq))}
          onClose={() => setSearching(false)}
        />
      )}
      {isStarting && <StartDialog onClose={() => setStarting(false)} />}
    </Shell>
  );
}

function SessionList({ items }: { items: readonly SessionView[] }) {
  const now = useNow();
  const sorted = items.toSorted(
    (a, b) =>
      Number(a.status === "ended") - Number(b.status === "ended") ||
      b.last_activity_at.localeCompare(a.last_activity_at),
  );
  return (
    <ul aria-label="Sessions" className="bg-surface border-line rounded-card divide-line divide-y border">
      {sorted.map((session) => (
        <li key={session.id}>
          <SessionCard session={session} now={now} />
        </li>
      ))}
    </ul>
  );
}

function SessionCard({ session, now }: { session: SessionView; now: number }) {
  const facts = [
    session.agent,
    plural(session.participant_count, "person", "people"),
    session.message_count > 0 ? plural(session.message_count, "message") : null,
    session.token_count ? `${compact(session.token_count)} tokens` : null,
  ].filter(Boolean);
  return (
    <Link
      href={`/s/${session.id}`}
      className="hover:bg-hover flex items-center gap-3 px-4 py-3 transition-colors first-of-type:rounded-t-card"
    >
      <Avatar name={session.host.username} color={session.host.color} size={34} />
      <span className="min-w-0 flex-1">
        <span className="flex items-center gap-2">
          <span className={`truncate ${session.unread_count > 0 ? "font-semibold" : "font-medium"}`}>{session.title}</span>
          <UnreadBadge unread={session.unread_count} mentions={session.mention_count} />
          <StatusBadge status={session.status} />
        </span>
        <span className="text-ink-faint mt-0.5 block truncate text-xs">
          {session.health_score !== null && (
            <>
              <SmallScore score={session.health_score} /> ·{" "}
            </>
          )}
          {session.host.username} · {facts.join(" · ")}
        </span>
      </span>
      <time
        aria-label={`last activity ${ago(session.last_activity_at, now)}`}
        dateTime={session.last_activity_at}
        title={moment(session.last_activity_at)}
        className="text-ink-faint shrink-0 text-xs tabular-nums"
      >
        {ago(session.last_activity_at, now)}
      </time>
      <Icon name="chevron" className="text-ink-faint hidden sm:block" />
    </Link>
  );
}

function Loading() {
  return (
    <div role="status" aria-label="Loading your sessions">
      <Bone className="mb-5 h-7 w-32" />
      <div className="bg-surface border-line rounded-card divide-line divide-y border">
        {[64, 44, 56].map((width) => (
          <div key={width} className="flex items-center gap-3 px-4 py-3.5">
            <Bone className="size-9 rounded-full" />
            <div className="flex-1 space-y-2">
              <div style={{ width: `${width}%` }}>
                <Bone className="h-3.5" />
              </div>
              <Bone className="h-3 w-1/4" />
            </div>
          </div>
        ))}
      </div>
    </div>
  );
}

function Empty({ onStart }: { onStart: () => void }) {
  return (
    <div className="py-6 sm:py-12">
      <div className="mx-auto max-w-xl text-center">
        <h1 className="text-xl font-semibold tracking-tight">Start your first session</h1>
        <p className="text-ink-soft mt-1.5 text-sm">
          A session is a coding agent’s work that your team watches and talks about while it happens. There are three ways
          to start one.
        </p>
      </div>
      <ol className="mx-auto mt-6 grid max-w-3xl gap-3 sm:grid-cols-3">
        <Way icon="chat" title="From Slack" text="In any channel that has the Cosession app:">
          <Command>/cosession start Fix the login bug</Command>
        </Way>
        <Way icon="terminal" title="From a terminal" text="Where Claude Code or Codex is running:">
          <Command>cosession share --latest</Command>
        </Way>
        <Way icon="plus" title="From here" text="A title is enough. Invite people, then connect an agent.">
          <Button look="primary" icon="plus" onClick={onStart} className="mt-auto w-full">
            New session
          </Button>
        </Way>
      </ol>
    </div>
  );
}

function Way({
  icon,
  title,
  text,
  children,
}: {
  icon: "chat" | "terminal" | "plus";
  title: string;
  text: string;
  children: React.ReactNode;
}) {
  return (
    <li className="bg-surface border-line rounded-card flex flex-col gap-3 border p-4">
      <span className="flex items-center gap-2 font-medium">
        <Icon name={icon} className="text-accent" />
        {title}
      </span>
      <span className="text-ink-soft text-sm">{text}</span>
      {children}
    </li>
  );
}

function Command({ children }: { children: string }) {
  return (
    <code className="bg-code border-line mt-auto block rounded border px-2.5 py-2 text-xs break-words">{children}</code>
  );
}

function StartDialog({ onClose }: { onClose: () => void }) {
  const [title, setTitle] = useState("");
  const [, navigate] = useLocation();
  const queries = useQueryClient();
  const start = useMutation({
    mutationFn: api.startSession,
    onSuccess: (session) => {
      void queries.invalidateQueries({ queryKey: ["sessions"] });
      navigate(`/s/${session.id}`);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (title.trim()) start.mutate(title.trim());
  };
  return (
    <Dialog title="New session" onClose={onClose}>
      <form onSubmit={submit} className="space-y-5">
        <Field
          label="Title"
          hint="A few words about what it is for. It can be changed later."
          error={start.error?.message}
          value={title}
          onChange={(event) => setTitle(event.target.value)}
          maxLength={200}
          placeholder="Fix the login bug"
          autoComplete="off"
          autoFocus
          required
        />
        <div className="flex justify-end gap-2">
          <Button look="ghost" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" look="primary" disabled={!title.trim() || start.isPending}>
            {start.isPending ? "Starting…" : "Start session"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
