/** Everybody with a seat: those who are here first. A host gives them other roles and takes them out. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { api } from "~/api/cosession";
import { useFollower, useFollowing } from "~/follow/context";
import { useSession } from "~/session/context";
import type { PersonPresence, Role } from "~/session/protocol";
import type { Member } from "~/session/state";
import { Avatar } from "~/ui/avatar";
import { Badge, Button, IconButton, Refusal } from "~/ui/controls";
import { Dialog } from "~/ui/dialog";
import { followWords, whereabouts } from "./where";

/** `about`: whose row asks something as soon as the dialog is open. */
interface Props {
  about?: { userId: string; wish: Wish | null };
  onClose: () => void;
}

export function PeopleDialog({ about, onClose }: Props) {
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
            asked={about?.userId === member.user_id ? about.wish : null}
            onClose={onClose}
          />
        ))}
      </ul>
    </Dialog>
  );
}

const roles: Role[] = ["viewer", "editor", "host"];

/** A wish that is asked about before it is granted. */
export type Wish = { kind: "remove" | "make_host" | "hand_over" } | { kind: "step_down"; role: Role };

interface RowProps {
  member: Member;
  person: PersonPresence | undefined;
  isMe: boolean;
  asked: Wish | null;
  onClose: () => void;
}

function PersonRow({ member, person, isMe, asked, onClose }: RowProps) {
  const session = useSession((state) => state.session);
  const isHost = useSession((state) => state.role === "host");
  const presence = useSession((state) => state.presence);
  const [wish, setWish] = useState(asked);
  const [, navigate] = useLocation();
  const sessionId = session?.id ?? "";
  const { user_id: userId, username } = member;
  const change = useMutation({ mutationFn: (role: Role) => api.changeRole(sessionId, userId, role) });
  const remove = useMutation({
    mutationFn: () => api.removeParticipant(sessionId, userId),
    onSuccess: () => isMe && navigate("/"),
  });
  const handOver = useMutation({ mutationFn: () => api.handOver(sessionId, userId) });
  const refusal = change.error ?? remove.error ?? handOver.error;
  const isBusy = change.isPending || remove.isPending || handOver.isPending;
  const ask = (next: Wish) => {
    for (const one of [change, remove, handOver]) one.reset();
    setWish(next);
  };
  const choose = (role: Role | "hand_over") => {
    // Nobody can take these back by themselves.
    if (role === "hand_over") ask({ kind: "hand_over" });
    else if (isMe) ask({ kind: "step_down", role });
    else if (role === "host") ask({ kind: "make_host" });
    else {
      remove.reset();
      handOver.reset();
      change.mutate(role);
    }
  };
  const grant = () => {
    if (wish?.kind === "remove") remove.mutate();
    else if (wish?.kind === "hand_over") handOver.mutate();
    else if (wish?.kind === "make_host") change.mutate("host");
    else if (wish?.kind === "step_down") change.mutate(wish.role);
    setWish(null);
  };
  const words = person ? [whereabouts(person), followWords(person, presence)].filter(Boolean).join(" · ") : "not here now";
  return (
    <li className="px-2 py-2">
      <div className="flex items-center gap-3">
        <Avatar name={username} color={member.color} size={32} status={person?.status} />
        <span className="min-w-0 flex-1">
          <span className="block truncate text-sm font-medium" title={username}>
            {username}
            {isMe && <span className="text-ink-faint font-normal"> (you)</span>}
          </span>
          <span className="text-ink-faint line-clamp-2 text-xs" title={words}>
            {words}
          </span>
        </span>
        {person && !isMe && <FollowButton userId={userId} username={username} onFollow={onClose} />}
        {isHost ? (
          <select
            aria-label={`Role of ${username}`}
            value={change.isPending ? change.variables : member.role}
            disabled={isBusy}
            onChange={(event) => choose(event.target.value as Role | "hand_over")}
            className="rounded-control border-line-strong bg-surface text-ink h-8 border px-1.5 text-xs disabled:opacity-60"
          >
            {roles.map((role) => (
              <option key={role} value={role}>
                {role}
              </option>
            ))}
            {!isMe && <option value="hand_over">hand over…</option>}
          </select>
        ) : (
          <Badge tone={member.role === "host" ? "info" : "neutral"}>{member.role}</Badge>
        )}
        {(isHost || isMe) && (
          <IconButton
            icon="leave"
            label={isMe ? "Leave this session" : `Remove ${username}`}
            disabled={isBusy}
            onClick={() => ask({ kind: "remove" })}
          />
        )}
      </div>
      {wish && (
        <div role="group" aria-label={question(wish, username, isMe)} className="bg-sunken mt-2 rounded-control px-3 py-2.5 text-sm">
          <p>
            <strong className="font-semibold">{question(wish, username, isMe)}</strong> {consequence(wish, username, isMe)}
          </p>
          <p className="mt-2 flex justify-end gap-2">
            <Button size="sm" look="ghost" autoFocus onClick={() => setWish(null)}>
              Cancel
            </Button>
            <Button size="sm" look="danger" onClick={grant}>
              {answer(wish, isMe)}
            </Button>
          </p>
        </div>
      )}
      {refusal && <Refusal className="mt-2">{refusal.message}</Refusal>}
    </li>
  );
}

function FollowButton({ userId, username, onFollow }: { userId: string; username: string; onFollow: () => void }) {
  const follower = useFollower();
  const isFollowed = useFollowing((state) => state.leaderId === userId);
  if (isFollowed) {
    return <IconButton icon="close" label={`Stop following ${username}`} onClick={() => follower.stop()} />;
  }
  return (
    <IconButton
      icon="eye"
      label={`Follow ${username}`}
      onClick={() => {
        follower.follow(userId);
        onFollow();
      }}
    />
  );
}

function question(wish: Wish, username: string, isMe: boolean): string {
  if (wish.kind === "step_down") return "Give up being host?";
  if (wish.kind === "make_host") return `Make ${username} a host?`;
  if (wish.kind === "hand_over") return `Hand the session over to ${username}?`;
  return isMe ? "Leave this session?" : `Remove ${username}?`;
}

function consequence(wish: Wish, username: string, isMe: boolean): string {
  if (wish.kind === "step_down") return "Only another host can give it back to you.";
  if (wish.kind === "make_host") return "They may then give roles, remove people, you among them, and end the session.";
  if (wish.kind === "hand_over") return `${username} becomes its host. You stay, as an editor; only they can give it back.`;
  if (isMe) return "You come back by a new invite.";
  return "They lose access at once. What they wrote stays.";
}

function answer(wish: Wish, isMe: boolean): string {
  if (wish.kind === "step_down") return `Become ${wish.role}`;
  if (wish.kind === "make_host") return "Make host";
  if (wish.kind === "hand_over") return "Hand over";
  return isMe ? "Leave" : "Remove";
}
