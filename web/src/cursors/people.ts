/** Whose cursors, selections and views belong into the file that is shown. Pure. */
import type { Cursor, PersonPresence } from "~/session/protocol";

export interface RemoteCursor {
  user_id: string;
  username: string;
  color: number;
  cursor: Cursor;
}

export interface RemoteView {
  user_id: string;
  username: string;
  color: number;
  top: number;
  bottom: number;
}

/** The file on a person's screen, null when they look elsewhere. */
export function fileOf(person: PersonPresence): string | null {
  if (person.status === "away") return null;
  const { viewport, cursor } = person;
  if (viewport) return viewport.surface === "file" || viewport.surface === "diff" ? viewport.file : null;
  return cursor?.file ?? null;
}

/** Who has which file on their screen, besides `myId`, in a stable order. */
export function peopleByFile(presence: Iterable<PersonPresence>, myId: string | null): Map<string, PersonPresence[]> {
  const found = new Map<string, PersonPresence[]>();
  for (const person of stable(presence)) {
    const file = fileOf(person);
    if (file === null || person.user_id === myId) continue;
    found.set(file, [...(found.get(file) ?? []), person]);
  }
  return found;
}

/** A line means the same only in the same version; whoever does not say which looks at the newest. */
function sees(person: PersonPresence, file: string, version: string, newest: string | null): boolean {
  return fileOf(person) === file && (person.viewport?.version ?? newest) === version;
}

export function cursorsIn(
  presence: Iterable<PersonPresence>,
  myId: string | null,
  file: string,
  version: string,
  newest: string | null,
): RemoteCursor[] {
  return stable(presence).flatMap(({ cursor, ...person }) => {
    if (person.user_id === myId || cursor?.file !== file || !sees({ ...person, cursor }, file, version, newest)) return [];
    return [{ user_id: person.user_id, username: person.username, color: person.color, cursor }];
  });
}

export function viewsIn(
  presence: Iterable<PersonPresence>,
  myId: string | null,
  file: string,
  version: string,
  newest: string | null,
): RemoteView[] {
  return stable(presence).flatMap((person) => {
    const { viewport, user_id, username, color } = person;
    if (user_id === myId || !viewport?.top_line || !sees(person, file, version, newest)) return [];
    return [{ user_id, username, color, top: viewport.top_line, bottom: viewport.bottom_line ?? viewport.top_line }];
  });
}

function stable(presence: Iterable<PersonPresence>): PersonPresence[] {
  return [...presence].sort((a, b) => (a.user_id < b.user_id ? -1 : Number(a.user_id > b.user_id)));
}
