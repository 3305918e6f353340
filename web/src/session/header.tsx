/** The top of a session: what it is, how it stands, who is here. */
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { useFollower } from "~/follow/context";
import { HealthChip } from "~/health/chip";
import { Bell } from "~/inbox/bell";
import { compact, moment, plural } from "~/lib/format";
import { InviteDialog } from "~/people/invite-dialog";
import { KnockBar } from "~/people/knocks";
import { PeopleDialog } from "~/people/people-dialog";
import { PresenceBar } from "~/people/presence-bar";
import { useClientState, useSession } from "~/session/context";
import { EndDialog, RenameDialog } from "~/session/manage";
import { PausedBar, ThreadFact } from "~/thread/standing";
import { Counts } from "~/transcript/file-row";
import { Button, IconButton, StatusBadge } from "~/ui/controls";
import { Dialog } from "~/ui/dialog";
import { Icon } from "~/ui/icon";
import { Menu, type MenuItem } from "~/ui/menu";
import { ThemeToggle } from "~/ui/shell";
import { Bone } from "~/ui/states";

interface HeaderProps {
  onSearch: () => void;
  onHelp: () => void;
  isNarrow: boolean;
}

export function SessionHeader({ onSearch, onHelp, isNarrow }: HeaderProps) {
  const session = useSession((state) => state.session);
  const role = useSession((state) => state.role);
  const follower = useFollower();
  const others = useSession((state) => state.presence.size - Number(state.presence.has(state.you?.user_id ?? "")));
  const [, navigate] = useLocation();
  const [open, setOpen] = useState<"invite" | "people" | "rename" | "end" | null>(null);
  const isLive = session?.status === "live";
  const mayInvite = isLive && (role === "host" || role === "editor");
  const items: MenuItem[] = [{ icon: "users", label: "People…", onChoose: () => setOpen("people") }];
  if (session) items.push({ icon: "history", label: "Activity", onChoose: () => navigate(`/s/${session.id}/activity`) });
  if (isNarrow) items.unshift({ icon: "search", label: "Search…", onChoose: onSearch });
  if (isLive && role === "host") {
    if (isNarrow && others > 0) {
      items.push({ icon: "flag", label: "Bring everyone here", onChoose: () => follower.summon() });
    }
    items.push(
      { icon: "edit", label: "Rename…", onChoose: () => setOpen("rename") },
      { icon: "ban", label: "End session…", isDangerous: true, onChoose: () => setOpen("end") },
    );
  }
  const close = () => setOpen(null);
  return (
    <header className="border-line bg-surface shrink-0 border-b">
      <div className="relative flex h-13 items-center gap-2 px-2 sm:px-4">
        <Link
          href="/"
          aria-label="All sessions"
          title="All sessions"
          className="hover:bg-hover text-ink-soft grid size-8 shrink-0 place-items-center rounded-control"
        >
          <Icon name="back" />
        </Link>
        <div className="min-w-0 flex-1">
          {session ? (
            <div className="flex items-center gap-2">
              <h1 className="truncate text-base font-semibold tracking-tight" title={session.title}>
                {session.title}
              </h1>
              <StatusBadge status={session.status} />
              {!isNarrow && <HealthChip isNarrow={false} />}
            </div>
          ) : (
            <Bone className="h-4 w-44 max-w-full" />
          )}
          <Facts isNarrow={isNarrow} />
        </div>
        <PresenceBar most={isNarrow ? 3 : 7} />
        {isLive && role === "host" && others > 0 && !isNarrow && (
          <Button
            size="sm"
            icon="flag"
            className="ml-1 h-8"
            title="Asks everybody in this session to follow you"
            onClick={() => follower.summon()}
          >
            Bring everyone here
          </Button>
        )}
        {mayInvite && (
          <Button
            size="sm"
            icon="invite"
            look="primary"
            aria-label="Invite people"
            className="ml-1 h-8"
            onClick={() => setOpen("invite")}
          >
            <span className="hidden sm:inline">Invite</span>
          </Button>
        )}
        {session && <Bell />}
        {!isNarrow && (
          <>
            <IconButton icon="search" label="Search (/)" onClick={onSearch} />
            <IconButton icon="help" label="Keyboard shortcuts" onClick={onHelp} />
            <ThemeToggle />
          </>
        )}
        {session && <Menu icon="more" label="Session menu" items={items} />}
      </div>
      <KnockBar />
      <PausedBar />
      {open === "invite" && session && role && <InviteDialog sessionId={session.id} myRole={role} onClose={close} />}
      {open === "people" && <PeopleDialog onClose={close} />}
      {open === "rename" && session && <RenameDialog session={session} onClose={close} />}
      {open === "end" && session && <EndDialog session={session} onClose={close} />}
    </header>
  );
}

function Facts({ isNarrow }: { isNarrow: boolean }) {
  const session = useSession((state) => state.session);
  const agent = useSession((state) => state.agent);
  const model = useSession((state) => state.model);
  const tokens = useSession((state) => state.tokens);
  const context = useSession((state) => state.context);
  const total = tokens?.total ?? session?.token_count ?? null;
  if (!session) return <Bone className="mt-1.5 h-3 w-28" />;
  const named = agent ?? session.agent;
  return (
    <div className="text-ink-faint flex items-center gap-x-1.5 overflow-hidden text-xs whitespace-nowrap">
      {isNarrow && <HealthChip isNarrow />}
      {!isNarrow && <span className="truncate">{session.host.username}</span>}
      {named && (
        <span className="hidden truncate sm:inline">
          · {named}
          {model && <span className="hidden font-mono text-2xs lg:inline"> {model}</span>}
        </span>
      )}
      {total !== null && (
        <span
          className="tabular-nums"
          title={
            tokens
              ? `${tokens.input.toLocaleString("en")} in, ${tokens.output.toLocaleString("en")} out, ${tokens.cache_read.toLocaleString("en")} read from cache`
              : undefined
          }
        >
          · {compact(total)} tokens
        </span>
      )}
      {context?.limit && (
        <span className="hidden tabular-nums md:inline">
          · {Math.round((context.used / context.limit) * 100)}% of context
        </span>
      )}
      <FilesButton />
      <ThreadFact isNarrow={isNarrow} />
    </div>
  );
}

/** How many files the agent touched; which ones on demand. */
function FilesButton() {
  const files = useSession((state) => state.files);
  const isPartial = useSession((state) => state.from > 1);
  const [isOpen, setOpen] = useState(false);
  if (files.size === 0) return null;
  return (
    <>
      <span aria-hidden="true">·</span>
      <button
        type="button"
        onClick={() => setOpen(true)}
        className="hover:text-ink rounded tabular-nums underline decoration-dotted underline-offset-2"
      >
        {isPartial ? `${files.size}+ files` : plural(files.size, "file")}
      </button>
      {isOpen && (
        <Dialog title="Files touched" onClose={() => setOpen(false)}>
          <ul className="max-h-[60vh] space-y-1 overflow-y-auto">
            {[...files].map(([path, counts]) => (
              <li key={path} className="flex items-center gap-3 text-xs">
                <Icon name="file" size={14} className="text-info" />
                <span className="min-w-0 flex-1 font-mono break-all">{path}</span>
                <Counts {...counts} />
              </li>
            ))}
          </ul>
          {isPartial && (
            <p className="text-ink-faint mt-3 text-xs">Of the entries loaded so far; scroll up for earlier ones.</p>
          )}
        </Dialog>
      )}
    </>
  );
}

/** Says that the line is lost, once that has lasted long enough to matter. Lies over the page: nothing moves. */
export function OfflineBanner({ now, onRetry }: { now: number; onRetry: () => void }) {
  const line = useClientState((state) => state.line);
  const waiting = useSession((state) => state.outbox.length);
  if (line.phase === "online" || line.phase === "stopped" || line.lostAt === null || now - line.lostAt < 5_000) {
    return null;
  }
  const seconds = line.phase === "waiting" ? Math.max(0, Math.ceil((line.retryAt - now) / 1_000)) : 0;
  return (
    <div className="pointer-events-none absolute inset-x-0 top-2 z-30 flex justify-center px-3">
      <div
        role="status"
        className="bg-warn-soft text-warn border-warn/30 shadow-raised pointer-events-auto flex items-center gap-3 rounded-card border px-3.5 py-2 text-xs"
      >
        <Icon name="alert" size={14} />
        <span>
          <strong>Offline</strong> since {moment(new Date(line.lostAt).toISOString()).split(", ").at(-1)}.{" "}
          {waiting > 0 ? `${plural(waiting, "message")} will be sent when you are back.` : "What you write is kept."}
        </span>
        <button type="button" onClick={onRetry} className="shrink-0 rounded font-semibold underline underline-offset-2">
          {line.phase === "connecting" ? "Connecting…" : seconds > 0 ? `Try now (${seconds})` : "Try now"}
        </button>
      </div>
    </div>
  );
}
