/** Who is here: coloured initials with a status, where each of them looks, and whom they follow. */
import { useState } from "react";
import { useClientState, useSession } from "~/session/context";
import { PeopleDialog } from "./people-dialog";
import { inOrder } from "./order";
import { PersonMenu } from "./person-menu";

export function PresenceBar({ most = 5 }: { most?: number }) {
  const presence = useSession((state) => state.presence);
  const myId = useSession((state) => state.you?.user_id ?? null);
  // Without a line nobody knows who is here: what was last known is shown as such.
  const isOnline = useClientState((state) => state.line.phase === "online");
  const [isOpen, setOpen] = useState(false);
  const people = inOrder(presence.values(), myId);
  const shown = people.length > most ? people.slice(0, most - 1) : people;
  return (
    <>
      <ul aria-label="People here" className={`flex items-center gap-1 ${isOnline ? "" : "grayscale transition-[filter] delay-1000"}`}>
        {shown.map((person) => (
          <li key={person.user_id} className="group relative">
            <PersonMenu person={person} isMe={person.user_id === myId} />
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
