/** A world without a browser: time that moves when told, sockets that a test holds the other end of. */
import type { SocketLike, World } from "~/session/connection";
import type { Incoming } from "~/session/protocol";

export class FakeSocket implements SocketLike {
  onmessage: SocketLike["onmessage"] = null;
  onclose: SocketLike["onclose"] = null;
  readonly sent: Record<string, unknown>[] = [];
  isClosed = false;

  constructor(readonly url: string) {}

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }

  close(): void {
    this.isClosed = true;
  }

  /** The server says something. */
  says(...frames: Incoming[]): void {
    for (const frame of frames) this.onmessage?.({ data: JSON.stringify(frame) });
  }

  /** The server, or the network, ends it. */
  ends(code = 1006, reason = ""): void {
    this.isClosed = true;
    this.onclose?.({ code, reason });
  }

  ofType(type: string): Record<string, unknown>[] {
    return this.sent.filter((frame) => frame.type === type);
  }
}

export class FakeWorld implements World {
  readonly sockets: FakeSocket[] = [];
  chance = 0.5;
  private time = 1_000_000;
  private nextId = 1;
  private readonly timers = new Map<number, { at: number; run: () => void }>();
  private readonly wakers = new Set<() => void>();

  now = (): number => this.time;
  random = (): number => this.chance;

  setTimeout = (run: () => void, ms: number): number => {
    const id = this.nextId;
    this.nextId += 1;
    this.timers.set(id, { at: this.time + ms, run });
    return id;
  };

  clearTimeout = (id: number): void => {
    this.timers.delete(id);
  };

  openSocket = (url: string): SocketLike => {
    const socket = new FakeSocket(url);
    this.sockets.push(socket);
    return socket;
  };

  readonly streams: FakeSocket[] = [];
  private blocked: number | null = null;

  openStream = (address: { stream: string }): SocketLike => {
    const stream = new FakeSocket(address.stream);
    this.streams.push(stream);
    return stream;
  };

  blockedAt = (): number | null => this.blocked;
  setBlockedAt = (at: number): void => {
    this.blocked = at;
  };

  onWake = (wake: () => void): (() => void) => {
    this.wakers.add(wake);
    return () => this.wakers.delete(wake);
  };

  wake(): void {
    for (const waker of this.wakers) waker();
  }

  get socket(): FakeSocket {
    const last = this.sockets.at(-1);
    if (!last) throw new Error("No socket was opened.");
    return last;
  }

  /** Lets promises settle, then moves time, firing what falls due in order. */
  async pass(ms: number): Promise<void> {
    await settled();
    const until = this.time + ms;
    for (;;) {
      const due = [...this.timers].filter(([, timer]) => timer.at <= until).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      const [id, timer] = due;
      this.timers.delete(id);
      this.time = Math.max(this.time, timer.at);
      timer.run();
      await settled();
    }
    this.time = until;
    await settled();
  }
}

/** Everything that promises had to do is done: a macrotask comes after all of it. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
