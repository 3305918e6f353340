/** Somebody's face in the bar, and what can be done about them: follow, go where they are, roles for a host. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "~/api/cosession";
import { rootOf } from "~/follow/chain";
import { useFollower, useFollowing } from "~/follow/context";
import { say } from "~/lib/toast";
import { useSession } from "~/session/context";
import { usePlaces } from "~/session/place";
import type { PersonPresence, Role } from "~/session/protocol";
import { Avatar } from "~/ui/avatar";
import { Icon } from "~/ui/icon";
import { Menu, type MenuItem } from "~/ui/menu";
import { PeopleDialog, type Wish } from "./people-dialog";
import { followWords, whereabouts } from "./where";

export function PersonMenu({ person, isMe }: { person: PersonPresence; isMe: boolean }) {
  const presence = useSession((state) => state.presence);
  const member = useSession((state) => state.members.get(person.user_id));
  const isFollowed = useFollowing((state) => state.leaderId === person.user_id);
  const [dialog, setDialog] = useState<{ wish: Wish | null } | null>(null);
  const items = useItems(person, member?.role ?? null, isMe, (wish) => setDialog({ wish }));
  const follows = followWords(person, presence);
  const name = isMe ? "You" : person.username;
  return (
    <>
      <Menu
        label={describe(person, isMe, follows)}
        items={items}
        face={
          <span
            data-person={person.color % 12}
            className={`relative block rounded-full ${isFollowed ? "ring-2 ring-(--mark) ring-offset-2 ring-offset-(--surface)" : ""}`}
          >
            <Avatar name={person.username} color={person.color} status={person.status} />
            {follows && (
              <span className="bg-surface text-ink ring-line absolute -top-1 -right-1 grid size-3.5 place-items-center rounded-full ring-1">
                <Icon name="eye" size={10} />
              </span>
            )}
          </span>
        }
        heading={
          <>
            <strong className="text-ink block truncate font-semibold">
              {person.username}
              {isMe && <span className="text-ink-faint font-normal"> (you)</span>}
            </strong>
            <span className="block">
              {[member?.role, person.status === "active" && "active", whereabouts(person)].filter(Boolean).join(" · ")}
              {follows && (
                <>
                  <br />
                  {follows}
                </>
              )}
            </span>
          </>
        }
      />
      <span
        aria-hidden="true"
        className="bg-ink text-paper pointer-events-none invisible absolute top-full right-0 z-20 mt-2 hidden rounded-md px-2 py-1 text-2xs whitespace-nowrap opacity-0 transition-opacity group-has-[:focus-visible]:visible group-has-[:focus-visible]:opacity-100 group-hover:visible group-hover:opacity-100 group-has-[[aria-expanded=true]]:hidden sm:block"
      >
        <strong>{name}</strong>
        {member?.role ? ` · ${member.role}` : ""}
        <br />
        {whereabouts(person)}
        {follows && (
          <>
            <br />
            {follows}
          </>
        )}
      </span>
      {dialog && <PeopleDialog about={{ userId: person.user_id, wish: dialog.wish }} onClose={() => setDialog(null)} />}
    </>
  );
}

function useItems(
  person: PersonPresence,
  theirRole: Role | null,
  isMe: boolean,
  onDialog: (wish: Wish | null) => void,
): MenuItem[] {
  const session = useSession((state) => state.session);
  const isHost = useSession((state) => state.role === "host");
  const presence = useSession((state) => state.presence);
  const myId = useSession((state) => state.you?.user_id ?? null);
  const isFollowed = useFollowing((state) => state.leaderId === person.user_id);
  const follower = useFollower();
  const places = usePlaces();
  const { user_id: userId, username } = person;
  const change = useMutation({
    mutationFn: (role: Role) => api.changeRole(session?.id ?? "", userId, role),
    onError: (error) => say(error.message),
    onSuccess: (_, role) => say(`${username} is ${role === "viewer" ? "a viewer" : "an editor"} now.`),
  });
  const people: MenuItem = { icon: "users", label: "People…", onChoose: () => onDialog(null) };
  if (isMe) return [people];
  const place = rootOf(presence, userId, myId)?.viewport ?? null;
  const items: MenuItem[] = [
    isFollowed
      ? { icon: "close", label: "Stop following", onChoose: () => follower.stop() }
      : { icon: "eye", label: "Follow", onChoose: () => follower.follow(userId) },
  ];
  if (place) {
    items.push({
      icon: "fetch",
      label: "Go to where they are",
      onChoose: async () => {
        places.moved();
        if (!(await places.goTo(place))) say(`Where ${username} is cannot be shown here.`);
      },
    });
  }
  if (isHost && theirRole !== null) {
    const role: Role = theirRole === "viewer" ? "editor" : "viewer";
    const label = role === "viewer" ? "Make a viewer" : "Make an editor";
    items.push({ icon: "edit", label, onChoose: () => change.mutate(role) });
    items.push({ icon: "key", label: "Hand the session over…", onChoose: () => onDialog({ kind: "hand_over" }) });
    items.push({ icon: "leave", label: "Remove…", isDangerous: true, onChoose: () => onDialog({ kind: "remove" }) });
  }
  items.push(people);
  return items;
}

function describe(person: PersonPresence, isMe: boolean, follows: string | null): string {
  const words = [`${person.username}${isMe ? " (you)" : ""}`, person.status, whereabouts(person), follows];
  return words.filter(Boolean).join(", ");
}
