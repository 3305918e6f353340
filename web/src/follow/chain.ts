/** Whose view somebody sees who follows others: chains are walked to the one who leads. Pure. */
import type { PersonPresence } from "~/session/protocol";

type Presence = ReadonlyMap<string, PersonPresence>;

/**
 * The person at the end of the chain that begins with `leaderId`; null when `leaderId` is not here. The server refuses
 * circles, but presence is told bit by bit: a walk that comes back to itself, or to `myId`, ends where it is.
 */
export function rootOf(presence: Presence, leaderId: string, myId: string | null): PersonPresence | null {
  let person = presence.get(leaderId) ?? null;
  const walked = new Set(myId === null ? [] : [myId]);
  while (person) {
    walked.add(person.user_id);
    const next: PersonPresence | undefined = person.following === null ? undefined : presence.get(person.following);
    if (!next || walked.has(next.user_id)) return person;
    person = next;
  }
  return null;
}

/** Who goes where `userId` goes, directly or through others, by name. */
export function followersOf(presence: Presence, userId: string | null): PersonPresence[] {
  if (userId === null) return [];
  return [...presence.values()]
    .filter((person) => leadsTo(presence, person, userId))
    .sort((a, b) => a.username.localeCompare(b.username));
}

function leadsTo(presence: Presence, person: PersonPresence, userId: string): boolean {
  const walked = new Set<string>();
  for (let at: PersonPresence | undefined = person; at && !walked.has(at.user_id); ) {
    if (at.following === userId) return at.user_id !== userId;
    walked.add(at.user_id);
    at = at.following === null ? undefined : presence.get(at.following);
  }
  return false;
}

/** Whom the key F follows: the one followed last if they are here, else the first of `shown`, which is in order. */
export function nextToFollow(shown: readonly PersonPresence[], lastId: string | null): PersonPresence | null {
  return shown.find((person) => person.user_id === lastId) ?? shown[0] ?? null;
}
