/** Who knocks: a host lets them in, or does not. Stands under the header of the session, and in the dialog of invites. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, type Knock } from "~/api/cosession";
import { useSession } from "~/session/context";
import { Avatar } from "~/ui/avatar";
import { Button, Refusal } from "~/ui/controls";
import { doorKey, useDoor, useDoorNews } from "./door";

/** Over the session, for hosts, while somebody waits. */
export function KnockBar() {
  const sessionId = useSession((state) => state.session?.id ?? "");
  const isHost = useSession((state) => state.role === "host");
  useDoorNews(sessionId);
  const door = useDoor(sessionId, isHost);
  const knocks = (isHost && door.data?.knocks) || [];
  return (
    // The region stands before anything is in it: only then what appears in it is heard.
    <div role="status" aria-label="At the door">
      {knocks.length > 0 && (
        <div className="bg-info-soft border-line border-t px-3 py-1.5 sm:px-4">
          <Knocks sessionId={sessionId} knocks={knocks} />
        </div>
      )}
    </div>
  );
}

export function Knocks({ sessionId, knocks }: { sessionId: string; knocks: readonly Knock[] }) {
  return (
    <ul aria-label="People who knock" className="max-h-40 overflow-y-auto">
      {knocks.map((knock) => (
        <KnockRow key={knock.user.user_id} sessionId={sessionId} knock={knock} />
      ))}
    </ul>
  );
}

function KnockRow({ sessionId, knock }: { sessionId: string; knock: Knock }) {
  const queries = useQueryClient();
  const { user_id: userId, username, color } = knock.user;
  const answer = useMutation({
    mutationFn: (admit: boolean) => api.answerKnock(sessionId, userId, admit),
    onSettled: () => queries.invalidateQueries({ queryKey: doorKey(sessionId) }),
  });
  return (
    <li className="py-1">
      <div className="flex items-center gap-2.5 text-sm">
        <Avatar name={username} color={color} size={24} />
        <span className="min-w-0 flex-1 leading-tight sm:flex sm:gap-1" title={username}>
          <strong className="block truncate font-semibold">{username}</strong>{" "}
          <span className="text-ink-soft block shrink-0 text-xs sm:text-sm">wants to come in as {knock.role}</span>
        </span>
        <Button
          size="sm"
          look="ghost"
          aria-label={`Refuse ${username}`}
          disabled={answer.isPending}
          onClick={() => answer.mutate(false)}
        >
          Refuse
        </Button>
        <Button
          size="sm"
          look="primary"
          aria-label={`Admit ${username} as ${knock.role}`}
          disabled={answer.isPending}
          onClick={() => answer.mutate(true)}
        >
          Admit
        </Button>
      </div>
      {answer.isError && <Refusal className="mt-1">{answer.error.message}</Refusal>}
    </li>
  );
}
