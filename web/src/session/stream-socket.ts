/**
 * A session's line where no WebSocket gets through: frames come as server-sent events, and go as POST requests. It looks
 * like a socket to the connection, close codes included. https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import type { SocketLike } from "./connection";

/** Milliseconds that frames wait for company, so that a burst is one request. */
const GATHER = 20;
const MOST_FRAMES = 20;

export interface StreamAddress {
  stream: string;
  commands: string;
}

export class StreamSocket implements SocketLike {
  onmessage: SocketLike["onmessage"] = null;
  onclose: SocketLike["onclose"] = null;
  private readonly abort = new AbortController();
  private connectionId: string | null = null;
  private outgoing: unknown[] = [];
  private isSending = false;
  private isOver = false;

  constructor(
    private readonly address: StreamAddress,
    private readonly fetch: typeof globalThis.fetch = (...args) => globalThis.fetch(...args),
  ) {
    void this.listen();
  }

  send(text: string): void {
    this.outgoing.push(JSON.parse(text));
    void this.flush();
  }

  close(): void {
    this.isOver = true;
    this.abort.abort();
  }

  private async listen(): Promise<void> {
    try {
      const response = await this.fetch(this.address.stream, {
        headers: { Accept: "text/event-stream" },
        credentials: "same-origin",
        cache: "no-store",
        signal: this.abort.signal,
      });
      if (!response.ok || !response.body) return this.end(codeOf(response.status), `the server answered ${response.status}`);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const events = new EventParser((kind, data) => this.take(kind, data));
      for (let part = await reader.read(); !part.done; part = await reader.read()) events.feed(part.value);
      this.end(1006, "the stream ended");
    } catch {
      // The network ended it, or `close` did: then nobody listens any more.
      this.end(1006, "the stream broke off");
    }
  }

  private take(kind: string, data: string): void {
    if (this.isOver) return;
    if (kind === "close") {
      const { code, reason } = JSON.parse(data) as { code: number; reason: string };
      this.end(code, reason);
      return;
    }
    this.connectionId ??= connectionIdIn(data);
    this.onmessage?.({ data });
  }

  /** One request at a time, so that frames arrive in the order in which they were sent. */
  private async flush(): Promise<void> {
    if (this.isSending) return;
    this.isSending = true;
    try {
      while (this.outgoing.length > 0 && !this.isOver) {
        await new Promise((resolve) => setTimeout(resolve, GATHER));
        const frames = this.outgoing.splice(0, MOST_FRAMES);
        if (!(await this.post(frames))) return;
      }
    } finally {
      this.isSending = false;
    }
  }

  private async post(frames: unknown[]): Promise<boolean> {
    try {
      const response = await this.fetch(this.address.commands, {
        method: "POST",
        credentials: "same-origin",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ connection_id: this.connectionId, frames }),
        signal: this.abort.signal,
      });
      if (!response.ok) {
        this.end(codeOf(response.status), `the server answered ${response.status}`);
        return false;
      }
      const { items } = (await response.json()) as { items: unknown[] };
      for (const answer of items) if (answer !== null && !this.isOver) this.onmessage?.({ data: JSON.stringify(answer) });
      return true;
    } catch {
      // What was not acknowledged is sent again on the next line.
      this.end(1006, "a request was lost");
      return false;
    }
  }

  private end(code: number, reason: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.abort.abort();
    this.onclose?.({ code, reason });
  }
}

/** A refused request in the words of a socket: codes from 4000 to 4499 mean stop. */
function codeOf(status: number): number {
  if (status === 401) return 4401;
  if (status === 403) return 4403;
  if (status === 404 || status === 410) return 4404;
  return 1006;
}

function connectionIdIn(data: string): string | null {
  const frame = JSON.parse(data) as { type?: string; connection_id?: string };
  return frame.type === "connected" ? (frame.connection_id ?? null) : null;
}

/** The text of an event stream, cut anywhere, into events. */
export class EventParser {
  private rest = "";
  private kind = "message";
  private data: string[] = [];

  constructor(private readonly onEvent: (kind: string, data: string) => void) {}

  feed(text: string): void {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.line(line.endsWith("\r") ? line.slice(0, -1) : line);
  }

  private line(line: string): void {
    if (line === "") {
      if (this.data.length > 0) this.onEvent(this.kind, this.data.join("\n"));
      this.kind = "message";
      this.data = [];
      return;
    }
    const at = line.indexOf(":");
    const field = at < 0 ? line : line.slice(0, at);
    const value = at < 0 ? "" : line.slice(at + 1).replace(/^ /, "");
    if (field === "event") this.kind = value;
    else if (field === "data") this.data.push(value);
  }
}
