/** What is new to this person in the chat, and telling the server when it was in sight. */
import { useEffect, useRef, useState } from "react";
import { useClient, useSession } from "~/session/context";
import type { Message } from "~/session/state";
import { useChatDesk } from "./desk";

/**
 * Tells the server how far this person has read while the newest messages are in sight. Draws nothing: it hears of every
 * entry, which is no reason to draw the list again.
 */
export function ReadReport({ isReading }: { isReading: boolean }): null {
  const client = useClient();
  const desk = useChatDesk();
  const reading = useSession((state) => state.reading);
  const to = useSession((state) => state.to);
  useEffect(() => {
    desk.reading(isReading);
    return () => desk.reading(false);
  }, [desk, isReading]);
  useEffect(() => {
    if (isReading && reading && (reading.unread > 0 || reading.mentions > 0)) client.readUpTo(to);
  }, [client, isReading, reading, to]);
  return null;
}

/**
 * The entry after which messages were new when the chat last came into sight; null when none were. It stands until the
 * chat is out of sight again, so that the line does not run away from whoever reads.
 */
export function useNewsAfter(isInSight: boolean, messages: readonly Message[]): number | null {
  const isReady = useSession((state) => state.isLoaded && state.reading !== null);
  const readUpTo = useSession((state) => state.reading?.read_up_to ?? 0);
  const myId = useSession((state) => state.you?.user_id ?? null);
  const [newsAfter, setNewsAfter] = useState<number | null>(null);
  const wasInSight = useRef(false);
  useEffect(() => {
    if (!isReady || wasInSight.current === isInSight) return;
    wasInSight.current = isInSight;
    if (!isInSight) return;
    const isNews = (message: Message) => message.seq > readUpTo && message.user_id !== myId && !message.is_deleted;
    setNewsAfter(messages.some(isNews) ? readUpTo : null);
  }, [isReady, isInSight, messages, readUpTo, myId]);
  return newsAfter;
}

/** How far this person had read when they came: replies after it are new until their thread is opened. */
export function useReadOnArrival(): number {
  const readUpTo = useSession((state) => state.reading?.read_up_to ?? null);
  const [first, setFirst] = useState<number | null>(null);
  useEffect(() => {
    if (first === null && readUpTo !== null) setFirst(readUpTo);
  }, [first, readUpTo]);
  return first ?? Number.POSITIVE_INFINITY;
}
