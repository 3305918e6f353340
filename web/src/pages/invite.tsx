/** An invite: who invites, to what, as what. Looking spends nothing; only Accept does. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import { api, type InviteLook, type InviteStatus, type Me } from "~/api/cosession";
import { useMe } from "~/api/me";
import { moment } from "~/lib/format";
import { useTitle } from "~/lib/hooks";
import { roles } from "~/people/roles";
import { Badge, Button, Field, LinkButton, Refusal, Spinner } from "~/ui/controls";
import { Shell } from "~/ui/shell";
import { Message } from "~/ui/states";

/** How often somebody at the door asks whether it has opened. */
const ASK_EVERY_MS = 2_000;

/** States in which there is nothing to accept: what is so, and what to do about it. */
const closed: Partial<Record<InviteStatus, [title: string, text: string]>> = {
  expired: ["This invite has expired", "Invites last for a limited time. Ask for a new one."],
  revoked: ["This invite was withdrawn", "Whoever made it took it back. Ask them if you should still come in."],
  used_up: ["This invite was used already", "It let in as many people as it was made for. Ask for a new one."],
  declined: ["You declined this invite", "If you want to come in after all, ask for a new one."],
  left: ["You left this session", "You left it, or were removed, after this invite was made. Ask a host for a new one."],
  refused: ["You were not let in", "A host was asked and did not admit you. If that was a mistake, ask them."],
};

/** `id` names an invite that is made out to whoever is signed in; a link has its secret behind the `#` instead. */
export function InvitePage({ id }: { id?: string }) {
  useTitle("Invite · Cosession");
  // Kept in the address: reloading must not lose it, and what follows `#` reaches no server and no log.
  const [token] = useState(() => id ?? location.hash.slice(1));
  const me = useMe();
  const isSignedOut = id !== undefined && me.data === null;
  const look = useQuery({
    queryKey: ["invite", token, me.data?.user_id ?? null],
    queryFn: ({ signal }) => api.lookAtInvite(token, signal),
    enabled: token !== "" && me.data !== undefined && !isSignedOut,
    staleTime: 0,
    refetchInterval: (query) => (query.state.data?.status === "waiting" ? ASK_EVERY_MS : false),
    refetchIntervalInBackground: true,
  });

  return (
    <Shell me={me.data}>
      {isSignedOut ? (
        <SignInFirst id={token} />
      ) : token === "" || look.isError ? (
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
  const [, navigate] = useLocation();
  const wasWaiting = useRef(false);
  useEffect(() => {
    // Whoever waited is in: the door has opened in front of them.
    if (wasWaiting.current && look.status === "accepted" && look.session_id) {
      navigate(`/s/${look.session_id}`, { replace: true });
    }
    wasWaiting.current = look.status === "waiting";
  }, [look.status, look.session_id, navigate]);
  const isClosed = closed[look.status];
  if (isClosed) {
    const [title, text] = isClosed;
    return (
      <Message icon="ban" title={title} tone="bad">
        <p>{text}</p>
        <p className="text-ink-faint text-xs">
          {look.inviter} made this invite{look.host === look.inviter ? "." : `; ${look.host} hosts the session.`}
        </p>
        <LinkButton href="/">Your sessions</LinkButton>
      </Message>
    );
  }
  if (look.status === "wrong_person" && me) return <WrongPerson look={look} me={me} />;
  if (look.status === "waiting") return <AtTheDoor look={look} token={token} />;
  if (me === null && look.way !== "link") return <SignInFirst id={look.id} look={look} />;
  return (
    <div className="mx-auto max-w-md px-4 py-10 sm:py-16">
      <section className="bg-surface border-line rounded-card border p-6" aria-labelledby="invite-title">
        <p className="text-ink-soft text-sm">
          <span className="text-ink font-medium">{look.inviter}</span> invites you to a session
          {look.host !== look.inviter && ` of ${look.host}`}
        </p>
        <h1 id="invite-title" className="mt-1 text-xl font-semibold tracking-tight break-words">
          {look.title}
        </h1>
        <p className="text-ink-soft mt-4 flex items-start gap-2 text-sm">
          <Badge tone="info">{look.role}</Badge>
          <span>
            {look.has_ended ? "The session has ended: you can read all of it." : roles[look.role].may}
            {look.needs_approval && look.status === "live" && " A host lets you in."}
          </span>
        </p>
        <AcceptForm look={look} token={token} me={me} />
      </section>
      <p className="text-ink-faint mt-3 text-center text-xs">This invite holds until {moment(look.expires_at)}.</p>
    </div>
  );
}

/** What is made out to one person is told to nobody who has not shown to be them. */
function SignInFirst({ id, look }: { id: string; look?: InviteLook }) {
  const whom = look?.way === "email" ? `the holder of ${look.hint}` : "one person";
  return (
    <Message icon="key" title="Sign in to see your invite">
      <p>{look ? `${look.inviter} made this invite out to ${whom}. ` : ""}Sign in as the person that it was sent to.</p>
      <LinkButton href={`/sign-in?next=${encodeURIComponent(`/invite/${id}`)}`} look="primary" icon="key">
        Sign in
      </LinkButton>
    </Message>
  );
}

function WrongPerson({ look, me }: { look: InviteLook; me: Me }) {
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const signOut = useMutation({
    mutationFn: api.signOut,
    onSuccess: () => {
      queries.setQueryData(["me"], null);
      navigate(`/sign-in?next=${encodeURIComponent(`/invite/${look.id}`)}`);
    },
  });
  return (
    <Message icon="ban" title="This invite is for somebody else" tone="bad">
      <p>
        {look.inviter} made it out to {look.way === "email" ? `the holder of ${look.hint}` : "another person"}. You are
        signed in as <strong className="text-ink">{me.username}</strong>
        {me.email ? ` (${me.email})` : ""}.
      </p>
      <p>If that is you as well, sign in with the account that it was sent to; if not, ask for an invite of your own.</p>
      {signOut.isError && <Refusal>{signOut.error.message}</Refusal>}
      <p className="flex flex-wrap justify-center gap-2">
        <Button look="primary" disabled={signOut.isPending} onClick={() => signOut.mutate()}>
          Use another account
        </Button>
        <LinkButton href="/">Your sessions</LinkButton>
      </p>
    </Message>
  );
}

function AtTheDoor({ look, token }: { look: InviteLook; token: string }) {
  return (
    <Message icon="clock" title="A host has been asked">
      <p>
        You knocked at <strong className="text-ink">{look.title}</strong>. Leave this page open: it lets you in as soon as
        a host has admitted you.
      </p>
      <Spinner label={`Waiting for ${look.host}…`} />
      {look.way !== "link" && <DeclineButton token={token} label="Do not wait" />}
    </Message>
  );
}

function AcceptForm({ look, token, me }: { look: InviteLook; token: string; me: Me | null }) {
  const [name, setName] = useState("");
  const [, navigate] = useLocation();
  const queries = useQueryClient();
  const accept = useMutation({
    mutationFn: () => api.acceptInvite(token, me ? {} : { name: name.trim() }),
    onSuccess: async ({ session_id, is_waiting }) => {
      await queries.invalidateQueries({ queryKey: ["me"] });
      void queries.invalidateQueries({ queryKey: ["sessions"] });
      if (is_waiting) await queries.invalidateQueries({ queryKey: ["invite", token] });
      else navigate(`/s/${session_id}`, { replace: true });
    },
  });
  const isIn = look.status === "accepted";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    accept.mutate();
  };
  return (
    <form onSubmit={submit} className="mt-6 space-y-4">
      {me ? (
        <p className="text-ink-soft text-sm">
          {isIn ? "You are in already, as " : "You come in as "}
          <span className="text-ink font-medium">{me.username}</span>.
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
        {accept.isPending
          ? "Coming in…"
          : isIn
            ? "Open session"
            : look.needs_approval
              ? "Ask to come in"
              : "Accept invite"}
      </Button>
      {look.way !== "link" && look.status === "live" && <DeclineButton token={token} label="Decline" />}
    </form>
  );
}

function DeclineButton({ token, label }: { token: string; label: string }) {
  const queries = useQueryClient();
  const decline = useMutation({
    mutationFn: () => api.declineInvite(token),
    onSettled: () => queries.invalidateQueries({ queryKey: ["invite", token] }),
  });
  return (
    <>
      {decline.isError && <Refusal>{decline.error.message}</Refusal>}
      <Button look="ghost" className="w-full" disabled={decline.isPending} onClick={() => decline.mutate()}>
        {label}
      </Button>
    </>
  );
}
