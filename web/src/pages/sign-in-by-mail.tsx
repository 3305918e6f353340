/** Coming in by an address: asking for a mail, typing its code, and confirming its link. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { api, type Me } from "~/api/cosession";
import { remember, remembered } from "~/lib/storage";
import { say } from "~/lib/toast";
import { Button, Field, Refusal, Spinner } from "~/ui/controls";
import { Message } from "~/ui/states";

/** How the secret of a mailed link begins. */
const MARK = "m.";
/** Where the page leads that asked for a mail: its link opens in another tab. */
const NEXT = "cosession.sign-in.next";

export const isMailed = (token: string): boolean => token.startsWith(MARK);

/** What follows when somebody has come in: nothing stays that the last person could see. */
export function useArrived(next: string): (arrived: Me & { replaces: string | null }) => void {
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  return ({ replaces, ...now }) => {
    if (replaces) say(`You are ${now.username} in this browser now. Until now it was ${replaces}.`);
    queries.removeQueries({
      predicate: ({ queryKey }) => queryKey[0] !== "me",
    });
    queries.setQueryData<Me | null>(["me"], now);
    void tellTimeZone();
    navigate(next, { replace: true });
  };
}

/** Digests come at a time of the day, so the server learns which; what somebody has chosen themselves stays. */
async function tellTimeZone(): Promise<void> {
  try {
    const { time_zone } = await api.profile();
    if (time_zone === "")
      await api.changeProfile({
        time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      });
  } catch {
    // A server that does not know the zone keeps to UTC; it is asked again with the next sign-in.
  }
}

/** Asks for a mail; then for what stands in it. */
export function ByMail({ next }: { next: string }) {
  const [email, setEmail] = useState("");
  const ask = useMutation({
    mutationFn: () => api.askForLink(email.trim()),
    onSuccess: () => remember(NEXT, next),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask.mutate();
  };
  if (ask.isSuccess) return <Code email={email.trim()} next={next} onBack={() => ask.reset()} />;
  return (
    <form onSubmit={submit} className="space-y-3 text-left">
      <Field
        label="Your e-mail address"
        hint="A link that signs you in goes there."
        type="email"
        autoComplete="email"
        maxLength={320}
        value={email}
        onChange={(event) => setEmail(event.target.value)}
        required
      />
      {ask.isError && <Refusal>{ask.error.message}</Refusal>}
      <Button type="submit" look="primary" className="w-full" disabled={ask.isPending}>
        {ask.isPending ? "One moment…" : "Send me a link"}
      </Button>
    </form>
  );
}

function Code({ email, next, onBack }: { email: string; next: string; onBack: () => void }) {
  const [code, setCode] = useState("");
  const arrived = useArrived(next);
  const use = useMutation({
    mutationFn: () => api.signInByCode(code),
    onSuccess: arrived,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    use.mutate();
  };
  return (
    <form onSubmit={submit} className="space-y-3 text-left" aria-label="Code">
      <p role="status">
        If somebody can come in as <span className="text-ink font-medium break-words">{email}</span>, a mail is on its
        way. Open its link in this browser, or type its code here.
      </p>
      <Field
        label="Code"
        value={code}
        onChange={(event) => setCode(event.target.value)}
        autoComplete="one-time-code"
        autoCapitalize="characters"
        spellCheck={false}
        maxLength={40}
        required
        autoFocus
      />
      {use.isError && <Refusal>{use.error.message}</Refusal>}
      <Button type="submit" look="primary" className="w-full" disabled={use.isPending}>
        {use.isPending ? "One moment…" : "Sign in"}
      </Button>
      <Button look="ghost" size="sm" onClick={onBack}>
        Another address, or another mail
      </Button>
    </form>
  );
}

/** A mailed link was opened. Only the button spends it: programs that look at mail open pages, too. */
export function Confirm({ token, next }: { token: string; next: string }) {
  const [goesTo] = useState(() => (next === "/" ? (remembered(NEXT) ?? next) : next));
  const whose = useQuery({
    queryKey: ["mailed link", token],
    queryFn: () => api.lookAtLink(token),
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const arrived = useArrived(goesTo);
  const use = useMutation({
    mutationFn: () => api.signIn(token),
    onSuccess: (me) => {
      remember(NEXT, null);
      arrived(me);
    },
  });
  const refusal = whose.error ?? use.error;
  if (refusal) {
    return (
      <Message icon="ban" title="This link does not sign you in" tone="bad">
        <p>{refusal.message}</p>
        <ByMail next={goesTo} />
      </Message>
    );
  }
  return (
    <Message icon="key" title="Sign in to Cosession">
      {whose.data ? (
        <>
          <p>
            You come in as <span className="text-ink font-medium break-words">{whose.data.email}</span>.
          </p>
          <Button look="primary" disabled={use.isPending} onClick={() => use.mutate()}>
            {use.isPending ? "One moment…" : "Sign in"}
          </Button>
        </>
      ) : (
        <Spinner label="One moment…" />
      )}
    </Message>
  );
}
