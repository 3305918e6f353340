/** The messages of this page, each once, as this person wants them to be. */
import { useMemo } from "react";
import { useSession } from "~/session/context";
import { withWanted } from "~/session/messages";
import type { Message } from "~/session/state";

/** Everything said from the first message that is held to the last, oldest first. */
export function useMessages(): readonly Message[] {
  const newer = useSession((state) => state.messages);
  const older = useSession((state) => state.olderMessages);
  const from = useSession((state) => state.from);
  const held = useMemo(
    () => (older.length > 0 ? [...older.filter((message) => message.seq < from), ...newer] : newer),
    [older, newer, from],
  );
  return useWanted(held);
}

/** A thread, its first message first: from what is held, else as it was asked for. Empty while it is not there. */
export function useThread(rootId: string): readonly Message[] {
  const held = useMessages();
  const asked = useSession((state) => state.threads.get(rootId));
  const thread = useMemo(() => {
    const found = held.filter((message) => message.id === rootId || message.parent_id === rootId);
    if (found[0]?.id === rootId) return found;
    if (!asked) return [];
    const known = new Set(asked.map((message) => message.id));
    return [...asked, ...found.filter((message) => !known.has(message.id))];
  }, [held, asked, rootId]);
  return useWanted(thread);
}

function useWanted(messages: readonly Message[]): readonly Message[] {
  const changes = useSession((state) => state.changes);
  const myId = useSession((state) => state.you?.user_id ?? "");
  return useMemo(() => withWanted(messages, changes, myId), [messages, changes, myId]);
}
