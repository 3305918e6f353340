/** Everybody with a seat: those who are here first. A host gives them other roles and takes them out. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { api } from "~/api/cosession";
import { useSession } from "~/session/context";
import type { PersonPresence, Role } from "~/session/protocol";
import type { Member } from "~/session/state";
import { Avatar } from "~/ui/avatar";
import { Badge, Button, IconButton, Refusal } from "~/ui/controls";
import { Dialog } from "~/ui/dialog";
import { whereabouts } from "./where";

export function PeopleDialog({ onClose }: { onClose: () => void }) {
  const members = useSession((state) => state.members);
  const presence = useSession((state) => state.presence);
  const myId = useSession((state) => state.you?.user_id ?? null);
  const sorted = [...members.values()].sort(
    (a, b) => Number(presence.has(b.user_id)) - Number(presence.has(a.user_id)) || a.username.localeCompare(b.username),
  );
  return (
    <Dialog title="People" onClose={onClose}>
      <ul aria-label="People in this session" className="-mx-2 max-h-[60vh] overflow-y-auto">
        {sorted.map((member) => (
          <PersonRow
            key={member.user_id}
            member={member}
            person={presence.get(member.user_id)}
            isMe={member.user_id === myId}
          />
        ))}
      </ul>
    </Dialog>
  );
}

const roles: Role[] = ["viewer", "editor", "host"];

/** A wish that is asked about before it is granted. */
type Wish = { kind: "remove" } | { kind: "step_down"; role: Role };

function PersonRow({ member, person, isMe }: { member: Member; person: PersonPresence | undefined; isMe: boolean }) {
  const session = useSession((state) => state.session);
  const isHost = useSession((state) => state.role === "host");
  const [wish, setWish] = useState<Wish | null>(null);
  const [, navigate] = useLocation();
  const sessionId = session?.id ?? "";
  const { user_id: userId, username } = member;
  const change = useMutation({ mutationFn: (role: Role) => api.changeRole(sessionId, userId, role) });
  const remove = useMutation({
    mutationFn: () => api.removeParticipant(sessionId, userId),
    onSuccess: () => isMe && navigate("/"),
  });
  const refusal = change.error ?? remove.error;
  const isBusy = change.isPending || remove.isPending;
  const choose = (role: Role) => {
    remove.reset();
    // Nobody can take this back for oneself.
    if (isMe) setWish({ kind: "step_down", role });
    else change.mutate(role);
  };
  const grant = () => {
    if (wish?.kind === "remove") remove.mutate();
    else if (wish) change.mutate(wish.role);
    setWish(null);
  };
  return (
    <li className="px-2 py-2">
      <div className="flex items-center gap-3">
        <Avatar name={username} color={member.color} size={32} status={person?.status} />
        <span className="min-w-0 flex-1">
          <span className="block truncate text-sm font-medium" title={username}>
            {username}
            {isMe && <span className="text-ink-faint font-normal"> (you)</span>}
          </span>
          <span className="text-ink-faint block truncate text-xs">{person ? whereabouts(person) : "not here now"}</span>
        </span>
        {isHost ? (
          <select
            aria-label={`Role of ${username}`}
            value={change.isPending ? change.variables : member.role}
            disabled={isBusy}
            onChange={(event) => choose(event.target.value as Role)}
            className="rounded-control border-line-strong bg-surface text-ink h-8 border px-1.5 text-xs disabled:opacity-60"
          >
            {roles.map((role) => (
              <option key={role} value={role}>
                {role}
              </option>
            ))}
          </select>
        ) : (
          <Badge tone={member.role === "host" ? "info" : "neutral"}>{member.role}</Badge>
        )}
        {(isHost || isMe) && (
          <IconButton
            icon="leave"
            label={isMe ? "Leave this session" : `Remove ${username}`}
            disabled={isBusy}
            onClick={() => {
              change.reset();
              setWish({ kind: "remove" });
            }}
          />
        )}
      </div>
      {wish && (
        <div role="group" aria-label={question(wish, username, isMe)} className="bg-sunken mt-2 rounded-control px-3 py-2.5 text-sm">
          <p>
            <strong className="font-semibold">{question(wish, username, isMe)}</strong> {consequence(wish, isMe)}
          </p>
          <p className="mt-2 flex justify-end gap-2">
            <Button size="sm" look="ghost" autoFocus onClick={() => setWish(null)}>
              Cancel
            </Button>
            <Button size="sm" look="danger" onClick={grant}>
              {wish.kind === "step_down" ? `Become ${wish.role}` : isMe ? "Leave" : "Remove"}
            </Button>
          </p>
        </div>
      )}
      {refusal && <Refusal className="mt-2">{refusal.message}</Refusal>}
    </li>
  );
}

function question(wish: Wish, username: string, isMe: boolean): string {
  if (wish.kind === "step_down") return `Give up being host?`;
  return isMe ? "Leave this session?" : `Remove ${username}?`;
}

function consequence(wish: Wish, isMe: boolean): string {
  if (wish.kind === "step_down") return "Only another host can give it back to you.";
  if (isMe) return "You come back by a new invite.";
  return "They lose access at once. What they wrote stays.";
}
