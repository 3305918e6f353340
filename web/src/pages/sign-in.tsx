/** Signing in by a one-time link: its secret stands after the `#`, so it is in no log. Opening the page spends one that
 * was printed or shown, and not one that was mailed. */
import { useEffect, useRef, useState } from "react";
import { api } from "~/api/cosession";
import { ApiError } from "~/api/http";
import { useMe, useWaysIn } from "~/api/me";
import { useTitle } from "~/lib/hooks";
import { nextPath } from "~/lib/next";
import { ByMail, Confirm, isMailed, useArrived } from "~/pages/sign-in-by-mail";
import { withNext } from "~/ui/account";
import { Button, LinkButton, Spinner } from "~/ui/controls";
import { Shell } from "~/ui/shell";
import { Message } from "~/ui/states";

export function SignInPage() {
  useTitle("Sign in · Cosession");
  // Taken at once: the address loses both, so that going back or reloading does not spend the link again.
  const [{ token, next }, arrive] = useState(link);
  useEffect(() => {
    if (token !== "") history.replaceState(null, "", "/sign-in");
    // A link that is pasted while this page is open loads nothing anew.
    const pasted = () => location.hash !== "" && arrive(link());
    addEventListener("hashchange", pasted);
    return () => removeEventListener("hashchange", pasted);
  }, [token]);
  if (token === "") return <SignedOutPage />;
  if (!isMailed(token)) return <Arrival key={token} token={token} next={next} />;
  return (
    <Shell me={null}>
      <Confirm key={token} token={token} next={next} />
    </Shell>
  );
}

const link = () => ({ token: location.hash.slice(1), next: nextPath(location.search) });

function Arrival({ token, next }: { token: string; next: string }) {
  const [error, setError] = useState<ApiError | null>(null);
  // Whoever a dead link leaves here may go on.
  const was = useMe({ enabled: error !== null }).data ?? null;
  const [attempt, setAttempt] = useState(0);
  const arrived = useRef(useArrived(next));
  const spent = useRef(-1);

  useEffect(() => {
    // Effects run twice in development; a one-time link must not.
    if (spent.current === attempt) return;
    spent.current = attempt;
    setError(null);
    api
      .signIn(token)
      .then(arrived.current, (reason: unknown) =>
        setError(reason instanceof ApiError ? reason : new ApiError(0, "unknown", String(reason))),
      );
  }, [token, attempt]);

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

/** What became of signing in with Slack, by the word that the server sends the browser back with. */
const slackSaid: Record<string, string> = {
  declined: "You did not agree in Slack, so nothing has changed.",
  stale: "That took too long, or it was begun in another browser. Try once more.",
  unreachable: "Slack does not answer just now. Try again in a moment.",
  other_workspace: "That is an account of another Slack workspace than the one that is connected here.",
  guest: "Guests of the workspace cannot sign in with Slack. Ask the host of a session for an invite link.",
  taken: "That Slack account belongs to another account here. Sign out first, then sign in with Slack.",
  email_taken:
    "There is an account with your address here already. Sign in to it by a link, then connect Slack in the menu under your picture.",
  deactivated: "Your account here has been deactivated. Ask whoever runs this server.",
  failed: "Signing in with Slack did not work. Try once more; if it fails again, tell whoever runs this server.",
};

export function SignedOutPage() {
  useTitle("Sign in · Cosession");
  const me = useMe().data ?? null;
  const ways = useWaysIn();
  const slack = ways.data?.find((way) => way.provider === "slack");
  const hasMail = ways.data?.some((way) => way.provider === "email") ?? false;
  const asked = new URLSearchParams(location.search);
  const said = asked.get("slack");
  const next = location.pathname === "/sign-in" ? nextPath(location.search) : location.pathname;
  return (
    <Shell me={me}>
      <Message icon="key" title="Sign in to Cosession">
        {said ? (
          <p role="alert" className="text-bad">
            {slackSaid[said] ?? slackSaid.failed}
          </p>
        ) : (
          <p>
            Live, shared AI coding sessions.
            {slack || hasMail ? "" : " You come in by a link."}
          </p>
        )}
        {me && (
          <LinkButton href={next} look="primary">
            Continue as {me.username}
          </LinkButton>
        )}
        {slack && !me && (
          <a
            href={withNext(slack.path, next)}
            className="bg-accent hover:bg-accent-strong text-accent-ink inline-flex h-10 items-center rounded-control px-5 font-medium"
          >
            Sign in with Slack
          </a>
        )}
        {hasMail && !me && <ByMail next={next} />}
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
      <p className="mt-1">
        It prints a one-time sign-in link each time it starts. On its machine, this prints another:
      </p>
      <code className="bg-code border-line text-ink mt-2 block rounded border px-2.5 py-2 text-xs break-words">
        cosession user sign-in you@example.com
      </code>
      <p className="text-ink mt-4 font-medium">If somebody else does</p>
      <p className="mt-1">Ask them for such a link, or ask anybody in a session for an invite.</p>
    </div>
  );
}
