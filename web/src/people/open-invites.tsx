/** The ways in that are open: for whom, as what, until when; and how to close them. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, type ListedInvite } from "~/api/cosession";
import { plural } from "~/lib/format";
import { useNow } from "~/lib/hooks";
import type { Role } from "~/session/protocol";
import { Badge, Button, Refusal } from "~/ui/controls";
import { Bone } from "~/ui/states";
import { doorKey, useDoor } from "./door";
import { Knocks } from "./knocks";
import { timeLeft } from "./time-left";

export function OpenInvites({ sessionId, myRole }: { sessionId: string; myRole: Role }) {
  const door = useDoor(sessionId, myRole !== "viewer");
  if (door.isError) {
    return (
      <div className="space-y-2">
        <Refusal>{door.error.message}</Refusal>
        <Button size="sm" icon="retry" onClick={() => void door.refetch()}>
          Try again
        </Button>
      </div>
    );
  }
  if (!door.data) {
    return (
      <div aria-busy="true" aria-label="Loading invites" className="space-y-2 py-1">
        <Bone className="h-4 w-3/4" />
        <Bone className="h-4 w-1/2" />
      </div>
    );
  }
  const { items, knocks } = door.data;
  return (
    <>
      {knocks.length > 0 && (
        <section className="mb-3">
          <h3 className="text-ink-faint mb-1 text-xs font-medium">At the door</h3>
          <Knocks sessionId={sessionId} knocks={knocks} />
        </section>
      )}
      {items.length === 0 ? (
        <p className="text-ink-faint py-1 text-sm">No invite is open. Those you make are listed here until they are used.</p>
      ) : (
        <ul aria-label="Open invites" className="divide-line max-h-[40vh] divide-y overflow-y-auto">
          {items.map((invite) => (
            <InviteRow key={invite.id} invite={invite} sessionId={sessionId} isHost={myRole === "host"} />
          ))}
        </ul>
      )}
    </>
  );
}

function InviteRow({ invite, sessionId, isHost }: { invite: ListedInvite; sessionId: string; isHost: boolean }) {
  const now = useNow();
  const queries = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const revoke = useMutation({
    mutationFn: (withPeople: boolean) => api.revokeInvite(invite.id, withPeople),
    onSettled: () => queries.invalidateQueries({ queryKey: doorKey(sessionId) }),
  });
  const name = forWhom(invite);
  const facts = [
    invite.status === "live" ? timeLeft(invite.expires_at, now) : (over[invite.status] ?? invite.status),
    invite.max_uses > 1 ? `${invite.use_count} of ${invite.max_uses} used` : null,
    invite.came > 0 ? `${plural(invite.came, "person", "people")} here by it` : null,
    invite.needs_approval ? "a host admits" : null,
    `by ${invite.inviter}`,
  ].filter(Boolean);
  const withdraw = (withPeople: boolean) => {
    setAsking(false);
    revoke.mutate(withPeople);
  };
  return (
    <li className="py-2">
      <div className="flex items-center gap-2.5">
        <span className="min-w-0 flex-1">
          <span className="flex items-center gap-2">
            <span className="truncate text-sm font-medium" title={name}>
              {name}
            </span>
            <Badge tone={invite.role === "host" ? "info" : "neutral"}>{invite.role}</Badge>
          </span>
          <span className="text-ink-faint block text-xs">{facts.join(" · ")}</span>
          {invite.problem && <span className="text-bad block text-xs">{invite.problem}</span>}
        </span>
        <Button
          size="sm"
          look="danger"
          aria-label={`Withdraw the invite for ${name.toLowerCase()}`}
          disabled={revoke.isPending}
          onClick={() => (invite.came > 0 && isHost ? setAsking(true) : withdraw(false))}
        >
          Withdraw
        </Button>
      </div>
      {isAsking && (
        <div role="group" aria-label="Withdraw with the people?" className="bg-sunken mt-2 rounded-control px-3 py-2.5 text-sm">
          <p>
            <strong className="font-semibold">{plural(invite.came, "person", "people")} came in by it.</strong> If you
            remove them too, they lose access at once. What they wrote stays.
          </p>
          <p className="mt-2 flex flex-wrap justify-end gap-2">
            <Button size="sm" look="ghost" autoFocus onClick={() => setAsking(false)}>
              Cancel
            </Button>
            <Button size="sm" onClick={() => withdraw(false)}>
              Only the invite
            </Button>
            <Button size="sm" look="danger" onClick={() => withdraw(true)}>
              With everybody who came by it
            </Button>
          </p>
        </div>
      )}
      {revoke.isError && <Refusal className="mt-2">{revoke.error.message}</Refusal>}
    </li>
  );
}

const over: Partial<Record<ListedInvite["status"], string>> = { expired: "expired", used_up: "used" };

function forWhom(invite: ListedInvite): string {
  if (invite.way === "link") return "Anybody with the link";
  return invite.way === "slack" ? `${invite.to || "Somebody"} (Slack)` : invite.to;
}
