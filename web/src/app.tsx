/** Routes, and the one question that most of them ask first: who is here? */
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense } from "react";
import { Route, Switch, useLocation } from "wouter";
import type { Me } from "~/api/cosession";
import { ApiError } from "~/api/http";
import { useMe } from "~/api/me";
import { InvitePage } from "~/pages/invite";
import { NotFoundPage } from "~/pages/not-found";
import { SessionsPage } from "~/pages/sessions";
import { SignedOutPage, SignInPage } from "~/pages/sign-in";
import { PushKeeper } from "~/push/keeper";
import { Button } from "~/ui/controls";
import { ErrorBoundary } from "~/ui/error-boundary";
import { Shell } from "~/ui/shell";
import { Message } from "~/ui/states";
import { Toast } from "~/ui/toast";

const ActivityPage = lazy(() => import("~/feed/page"));
const InboxPage = lazy(() => import("~/inbox/page"));
const SettingsPage = lazy(() => import("~/pages/settings"));
const SessionPage = lazy(() => import("~/pages/session"));
const AdminPage = lazy(() => import("~/pages/admin"));
const ReferencePage = lazy(() => import("~/pages/reference"));

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // A refusal stays one; only a server that was not there may be there next time.
      retry: (count, error) => count < 3 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});

function Members({ children }: { children: (me: Me) => ReactNode }) {
  const me = useMe();
  if (me.data) return children(me.data);
  if (me.data === null) return <SignedOutPage />;
  if (me.isError) {
    return (
      <Shell>
        <Message icon="alert" title="Cosession cannot be reached" tone="bad">
          <p>{me.error.message}</p>
          <Button onClick={() => void me.refetch()}>Try again</Button>
        </Message>
      </Shell>
    );
  }
  return <Shell>{null}</Shell>;
}

/** A page for whoever is signed in, whose program is fetched when it is first opened. */
function Own({ page }: { page: (me: Me) => ReactNode }) {
  return <Members>{(me) => <Suspense fallback={<Shell me={me}>{null}</Shell>}>{page(me)}</Suspense>}</Members>;
}

function Routes() {
  const [path] = useLocation();
  return (
    <ErrorBoundary key={path}>
      <Switch>
        <Route path="/">{() => <Members>{(me) => <SessionsPage me={me} />}</Members>}</Route>
        <Route path="/sign-in">{() => <SignInPage />}</Route>
        <Route path="/invite/:id?">{({ id }) => <InvitePage id={id} />}</Route>
        <Route path="/s/:id">
          {({ id }) => (
            <Members>
              {(me) => (
                <Suspense fallback={<Shell me={me}>{null}</Shell>}>
                  <SessionPage key={`${id} ${me.user_id}`} id={id} me={me} />
                </Suspense>
              )}
            </Members>
          )}
        </Route>
        <Route path="/inbox">{() => <Own page={(me) => <InboxPage me={me} />} />}</Route>
        <Route path="/activity">{() => <Own page={(me) => <ActivityPage me={me} />} />}</Route>
        <Route path="/s/:id/activity">{({ id }) => <Own page={(me) => <ActivityPage me={me} sessionId={id} />} />}</Route>
        <Route path="/settings">{() => <Own page={(me) => <SettingsPage me={me} />} />}</Route>
        <Route path="/admin">
          {() => (
            <Members>
              {(me) => (
                <Suspense fallback={<Shell me={me}>{null}</Shell>}>
                  <AdminPage me={me} />
                </Suspense>
              )}
            </Members>
          )}
        </Route>
        <Route path="/docs">
          {() => (
            <Suspense fallback={<Shell>{null}</Shell>}>
              <ReferencePage />
            </Suspense>
          )}
        </Route>
        <Route>{() => <NotFoundPage />}</Route>
      </Switch>
    </ErrorBoundary>
  );
}

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <Routes />
      <PushKeeper />
      <Toast />
    </QueryClientProvider>
  );
}
