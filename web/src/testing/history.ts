/** A server's log, read over HTTP. */
import { ApiError } from "~/api/http";
import type { History } from "~/session/loader";
import type { Shelf } from "~/session/outbox";
import type { LogEntry } from "~/session/protocol";

export class FakeHistory implements History {
  entries: LogEntry[] = [];
  reads: string[] = [];
  isDown = false;

  ticket = async () => ({ ticket: "t" });

  eventsAfter = async (_id: string, seq: number, limit: number) => {
    this.reads.push(`after ${seq}`);
    return { items: this.answer(this.entries.filter((one) => one.seq > seq).slice(0, limit)) };
  };

  eventsBefore = async (_id: string, seq: number, limit: number) => {
    this.reads.push(`before ${seq}`);
    return { items: this.answer(this.entries.filter((one) => one.seq < seq).slice(-limit)) };
  };

  messagesBefore = async (_id: string, seq: number, limit: number) => {
    const chat = this.entries.flatMap((one) => (one.type === "chat_message" && one.seq < seq ? [one] : []));
    const items = this.answer(chat.slice(-limit)).map((one) => ({ seq: one.seq, message: one.message }));
    return { items, next: chat.length > limit ? (items[0]?.seq ?? null) : null };
  };

  private answer<T>(items: T[]): T[] {
    if (this.isDown) throw new ApiError(503, "unavailable", "The database is busy.");
    return items;
  }
}

export class FakeShelf extends Map<string, string> implements Shelf {
  getItem = (name: string) => this.get(name) ?? null;
  setItem = (name: string, text: string) => void this.set(name, text);
  removeItem = (name: string) => void this.delete(name);
  key = (at: number) => [...this.keys()][at] ?? null;
  get length(): number {
    return this.size;
  }
}
