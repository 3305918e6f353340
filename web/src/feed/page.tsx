/** What happened: in every session of this person, or in one. */
import { useQuery } from "@tanstack/react-query";
import { api, type Me } from "~/api/cosession";
import { useTitle } from "~/lib/hooks";
import { LinkButton } from "~/ui/controls";
import { Shell } from "~/ui/shell";
import { Feed } from "./list";

export default function ActivityPage({ me, sessionId = null }: { me: Me; sessionId?: string | null }) {
  useTitle("Activity · Cosession");
  const session = useQuery({
    queryKey: ["session", sessionId],
    queryFn: ({ signal }) => api.session(sessionId ?? "", signal),
    enabled: sessionId !== null,
  });
  return (
    <Shell me={me} hearsFeed>
      <div className="mx-auto w-full max-w-3xl px-4 py-6 sm:px-6 sm:py-8">
        <div className="mb-4 flex items-center gap-2">
          <h1 className="min-w-0 flex-1 truncate text-xl font-semibold tracking-tight">
            {sessionId === null ? "Activity" : `Activity: ${session.data?.title ?? "…"}`}
          </h1>
          {sessionId !== null && (
            <LinkButton href={`/s/${sessionId}`} icon="back">
              Back to the session
            </LinkButton>
          )}
        </div>
        <Feed sessionId={sessionId} />
      </div>
    </Shell>
  );
}
