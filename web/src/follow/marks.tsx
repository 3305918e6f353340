/** What says that this page is led, or leads others: a border in the leader's colour, a chip that ends it, a count. */
import { useEffect, useState } from "react";
import { plural } from "~/lib/format";
import { whereabouts } from "~/people/where";
import { useClientState, useSession } from "~/session/context";
import { Icon } from "~/ui/icon";
import { followersOf, rootOf } from "./chain";
import { useFollower, useFollowing } from "./context";
import "~/cursors/cursors.css";

function useLeader() {
  const leaderId = useFollowing((state) => state.leaderId);
  const name = useFollowing((state) => state.leaderName);
  const isLost = useFollowing((state) => state.isLost);
  const presence = useSession((state) => state.presence);
  const member = useSession((state) => (leaderId === null ? undefined : state.members.get(leaderId)));
  const myId = useSession((state) => state.you?.user_id ?? null);
  const isOnline = useClientState((state) => state.line.phase === "online");
  if (leaderId === null) return null;
  const person = presence.get(leaderId);
  const root = rootOf(presence, leaderId, myId);
  return { name, color: (person ?? member)?.color ?? 11, person, root, isLost, isOnline };
}

/** How it stands with the one who is followed, where there is something to say. */
function stateOf(leader: NonNullable<ReturnType<typeof useLeader>>): string | null {
  const { person, root, isLost, isOnline } = leader;
  if (!isOnline) return "no connection just now";
  if (!person) return "not here just now; you stay until they are back";
  if (person.status === "away") return "away; you stay where they were";
  if (isLost) return `${whereabouts(root ?? person)}, which cannot be shown here`;
  if (root && root.user_id !== person.user_id) return `who follows ${root.username}`;
  return null;
}

/** Lies over what it frames and lets everything through. */
export function FollowBorder() {
  const leader = useLeader();
  if (!leader) return null;
  return (
    <div
      aria-hidden="true"
      data-testid="follow-border"
      data-person={leader.color % 12}
      className="pointer-events-none absolute inset-0 z-20 border-3 border-(--mark)"
    />
  );
}

/** The chip "Following …" and how many follow this person. In one column it is a bar of its own. */
export function FollowChips({ isNarrow }: { isNarrow: boolean }) {
  const leader = useLeader();
  const follower = useFollower();
  const presence = useSession((all) => all.presence);
  const myId = useSession((all) => all.you?.user_id ?? null);
  const followers = followersOf(presence, myId);
  if (!leader && followers.length === 0) return null;
  const more = leader && stateOf(leader);
  return (
    <div
      className={
        isNarrow
          ? "border-line bg-surface flex shrink-0 items-center justify-center gap-2 border-b px-2 py-1"
          : "pointer-events-none absolute top-1 right-2 z-25 flex max-w-[calc(100%-13rem)] items-center gap-2"
      }
    >
      {followers.length > 0 && (
        <span
          title={followers.map((person) => person.username).join(", ")}
          className="bg-sunken text-ink-soft pointer-events-auto flex h-7 shrink-0 items-center gap-1.5 rounded-full px-2.5 text-xs"
        >
          <Icon name="eye" size={13} />
          {followers.length === 1 ? "1 follows you" : `${followers.length} follow you`}
        </span>
      )}
      {leader && (
        <span
          data-person={leader.color % 12}
          className="pointer-events-auto flex h-7 min-w-0 items-center gap-1.5 rounded-full bg-(--person) py-0 pr-1 pl-3 text-xs text-white"
        >
          <span className="truncate">
            Following <strong className="font-semibold">{leader.name}</strong>
            {more && <span> · {more}</span>}
          </span>
          <button
            type="button"
            onClick={() => follower.stop()}
            aria-label={`Stop following ${leader.name}`}
            className="h-5.5 shrink-0 rounded-full bg-black/20 px-2 font-medium -outline-offset-1 outline-white hover:bg-black/35"
          >
            {isNarrow ? "Stop" : "Esc to stop"}
          </button>
        </span>
      )}
    </div>
  );
}

/** Says aloud when following begins and ends, and when others begin to follow. */
export function FollowAnnouncer() {
  const leaderId = useFollowing((following) => following.leaderId);
  const name = useFollowing((following) => following.leaderName);
  const presence = useSession((all) => all.presence);
  const myId = useSession((all) => all.you?.user_id ?? null);
  const count = followersOf(presence, myId).length;
  const [text, setText] = useState("");
  useEffect(() => {
    if (leaderId !== null) setText(`Following ${name}. Escape or any move of yours stops it.`);
    else setText(name === "" ? "" : `You do not follow ${name} any more.`);
  }, [leaderId, name]);
  return (
    <div role="status" aria-label="Following" className="sr-only">
      <p>{text}</p>
      <p>{count > 0 ? `${plural(count, "person follows", "people follow")} you.` : ""}</p>
    </div>
  );
}
