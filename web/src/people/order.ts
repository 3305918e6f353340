/** In which order people are shown: oneself, then who is awake, by name. Pure. */
import type { PersonPresence } from "~/session/protocol";

const order = { active: 1, idle: 2, away: 3 };

export function inOrder(presence: Iterable<PersonPresence>, myId: string | null): PersonPresence[] {
  const rank = (person: PersonPresence) => (person.user_id === myId ? 0 : order[person.status]);
  return [...presence].sort((a, b) => rank(a) - rank(b) || a.username.localeCompare(b.username));
}
