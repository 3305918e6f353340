/** An invite: who invites, to what, as what. Looking spends nothing; only Accept does. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { api, type InviteLook, type Me } from "~/api/cosession";
import { useMe } from "~/api/me";
import { moment } from "~/lib/format";
import { useTitle } from "~/lib/hooks";
import type { Role } from "~/session/protocol";
import { Badge, Button, Field, LinkButton, Refusal, Spinner } from "~/ui/controls";
import { Shell } from "~/ui/shell";
import { Message } from "~/ui/states";

const may: Record<Role, string> = {
  host: "You can watch, chat, invite others and manage the session.",
  editor: "You can watch, chat and invite others.",
  viewer: "You can watch everything; writing is for editors.",
};

const closed: Record<Exclude<InviteLook["status"], "live" | "accepted">, [title: string, text: string]> = {
  expired: ["This invite has expired", "Invites last for a limited time. Ask for a new one."],
  revoked: ["This invite was withdrawn", "Whoever made it took it back. Ask them if you should still come in."],
  used_up: ["This invite was used already", "It let in as many people as it was made for. Ask for a new one."],
};

export function InvitePage() {
  useTitle("Invite · Cosession");
  // Kept in the address: reloading must not lose it, and what follows `#` reaches no server and no log.
  const [token] = useState(() => location.hash.slice(1));
  const me = useMe();
  const look = useQuery({
    queryKey: ["invite", token, me.data?.user_id ?? null],
    queryFn: () => api.lookAtInvite(token),
    enabled: token !== "" && me.data !== undefined,
    staleTime: 0,
  });

  return (
    <Shell me={me.data}>
      {token === "" || look.isError ? (
        <Message icon="link" title="This invite link does not work" tone="bad">
          <p>{look.error?.message ?? "The link is not complete. Copy all of it, up to its end."}</p>
          <LinkButton href="/">Your sessions</LinkButton>
        </Message>
      ) : me.isError ? (
        <Message icon="alert" title="Cosession cannot be reached" tone="bad">
          <p>{me.error.message}</p>
          <Button onClick={() => void me.refetch()}>Try again</Button>
        </Message>
      ) : !look.data ? (
        <Message icon="link" title="Looking at your invite">
          <Spinner label="One moment…" />
        </Message>
      ) : (
        <Invite look={look.data} token={token} me={me.data ?? null} />
      )}
    </Shell>
  );
}

function Invite({ look, token, me }: { look: InviteLook; token: string; me: Me | null }) {
  if (look.status !== "live" && look.status !== "accepted") {
    const [title, text] = closed[look.status];
    return (
      <Message icon="ban" title={title} tone="bad">
        <p>{text}</p>
        <LinkButton href="/">Your sessions</LinkButton>
      </Message>
    );
  }
  const host = typeof look.host === "string" ? look.host : look.host.username;
  return (
    <div className="mx-auto max-w-md px-4 py-10 sm:py-16">
      <section className="bg-surface border-line rounded-card border p-6" aria-labelledby="invite-title">
        <p className="text-ink-soft text-sm">
          <span className="text-ink font-medium">{host}</span> invites you to a session
        </p>
        <h1 id="invite-title" className="mt-1 text-xl font-semibold tracking-tight break-words">
          {look.title}
        </h1>
        <p className="text-ink-soft mt-4 flex items-start gap-2 text-sm">
          <Badge tone="info">{look.role}</Badge>
          <span>{may[look.role]}</span>
        </p>
        <AcceptForm look={look} token={token} me={me} />
      </section>
      <p className="text-ink-faint mt-3 text-center text-xs">This invite holds until {moment(look.expires_at)}.</p>
    </div>
  );
}

function AcceptForm({ look, token, me }: { look: InviteLook; token: string; me: Me | null }) {
  const [name, setName] = useState("");
  const [, navigate] = useLocation();
  const queries = useQueryClient();
  const accept = useMutation({
    mutationFn: () => api.acceptInvite(token, me ? {} : { name: name.trim() }),
    onSuccess: async ({ session_id }) => {
      await queries.invalidateQueries({ queryKey: ["me"] });
      void queries.invalidateQueries({ queryKey: ["sessions"] });
      navigate(`/s/${session_id}`, { replace: true });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    accept.mutate();
  };
  return (
    <form onSubmit={submit} className="mt-6 space-y-4">
      {me ? (
        <p className="text-ink-soft text-sm">
          You come in as <span className="text-ink font-medium">{me.username}</span>.
        </p>
      ) : (
        <Field
          label="Your name"
          hint="Others see it beside what you write."
          value={name}
          onChange={(event) => setName(event.target.value)}
          autoComplete="name"
          maxLength={80}
          required
        />
      )}
      {accept.isError && <Refusal>{accept.error.message}</Refusal>}
      <Button type="submit" look="primary" className="w-full" disabled={accept.isPending}>
        {accept.isPending ? "Coming in…" : look.status === "accepted" ? "Open session" : "Accept invite"}
      </Button>
    </form>
  );
}
