/** Ways to an entry of the log by its number: a message in the chat, a reply in its thread, or a row of the transcript. */
import { useCallback, useEffect, useState } from "react";
import { api } from "~/api/cosession";
import { ApiError } from "~/api/http";
import { type ChatDeskState, useChatDesk } from "~/chat/desk";
import { seqIn } from "~/lib/address";
import { focusWhenDrawn } from "~/lib/focus";
import { say } from "~/lib/toast";
import type { SessionClient } from "./client";
import { useClient, useSession } from "./context";
import { isMessageChange } from "./messages";
import { type Places, usePlaces } from "./place";
import { viewport } from "./protocol";
import type { Message } from "./state";

/** Leads to entry `seq`; says so where that does not work. */
export function useLeading(sessionId: string): (seq: number) => Promise<void> {
  const client = useClient();
  const places = usePlaces();
  const desk = useChatDesk();
  return useCallback(
    async (seq) => {
      places.moved();
      try {
        if (!(await lead(seq, { sessionId, client, places, desk }))) say("That entry is not in this session.");
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        say(`The way there is closed for now: ${error.message}`);
      }
    },
    [sessionId, client, places, desk],
  );
}

/** Leads where the address says, when the page opens and when the address changes. */
export function useAddressedEntry(leadTo: (seq: number) => Promise<void>): void {
  const isLoaded = useSession((state) => state.isLoaded);
  // Read before anything on the page writes an address of its own.
  const [wanted, want] = useState(() => seqIn(location.hash));
  useEffect(() => {
    const read = () => want(seqIn(location.hash));
    window.addEventListener("hashchange", read);
    return () => window.removeEventListener("hashchange", read);
  }, []);
  useEffect(() => {
    if (!isLoaded || wanted === null) return;
    want(null);
    void leadTo(wanted);
  }, [isLoaded, wanted, leadTo]);
}

interface Room {
  sessionId: string;
  client: SessionClient;
  places: Places;
  desk: ChatDeskState;
}

async function lead(seq: number, room: Room): Promise<boolean> {
  const id = await messageAt(seq, room);
  if (id === undefined) return false;
  if (id === null) {
    const isThere = await room.places.goTo(viewport("transcript", { seq }));
    if (isThere) focusWhenDrawn(document.body, `[data-row][data-seq="${seq}"]`);
    return isThere;
  }
  await room.places.goTo(viewport("chat"));
  return leadToMessage(id, room);
}

/** The message that the entry is about; null for another entry, undefined where there is none. */
async function messageAt(seq: number, { sessionId, client }: Room): Promise<string | null | undefined> {
  const { entries, from, olderMessages } = client.store.getState().session;
  const older = seq < from ? olderMessages.find((message) => message.seq === seq) : undefined;
  if (older) return older.id;
  const held = seq >= from ? entries[seq - from] : undefined;
  const entry = held ?? (await api.eventsAfter(sessionId, seq - 1, 1)).items[0];
  if (entry?.seq !== seq) return undefined;
  if (entry.type === "chat_message") return entry.message.id;
  return isMessageChange(entry) ? entry.message_id : null;
}

async function leadToMessage(id: string, { client, desk }: Room): Promise<boolean> {
  const find = (): Message | undefined => {
    const { messages, olderMessages, threads } = client.store.getState().session;
    const isIt = (message: Message) => message.id === id;
    return messages.find(isIt) ?? olderMessages.find(isIt) ?? [...threads.values()].flat().find(isIt);
  };
  // Of a message that is not held its thread tells where it stands.
  if (!find()) await client.loadThread(id);
  const message = find();
  if (!message) return false;
  if (message.parent_id !== null) {
    desk.showReply(message.parent_id, id);
    return true;
  }
  if (!(await client.messagesBackTo(message.seq))) return false;
  desk.lead(id);
  return true;
}
