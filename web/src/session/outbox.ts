/**
 * Messages that the server has not confirmed, kept over a reload. One entry of storage per message, so that tabs never
 * overwrite each other's; sent twice by two tabs they have one effect, because the id stays.
 */
import type { Outgoing } from "./state";

export type Shelf = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

export class Outbox {
  private readonly prefix: string;

  /** By person and session: nobody sends what somebody else wrote on the same machine. */
  constructor(
    private readonly shelf: Shelf,
    userId: string,
    sessionId: string,
  ) {
    this.prefix = `cosession.outbox.${userId}.${sessionId}.`;
  }

  /** What is kept, oldest first. */
  restore(): Outgoing[] {
    const kept: Outgoing[] = [];
    for (let at = 0; at < this.shelf.length; at += 1) {
      const name = this.shelf.key(at);
      const text = name?.startsWith(this.prefix) ? this.shelf.getItem(name) : null;
      const message = text === null ? null : readMessage(text);
      if (message) kept.push(message);
    }
    return kept.sort((a, b) => a.written_at.localeCompare(b.written_at));
  }

  /** Brings storage from one outbox to the next. Returns false when the browser has no room. */
  save(before: readonly Outgoing[], after: readonly Outgoing[]): boolean {
    if (before === after) return true;
    const kept = new Set(after.map((message) => message.client_msg_id));
    for (const message of before) {
      if (!kept.has(message.client_msg_id)) this.shelf.removeItem(this.prefix + message.client_msg_id);
    }
    try {
      for (const message of after) {
        if (!before.includes(message)) this.shelf.setItem(this.prefix + message.client_msg_id, JSON.stringify(message));
      }
    } catch (error) {
      console.warn("No room to keep unsent messages over a reload.", error);
      return false;
    }
    return true;
  }
}

function readMessage(text: string): Outgoing | null {
  try {
    const value = JSON.parse(text) as Partial<Outgoing>;
    if (typeof value.client_msg_id !== "string" || typeof value.content !== "string") return null;
    return {
      client_msg_id: value.client_msg_id,
      content: value.content,
      files: value.files ?? [],
      mentions: value.mentions ?? [],
      parent_id: value.parent_id ?? null,
      // Kept by a page that did not know the choice yet: it was made for everybody.
      session_only: value.session_only ?? false,
      written_at: value.written_at ?? "",
      state: value.state === "failed" ? "failed" : value.seq ? "sent" : "pending",
      seq: value.seq ?? null,
      echo_seq: null,
      error: value.error ?? null,
    };
  } catch {
    // Not ours, or cut short when the browser died: nothing in it can be sent.
    return null;
  }
}
