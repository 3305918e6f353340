/** How the Slack thread stands: quietly in the header while all is well, as a bar with the way out once it is paused. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "~/api/cosession";
import { useSession } from "~/session/context";
import type { ThreadState } from "~/session/protocol";
import { Button, Refusal } from "~/ui/controls";
import { Icon } from "~/ui/icon";
import { lag, type Standing, standingOf, useThread } from "./data";

const place = (thread: ThreadState) => (thread.channel_name ? `#${thread.channel_name}` : "Slack");

/** One of the facts under the title. */
export function ThreadFact({ isNarrow }: { isNarrow: boolean }) {
  const { thread } = useThread();
  const standing = standingOf(thread);
  if (!thread || standing === "none" || (isNarrow && standing === "linked")) return null;
  const isWrong = standing === "late" || standing === "held" || standing === "paused";
  const said = isNarrow && standing === "opening" ? "Slack…" : words(thread, standing);
  return (
    <span className={`truncate ${isWrong ? "text-warn" : ""}`} title={title(thread, standing)}>
      ·{" "}
      {thread.url && standing !== "paused" ? (
        <a href={thread.url} target="_blank" rel="noreferrer" className="rounded underline decoration-dotted underline-offset-2">
          {said}
        </a>
      ) : (
        said
      )}
    </span>
  );
}

function words(thread: ThreadState, standing: Standing): string {
  switch (standing) {
    case "late":
      return `Slack is ${lag(thread.behind_s)} behind`;
    case "held":
      return "Slack takes nothing now";
    case "muted":
      return "Slack is muted";
    case "paused":
      return "Slack is paused";
    case "opening":
      return "Opening a Slack thread…";
    default:
      return place(thread);
  }
}

function title(thread: ThreadState, standing: Standing): string {
  switch (standing) {
    case "late":
      return `The thread in ${place(thread)} lacks what was said in the last ${lag(thread.behind_s)}. Nothing is lost: it comes later.`;
    case "held":
      return `${thread.reason} The thread goes on by itself once it is added again.`;
    case "muted":
      return `What is said here is not copied to ${place(thread)} now.`;
    case "paused":
      return thread.reason;
    default:
      return `This session is mirrored to a Slack thread in ${place(thread)}`;
  }
}

/** Under the header while the thread is paused; a host has a new one opened with one click. */
export function PausedBar() {
  const { thread, channels, ask } = useThread();
  const sessionId = useSession((state) => state.session?.id ?? "");
  const mayResume = useSession((state) => state.role === "host" && state.session?.status === "live");
  const [channel, setChannel] = useState("");
  const resume = useMutation({
    mutationFn: () => api.resumeMirror(sessionId, channel || null),
    onSettled: () => void ask(),
  });
  const isPaused = thread !== null && standingOf(thread) === "paused";
  return (
    // The region stands before anything is in it: only then what appears in it is heard.
    <div role="status" aria-label="Slack">
      {isPaused && (
        <div className="bg-warn-soft text-warn border-line flex flex-wrap items-center gap-x-3 gap-y-1.5 border-t px-3 py-1.5 text-xs sm:px-4">
          <Icon name="alert" size={14} className="shrink-0" />
          <span className="min-w-48 flex-1">
            <strong>The Slack mirror is paused.</strong> {thread.reason}
          </span>
          {mayResume && channels.length > 0 && (
            <select
              aria-label="Channel of the new thread"
              value={channel}
              onChange={(event) => setChannel(event.target.value)}
              className="bg-surface border-line text-ink h-7 max-w-44 rounded-control border px-1.5"
            >
              <option value="">{place(thread)}</option>
              {channels.map((one) => (
                <option key={one.id} value={one.id}>
                  {one.name ? `#${one.name}` : one.id}
                </option>
              ))}
            </select>
          )}
          {mayResume && (
            <Button
              size="sm"
              look="primary"
              disabled={resume.isPending}
              title="Posts a new card; what is said from now on is copied to its thread"
              onClick={() => resume.mutate()}
            >
              Open a new thread
            </Button>
          )}
          {resume.isError && <Refusal className="w-full">{resume.error.message}</Refusal>}
        </div>
      )}
    </div>
  );
}
