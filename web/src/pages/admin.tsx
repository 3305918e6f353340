/** What the server has open now, for whoever runs it: live sessions and connections, renewed every five seconds. */
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { api, type Live, type Me } from "~/api/cosession";
import { ApiError } from "~/api/http";
import { ago, moment, plural } from "~/lib/format";
import { useNow, useTitle } from "~/lib/hooks";
import { Avatar } from "~/ui/avatar";
import { Badge, Button, StatusBadge } from "~/ui/controls";
import { Icon } from "~/ui/icon";
import { Shell } from "~/ui/shell";
import { Bone, Message } from "~/ui/states";
import { NotFoundPage } from "./not-found";

const EVERY = 5_000;

export default function AdminPage({ me }: { me: Me }) {
  // To anybody else there is no such page, as the server says too.
  return me.is_admin ? <LivePage me={me} /> : <NotFoundPage />;
}

function LivePage({ me }: { me: Me }) {
  useTitle("Live · Cosession");
  const live = useQuery({
    queryKey: ["live"],
    queryFn: ({ signal }) => api.live(signal),
    refetchInterval: EVERY,
    staleTime: 0,
    // Asked again anyhow; what fails, and being offline, shows at once.
    retry: false,
    networkMode: "always",
  });
  const { data, error } = live;
  if (error instanceof ApiError && error.status === 404) return <NotFoundPage />;
  return (
    <Shell me={me}>
      <div className="mx-auto w-full max-w-6xl px-4 py-6 sm:px-6 sm:py-8">
        <h1 className="text-xl font-semibold tracking-tight">Live on this server</h1>
        <p className="text-ink-soft mt-1 text-sm">Sessions and connections that this process has open now.</p>
        {data && error && (
          <p role="status" className="bg-warn-soft text-warn mt-4 flex items-center gap-2 rounded-control px-3 py-2 text-xs">
            <Icon name="alert" size={14} />
            <span>
              {error.message} This is as of {moment(new Date(live.dataUpdatedAt).toISOString()).split(", ").at(-1)}.
            </span>
          </p>
        )}
        {data ? <Tables data={data} /> : error ? <Failed error={error} onRetry={() => void live.refetch()} /> : <Loading />}
      </div>
    </Shell>
  );
}

function Tables({ data }: { data: Live }) {
  const now = useNow(EVERY);
  if (data.totals.connections === 0) {
    return (
      <Message icon="users" title="Nobody is connected">
        <p>As soon as somebody opens a session, it appears here.</p>
      </Message>
    );
  }
  const titles = new Map(data.sessions.map((session) => [session.id, session.title]));
  return (
    <>
      <Totals totals={data.totals} />
      <Section title="Sessions" count={data.sessions.length} columns={["Session", "Host", "People", "Connections", "Entries", "Queued"]}>
        {data.sessions.map((session) => (
          <tr key={session.id}>
            <th scope="row" className="font-medium">
              <span className="flex items-center gap-2">
                <Link href={`/s/${session.id}`} className="hover:underline">
                  {session.title}
                </Link>
                <StatusBadge status={session.status} />
              </span>
            </th>
            <Cell name="Host">
              <Somebody name={session.host.username} color={session.host.color} />
            </Cell>
            <Cell name="People">{session.people}</Cell>
            <Cell name="Connections">{session.connections}</Cell>
            <Cell name="Entries">{session.head.toLocaleString("en")}</Cell>
            <Cell name="Queued">{bytes(session.queued_bytes)}</Cell>
          </tr>
        ))}
      </Section>
      <Section
        title="Connections"
        count={data.connections.length}
        columns={["Person", "Session", "Role", "Over", "Open since", "Last heard", "Queued", "Address"]}
      >
        {data.connections.map((one) => (
          <tr key={one.id}>
            <th scope="row" className="font-medium">
              <span className="flex items-center gap-2">
                {one.username} {!one.is_live && <Badge tone="warn">catching up</Badge>}
              </span>
            </th>
            <Cell name="Session">{titles.get(one.session_id) ?? one.session_id}</Cell>
            <Cell name="Role">{one.role}</Cell>
            <Cell name="Over">{one.transport}</Cell>
            <Cell name="Open since">
              <time dateTime={one.since} title={moment(one.since)}>
                {ago(one.since, now)}
              </time>
            </Cell>
            <Cell name="Last heard">
              <time dateTime={one.last_heard_at} title={moment(one.last_heard_at)}>
                {ago(one.last_heard_at, now)}
              </time>
            </Cell>
            <Cell name="Queued">{bytes(one.queued_bytes)}</Cell>
            <Cell name="Address">
              <span className="font-mono text-2xs break-all">{one.address}</span>
            </Cell>
          </tr>
        ))}
      </Section>
    </>
  );
}

function Totals({ totals }: { totals: Live["totals"] }) {
  const over = Object.entries(totals.by_transport).map(([name, count]) => `${count} ${name}`);
  const all: [string, string, string?][] = [
    ["Sessions", totals.sessions.toLocaleString("en")],
    ["People", totals.people.toLocaleString("en")],
    ["Connections", totals.connections.toLocaleString("en"), over.join(", ")],
    ["Queued", bytes(totals.queued_bytes), "not taken yet by slow readers"],
  ];
  return (
    <dl aria-label="Totals" className="mt-5 grid grid-cols-2 gap-3 md:grid-cols-4">
      {all.map(([name, value, more]) => (
        <div key={name} className="bg-surface border-line rounded-card border px-4 py-3">
          <dt className="text-ink-faint text-xs">{name}</dt>
          <dd className="text-xl font-semibold tabular-nums">{value}</dd>
          {more && <dd className="text-ink-faint text-2xs">{more}</dd>}
        </div>
      ))}
    </dl>
  );
}

/** A table that becomes a list of cards where there is no room for its columns. */
function Section({
  title,
  count,
  columns,
  children,
}: {
  title: string;
  count: number;
  columns: readonly string[];
  children: ReactNode;
}) {
  return (
    <section aria-label={title} className="mt-7">
      <h2 className="mb-2 flex items-center gap-2 font-semibold">
        {title} <span className="text-ink-faint text-xs font-normal tabular-nums">{count}</span>
      </h2>
      <div className="bg-surface border-line rounded-card overflow-x-auto border">
        {/* Roles are named: a table that is laid out as blocks is none to some readers otherwise. */}
        <table
          aria-label={title}
          className="w-full text-left text-xs max-md:block [&_tbody]:max-md:block [&_td]:px-3 [&_td]:py-2 [&_td]:max-md:flex [&_td]:max-md:justify-between [&_td]:max-md:gap-4 [&_td]:max-md:py-0.5 [&_th]:px-3 [&_th]:py-2 [&_th]:max-md:block [&_tr]:max-md:block [&_tr]:max-md:py-1.5"
        >
          <thead className="text-ink-faint border-line border-b max-md:hidden">
            <tr>
              {columns.map((column) => (
                <th key={column} scope="col" className="font-medium whitespace-nowrap">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody className="divide-line divide-y">{children}</tbody>
        </table>
      </div>
    </section>
  );
}

function Cell({ name, children }: { name: string; children: ReactNode }) {
  return (
    <td className="text-ink-soft tabular-nums">
      <span aria-hidden="true" className="text-ink-faint md:hidden">
        {name}
      </span>
      <span>{children}</span>
    </td>
  );
}

function Somebody({ name, color }: { name: string; color: number }) {
  return (
    <span className="inline-flex items-center gap-1.5 whitespace-nowrap">
      <Avatar name={name} color={color} size={18} />
      {name}
    </span>
  );
}

function Failed({ error, onRetry }: { error: Error; onRetry: () => void }) {
  const isOffline = error instanceof ApiError && error.status === 0;
  return (
    <Message icon="alert" title={isOffline ? "The server cannot be reached" : "This could not be loaded"} tone="bad">
      <p>{isOffline ? "It is asked again every few seconds." : error.message}</p>
      <Button icon="retry" onClick={onRetry}>
        Try again
      </Button>
    </Message>
  );
}

function Loading() {
  return (
    <div role="status" aria-label="Loading what is live" className="mt-5 space-y-6">
      <div className="grid grid-cols-2 gap-3 md:grid-cols-4">
        {["a", "b", "c", "d"].map((key) => (
          <Bone key={key} className="h-16" />
        ))}
      </div>
      <Bone className="h-32" />
      <Bone className="h-32" />
    </div>
  );
}

function bytes(count: number): string {
  if (count < 1_024) return plural(count, "byte");
  return count < 1_048_576 ? `${(count / 1_024).toFixed(1)} KiB` : `${(count / 1_048_576).toFixed(1)} MiB`;
}
