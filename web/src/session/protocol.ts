/** The vocabulary of a session as this page uses it: what the server's models generate, with the envelope around it. */
import type { LogEvent, Participant, PersonPresence, ServerFrame, Viewport } from "~/protocol.gen";

export type * from "~/protocol.gen";

export type Role = Participant["role"];
export type PresenceStatus = PersonPresence["status"];

/** What stands around every durable event. Entries count from 1 without holes. */
export interface Envelope {
  seq: number;
  at: string;
  actor_id: string | null;
}

export type LogEntry = LogEvent & Envelope;
export type Incoming = LogEntry | ServerFrame;

/** A durable frame, whatever its kind: also one that this page is too old to know. */
export function isEntry(frame: Incoming): frame is LogEntry {
  const { seq, at } = frame as Partial<Envelope>;
  return typeof seq === "number" && typeof at === "string";
}

/** A view of one surface: what is not said of it is not known. */
export function viewport(surface: Viewport["surface"], known: Partial<Omit<Viewport, "surface">> = {}): Viewport {
  return {
    surface,
    file: null,
    version: null,
    base_version: null,
    top_line: null,
    bottom_line: null,
    fraction: 0,
    seq: null,
    ...known,
  };
}

/** Reads one text frame; null when it is not an object with a `type`. */
export function parseFrame(text: string): Incoming | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const isFrame = typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
  return isFrame ? (value as Incoming) : null;
}
