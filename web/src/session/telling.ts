/**
 * What the server is told of this person beside what they say: where they look, that they type, how far they have read.
 * The latest counts, and each at its own pace; nothing of it is kept for later but what still holds then.
 */
import type { ClientFrame, CursorUpdate, Viewport } from "~/protocol.gen";
import type { PresenceStatus } from "./protocol";
import type { SessionState } from "./state";
import type { Timers } from "./timers";

/** Milliseconds. */
const TYPING_EVERY = 2_000;
export const TYPING_FORGOTTEN = 6_000;
const PRESENCE_EVERY = 100;
/** Where somebody looks is news of the second where nobody follows them. */
const UNFOLLOWED_EVERY = 1_000;
const READ_EVERY = 1_000;

export class Telling {
  private typingSentAt = Number.NEGATIVE_INFINITY;
  private presence: { status: PresenceStatus; viewport: Viewport | null } = { status: "active", viewport: null };
  private presenceSentAt = Number.NEGATIVE_INFINITY;
  private cursor: CursorUpdate | null = null;
  private cursorSentAt = Number.NEGATIVE_INFINITY;
  private readSeq = 0;
  private readSentAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly now: () => number,
    private readonly timers: Timers,
    private readonly state: () => SessionState,
    private readonly send: (frame: ClientFrame) => boolean,
  ) {}

  /** The line is there again: what still holds is said again. */
  again(): void {
    this.sendPresence();
    this.sendCursor();
    this.sendRead();
  }

  /** Called at every key stroke; the server hears it every 2 s at most, and the end at once. */
  typing(isTyping: boolean): void {
    const now = this.now();
    const wasTyping = now - this.typingSentAt < TYPING_FORGOTTEN;
    if (isTyping ? now - this.typingSentAt < TYPING_EVERY : !wasTyping) return;
    this.typingSentAt = isTyping ? now : Number.NEGATIVE_INFINITY;
    this.send({ type: "typing", is_typing: isTyping });
  }

  /** Where this person's cursor stands in a file: the latest, at most ten times a second. */
  point(at: Omit<CursorUpdate, "type">): void {
    const next: CursorUpdate = { type: "cursor_update", ...at };
    if (JSON.stringify(next) === JSON.stringify(this.cursor)) return;
    this.cursor = next;
    const wait = this.cursorSentAt + PRESENCE_EVERY - this.now();
    if (wait <= 0) this.sendCursor();
    else this.timers.armOnce("cursor", wait, () => this.sendCursor());
  }

  /** What this person does and looks at: the latest, at most ten times a second while somebody follows, else once. */
  look(change: Partial<{ status: PresenceStatus; viewport: Viewport | null }>): void {
    const next = { ...this.presence, ...change };
    if (JSON.stringify(next) === JSON.stringify(this.presence)) return;
    // Where somebody is at all, and whether they are awake, the others are told at once.
    const isUrgent = next.status !== this.presence.status || this.presence.viewport === null;
    this.presence = next;
    const every = this.isFollowed ? PRESENCE_EVERY : UNFOLLOWED_EVERY;
    const wait = isUrgent ? 0 : this.presenceSentAt + every - this.now();
    if (wait <= 0) this.sendPresence();
    else this.timers.armOnce("presence", wait, () => this.sendPresence());
  }

  /** Somebody follows from now on: where this person looks is said at once, where it was to be said later. */
  hurry(): void {
    if (this.timers.has("presence")) this.timers.arm("presence", 0, () => this.sendPresence());
  }

  /** Everything up to `seq` was in sight; the server hears it once a second at most. */
  readUpTo(seq: number): void {
    const known = this.state().reading?.read_up_to ?? 0;
    if (seq <= Math.max(known, this.askedSeq)) return;
    this.readSeq = seq;
    this.askHowMuchIsNew();
  }

  /** The server answers what it is told of reading with how much is new. */
  askHowMuchIsNew(): void {
    const wait = this.readSentAt + READ_EVERY - this.now();
    if (wait <= 0) this.sendRead();
    else this.timers.armOnce("read", wait, () => this.sendRead());
  }

  private get isFollowed(): boolean {
    const { presence, you } = this.state();
    return you !== null && [...presence.values()].some((person) => person.following === you.user_id);
  }

  /** What was in sight, of this history: another one may be shorter. */
  private get askedSeq(): number {
    return Math.min(this.readSeq, this.state().to);
  }

  private sendPresence(): void {
    this.presenceSentAt = this.now();
    this.send({ type: "presence_update", ...this.presence });
  }

  private sendCursor(): void {
    this.cursorSentAt = this.now();
    if (this.cursor) this.send(this.cursor);
  }

  private sendRead(): void {
    const { reading } = this.state();
    const seq = Math.max(this.askedSeq, reading?.read_up_to ?? 0);
    if (!reading || (seq <= reading.read_up_to && !reading.isStale)) return;
    this.readSentAt = this.now();
    this.send({ type: "read_up_to", seq });
  }
}
