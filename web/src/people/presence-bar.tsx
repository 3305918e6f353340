/** Who is here: coloured initials with a status, and where each of them looks. */
import { useState } from "react";
import { useClientState, useSession } from "~/session/context";
import type { PersonPresence } from "~/session/protocol";
import { Avatar } from "~/ui/avatar";
import { PeopleDialog } from "./people-dialog";
import { whereabouts } from "./where";

export function PresenceBar({ most = 5 }: { most?: number }) {
  const presence = useSession((state) => state.presence);
  const members = useSession((state) => state.members);
  const myId = useSession((state) => state.you?.user_id ?? null);
  // Without a line nobody knows who is here: what was last known is shown as such.
  const isOnline = useClientState((state) => state.line.phase === "online");
  const [isOpen, setOpen] = useState(false);
  const people = [...presence.values()].sort((a, b) => rank(a, myId) - rank(b, myId) || byName(a, b));
  const shown = people.length > most ? people.slice(0, most - 1) : people;
  return (
    <>
      <ul aria-label="People here" className={`flex items-center gap-1 ${isOnline ? "" : "grayscale transition-[filter] delay-1000"}`}>
        {shown.map((person) => (
          <li key={person.user_id} className="group relative">
            <button
              type="button"
              onClick={() => setOpen(true)}
              aria-label={describe(person, myId)}
              className="block rounded-full"
            >
              <Avatar name={person.username} color={person.color} status={person.status} />
            </button>
            <span
              aria-hidden="true"
              className="bg-ink text-paper pointer-events-none invisible absolute top-full right-0 z-20 mt-2 rounded-md px-2 py-1 text-2xs whitespace-nowrap opacity-0 transition-opacity group-focus-within:visible group-focus-within:opacity-100 group-hover:visible group-hover:opacity-100"
            >
              <strong>{person.user_id === myId ? "You" : person.username}</strong>
              {members.get(person.user_id)?.role ? ` · ${members.get(person.user_id)?.role}` : ""}
              <br />
              {whereabouts(person)}
            </span>
          </li>
        ))}
        {people.length > shown.length && (
          <li>
            <button
              type="button"
              onClick={() => setOpen(true)}
              aria-label={`${people.length - shown.length} more people here`}
              className="bg-sunken text-ink-soft grid size-7 place-items-center rounded-full text-2xs font-semibold"
            >
              +{people.length - shown.length}
            </button>
          </li>
        )}
      </ul>
      {isOpen && <PeopleDialog onClose={() => setOpen(false)} />}
    </>
  );
}

function describe(person: PersonPresence, myId: string | null): string {
  return `${person.username}${person.user_id === myId ? " (you)" : ""}, ${person.status}, ${whereabouts(person)}`;
}

const order = { active: 1, idle: 2, away: 3 };
const rank = (person: PersonPresence, myId: string | null) => (person.user_id === myId ? 0 : order[person.status]);
const byName = (a: { username: string }, b: { username: string }) => a.username.localeCompare(b.username);
