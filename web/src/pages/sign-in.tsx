/** Signing in by a one-time link: its secret stands after the `#`, so it is in no log; opening the page spends it. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import { api } from "~/api/cosession";
import { ApiError } from "~/api/http";
import { useTitle } from "~/lib/hooks";
import { Button, Spinner } from "~/ui/controls";
import { Shell } from "~/ui/shell";
import { Message } from "~/ui/states";

export function SignInPage() {
  useTitle("Sign in · Cosession");
  const [token] = useState(() => location.hash.slice(1));
  const [error, setError] = useState<ApiError | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [, navigate] = useLocation();
  const queries = useQueryClient();
  const spent = useRef(-1);

  useEffect(() => {
    // Effects run twice in development; a one-time link must not.
    if (!token || spent.current === attempt) return;
    spent.current = attempt;
    setError(null);
    history.replaceState(null, "", "/sign-in");
    api.signIn(token).then(
      async () => {
        await queries.invalidateQueries({ queryKey: ["me"] });
        navigate(safeNext(), { replace: true });
      },
      (reason: unknown) => setError(reason instanceof ApiError ? reason : new ApiError(0, "unknown", String(reason))),
    );
  }, [token, attempt, navigate, queries]);

  if (!token) return <SignedOutPage />;
  return (
    <Shell>
      {error === null ? (
        <Message icon="key" title="Signing you in">
          <Spinner label="One moment…" />
        </Message>
      ) : error.status >= 400 && error.status < 500 && error.status !== 429 ? (
        <Message icon="ban" title="This sign-in link does not work any more" tone="bad">
          <p>{error.message}</p>
          <p>A link signs one person in, once.</p>
          <HowToSignIn />
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

/** Only a path of this site: `//elsewhere` and full addresses lead home. */
function safeNext(): string {
  const next = new URLSearchParams(location.search).get("next") ?? "/";
  return /^\/(?![/\\])/.test(next) ? next : "/";
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
      <p className="mt-1">It prints a one-time sign-in link each time it starts.</p>
      <p className="text-ink mt-3 font-medium">If somebody else does</p>
      <p className="mt-1">Ask anybody in a session for an invite link: it brings you in and signs you in.</p>
    </div>
  );
}
