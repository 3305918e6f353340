/**
 * One live line to a session: a fresh ticket for each socket, resume from the position held, full-jitter backoff, a
 * watchdog, and the difference between "come back" and "stop" (close codes 4000–4499). It knows nothing of what the
 * frames mean beside `connected` and `draining`, and nothing of React.
 */
import { ApiError } from "~/api/http";
import type { ClientFrame, Position } from "~/protocol.gen";
import { type Incoming, parseFrame } from "./protocol";
import type { StreamAddress } from "./stream-socket";

/** Milliseconds. */
export const TIMES = {
  shortestWait: 500,
  longestWait: 20_000,
  /** Longest silence before the line is taken for dead; the server speaks every 20 s. */
  silence: 30_000,
  /** Longest time from wanting a socket to `connected`. */
  opening: 10_000,
  /** Longest wait for any frame after a probe. */
  probe: 3_000,
  /** A line that held this long starts its backoff anew. */
  settled: 5_000,
  /** How long WebSockets are taken for blocked, before a lost line tries one again. */
  blocked: 600_000,
} as const;

/** Sockets in a row that end before their first frame, while requests do get through: something blocks them. */
const BLOCKED_AFTER = 2;

export type Line =
  | { phase: "connecting"; lostAt: number | null }
  | { phase: "online" }
  | { phase: "waiting"; lostAt: number; retryAt: number }
  | { phase: "stopped"; code: number; reason: string };

export interface SocketLike {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
}

/** The world outside, so that tests bring their own. */
export interface World {
  now(): number;
  random(): number;
  setTimeout(run: () => void, ms: number): number;
  clearTimeout(id: number): void;
  openSocket(url: string): SocketLike;
  /** The same over plain requests. */
  openStream(address: StreamAddress): SocketLike;
  /** When WebSockets were last found to be blocked on this page or the one before it; null for never. */
  blockedAt(): number | null;
  setBlockedAt(at: number): void;
  /** Calls back when the network is back or the page is shown again; returns how to stop. */
  onWake(wake: () => void): () => void;
}

export interface ConnectionOptions {
  world: World;
  fetchTicket: () => Promise<string>;
  url: (ticket: string, since: Position | null) => string;
  stream: (since: Position | null) => StreamAddress;
  /** What is held, to resume from; null for nothing. */
  position: () => Position | null;
  onFrame: (frame: Incoming) => void;
  onLine: (line: Line) => void;
}

export class Connection {
  private line: Line = { phase: "connecting", lostAt: null };
  private socket: SocketLike | null = null;
  private attempt = 0;
  private lostAt: number | null = null;
  private onlineSince = 0;
  /** Sockets in a row that ended before their first frame. */
  private stillborn = 0;
  private isRunning = false;
  /** Distinguishes the present try from what earlier ones still call back. */
  private era = 0;
  private timers = new Map<string, number>();
  private stopWaking: (() => void) | null = null;

  constructor(private readonly options: ConnectionOptions) {}

  start(): void {
    if (this.isRunning) return;
    this.isRunning = true;
    this.stopWaking = this.options.world.onWake(() => this.wake());
    void this.open();
  }

  stop(): void {
    this.isRunning = false;
    this.stopWaking?.();
    this.drop();
  }

  /** Starts over after a stop that the person wants to overrule. */
  retry(): void {
    if (!this.isRunning || this.line.phase === "online") return;
    this.attempt = 0;
    this.drop();
    void this.open();
  }

  /** True when the frame was handed to a line that is up. */
  send(frame: ClientFrame): boolean {
    if (this.line.phase !== "online" || !this.socket) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  private async open(): Promise<void> {
    const era = ++this.era;
    this.show({ phase: "connecting", lostAt: this.lostAt });
    this.arm("opening", TIMES.opening, () => this.unopened(BLOCKED_AFTER));
    if (this.isBlocked()) {
      this.attach(this.options.world.openStream(this.options.stream(this.options.position())), era);
      return;
    }
    let ticket: string;
    try {
      ticket = await this.options.fetchTicket();
    } catch (error) {
      if (era === this.era) this.refused(error);
      return;
    }
    if (era !== this.era) return;
    this.attach(this.options.world.openSocket(this.options.url(ticket, this.options.position())), era);
  }

  private attach(socket: SocketLike, era: number): void {
    this.socket = socket;
    socket.onmessage = (event) => era === this.era && this.receive(event.data);
    socket.onclose = (event) => era === this.era && this.closed(event.code, event.reason);
  }

  private isBlocked(): boolean {
    const at = this.options.world.blockedAt();
    return at !== null && this.options.world.now() - at < TIMES.blocked;
  }

  /** A line that never came up. A socket whose ticket was given out, so that requests get through, may be blocked. */
  private unopened(weight: number): void {
    if (this.socket && !this.isBlocked()) {
      this.stillborn += weight;
      if (this.stillborn >= BLOCKED_AFTER) {
        this.stillborn = 0;
        this.options.world.setBlockedAt(this.options.world.now());
        this.reopen();
        return;
      }
    }
    this.lose();
  }

  private refused(error: unknown): void {
    if (error instanceof ApiError && [401, 403, 404, 410].includes(error.status)) {
      this.end(error.status === 401 ? 4401 : error.status === 403 ? 4403 : 4404, error.message);
      return;
    }
    this.lose(error instanceof ApiError ? error.retryAfterMs : null);
  }

  private receive(data: unknown): void {
    const frame = typeof data === "string" ? parseFrame(data) : null;
    this.disarm("probe");
    this.arm("silence", TIMES.silence, () => this.lose());
    if (!frame) return;
    if (frame.type === "connected") {
      this.disarm("opening");
      this.stillborn = 0;
      this.lostAt = null;
      this.onlineSince = this.options.world.now();
      // The frame first: whoever hears "online" can rely on what it says.
      this.options.onFrame(frame);
      this.show({ phase: "online" });
      return;
    }
    if (frame.type === "draining") {
      this.arm("draining", this.options.world.random() * frame.within_ms, () => this.reopen());
      return;
    }
    this.options.onFrame(frame);
  }

  private closed(code: number, reason: string): void {
    if (code >= 4000 && code < 4500) this.end(code, reason);
    // The server's own codes come from the server: then nothing is blocked.
    else if (code < 4000 && this.line.phase === "connecting") this.unopened(1);
    else this.lose();
  }

  private end(code: number, reason: string): void {
    this.drop();
    this.show({ phase: "stopped", code, reason });
  }

  private reopen(): void {
    if (this.lostAt === null) this.lostAt = this.options.world.now();
    this.drop();
    void this.open();
  }

  /** The line is gone: wait a random part of an interval that doubles, then try again. */
  private lose(atLeastMs: number | null = null): void {
    const { world } = this.options;
    if (this.line.phase === "online" && world.now() - this.onlineSince >= TIMES.settled) this.attempt = 0;
    this.drop();
    if (!this.isRunning) return;
    const ceiling = Math.min(TIMES.longestWait, TIMES.shortestWait * 2 ** this.attempt);
    this.attempt += 1;
    const wait = Math.max(world.random() * ceiling, atLeastMs ?? 0);
    const lostAt = this.lostAt ?? world.now();
    this.lostAt = lostAt;
    this.show({ phase: "waiting", lostAt, retryAt: world.now() + wait });
    this.arm("retry", wait, () => void this.open());
  }

  /** The network or the person is back. A line that looks up is asked to prove it. */
  private wake(): void {
    if (this.line.phase === "waiting") {
      this.drop();
      void this.open();
    } else if (this.line.phase === "online" && !this.timers.has("probe")) {
      this.arm("probe", TIMES.probe, () => this.reopen());
      this.send({ type: "ping" });
    }
  }

  /** Lets go of socket and timers; whatever the old socket still says is ignored. */
  private drop(): void {
    this.era += 1;
    for (const name of this.timers.keys()) this.disarm(name);
    const socket = this.socket;
    this.socket = null;
    if (socket) {
      socket.onmessage = null;
      socket.onclose = null;
      socket.close(1000);
    }
  }

  private show(line: Line): void {
    this.line = line;
    this.options.onLine(line);
  }

  private arm(name: string, ms: number, run: () => void): void {
    this.disarm(name);
    const id = this.options.world.setTimeout(() => {
      this.timers.delete(name);
      run();
    }, ms);
    this.timers.set(name, id);
  }

  private disarm(name: string): void {
    const id = this.timers.get(name);
    if (id !== undefined) this.options.world.clearTimeout(id);
    this.timers.delete(name);
  }
}
