/** Signing in by a one-time link: its secret stands after the `#`, so it is in no log; opening the page spends it. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import { api, type Me } from "~/api/cosession";
import { ApiError } from "~/api/http";
import { useMe } from "~/api/me";
import { useTitle } from "~/lib/hooks";
import { nextPath } from "~/lib/next";
import { say } from "~/lib/toast";
import { Button, LinkButton, Spinner } from "~/ui/controls";
import { Shell } from "~/ui/shell";
import { Message } from "~/ui/states";

export function SignInPage() {
  useTitle("Sign in · Cosession");
  // Taken at once: the address loses both, so that going back or reloading does not spend the link again.
  const [{ token, next }] = useState(() => ({ token: location.hash.slice(1), next: nextPath(location.search) }));
  return token === "" ? <SignedOutPage /> : <Arrival token={token} next={next} />;
}

function Arrival({ token, next }: { token: string; next: string }) {
  const [error, setError] = useState<ApiError | null>(null);
  // Whoever a dead link leaves here may go on.
  const was = useMe({ enabled: error !== null }).data ?? null;
  const [attempt, setAttempt] = useState(0);
  const [, navigate] = useLocation();
  const queries = useQueryClient();
  const spent = useRef(-1);

  useEffect(() => {
    // Effects run twice in development; a one-time link must not.
    if (spent.current === attempt) return;
    spent.current = attempt;
    setError(null);
    history.replaceState(null, "", "/sign-in");
    api.signIn(token).then(
      ({ replaces, ...now }) => {
        if (replaces) say(`You are ${now.username} in this browser now. Until now it was ${replaces}.`);
        // Nothing that the last person could see stays.
        queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "me" });
        queries.setQueryData<Me | null>(["me"], now);
        navigate(next, { replace: true });
      },
      (reason: unknown) => setError(reason instanceof ApiError ? reason : new ApiError(0, "unknown", String(reason))),
    );
  }, [token, next, attempt, navigate, queries]);

  return (
    <Shell me={error ? was : null}>
      {error === null ? (
        <Message icon="key" title="Signing you in">
          <Spinner label="One moment…" />
        </Message>
      ) : error.status >= 400 && error.status < 500 && error.status !== 429 ? (
        <Message icon="ban" title="This sign-in link does not work any more" tone="bad">
          <p>{error.message}</p>
          <p>A link signs one person in, once.</p>
          {was ? (
            <LinkButton href={next} look="primary">
              Continue as {was.username}
            </LinkButton>
          ) : (
            <HowToSignIn />
          )}
        </Message>
      ) : (
        <Message icon="alert" title="Signing in did not work yet" tone="bad">
          <p>{error.message}</p>
          <Button look="primary" icon="retry" onClick={() => setAttempt((count) => count + 1)}>
            Try again
          </Button>
        </Message>
      )}
    </Shell>
  );
}

export function SignedOutPage() {
  useTitle("Sign in · Cosession");
  return (
    <Shell>
      <Message icon="key" title="Sign in to Cosession">
        <p>Live, shared AI coding sessions. You come in by a link.</p>
        <HowToSignIn />
        <Button size="sm" icon="retry" look="ghost" onClick={() => location.assign("/")}>
          I have signed in already
        </Button>
      </Message>
    </Shell>
  );
}

function HowToSignIn() {
  return (
    <div className="bg-surface border-line rounded-card border p-4 text-left">
      <p className="text-ink font-medium">If you run this server</p>
      <p className="mt-1">It prints a one-time sign-in link each time it starts. On its machine, this prints another:</p>
      <code className="bg-code border-line text-ink mt-2 block rounded border px-2.5 py-2 text-xs break-words">
        cosession user sign-in you@example.com
      </code>
      <p className="text-ink mt-4 font-medium">If somebody else does</p>
      <p className="mt-1">Ask them for such a link, or ask anybody in a session for an invite.</p>
    </div>
  );
}
