/**
 * A session as this page lives in it: the line, the history behind it and what is said, brought together in one store.
 * It repairs holes, keeps unsent messages and tells the server what this person looks at.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { ClientFrame, CursorUpdate, Digest, Follow, MessageFile, Position, Summon, Unfollow, Viewport } from "~/protocol.gen";
import { Commands, Refused, type Wish } from "./commands";
import { Connection, type Line, type World } from "./connection";
import { agrees } from "./digest";
import { type History, Loader } from "./loader";
import { Outbox, type Shelf } from "./outbox";
import type { Incoming, PresenceStatus } from "./protocol";
import { type Input, reduceAll } from "./reducer";
import type { StreamAddress } from "./stream-socket";
import { emptyState, type Outgoing, type SessionState, type Wanted } from "./state";
import { Telling, TYPING_FORGOTTEN } from "./telling";
import { Timers } from "./timers";

/** Milliseconds. */
const FRAME_BATCH = 16;
const GAP_GRACE = 400;
const HEAD_GRACE = 1_500;
const RESEND = 10_000;
/** A page that cannot be made to agree must not load the session again every minute for ever. */
const MOST_DIVERGENCES = 3;

export interface ClientState {
  session: SessionState;
  line: Line;
  /** Loading of history: the first page, then older ones. */
  loading: "idle" | "busy" | "failed";
  loadError: string | null;
  chatLoading: "idle" | "busy" | "failed";
}

export interface ClientOptions {
  sessionId: string;
  userId: string;
  /** `ws://…` or `wss://…`, without a path. */
  origin: string;
  world: World;
  history: History;
  shelf: Shelf;
  newId: () => string;
}

export interface Said {
  content: string;
  /** Sent to the server before. */
  files?: MessageFile[];
  mentions?: string[];
  parentId?: string | null;
  /** Never copied to Slack. */
  sessionOnly?: boolean;
}

export class SessionClient {
  readonly store: StoreApi<ClientState>;
  private readonly connection: Connection;
  private readonly outbox: Outbox;
  private readonly loader: Loader;
  private readonly commands: Commands;
  private readonly timers: Timers;
  private readonly telling: Telling;
  private inbox: Input[] = [];
  private lastFlush = 0;
  private divergences = 0;

  constructor(private readonly options: ClientOptions) {
    const { world } = options;
    this.timers = new Timers(world);
    this.outbox = new Outbox(options.shelf, options.userId, options.sessionId);
    this.store = createStore<ClientState>(() => ({
      session: emptyState,
      line: { phase: "connecting", lostAt: null },
      loading: "idle",
      loadError: null,
      chatLoading: "idle",
    }));
    this.loader = new Loader(options.sessionId, options.history, this.store, (inputs) => this.dispatch(inputs));
    this.connection = new Connection({
      world,
      fetchTicket: async () => (await options.history.ticket(options.sessionId)).ticket,
      url: (ticket, since) => this.url(ticket, since),
      stream: (since) => streamOf(options.sessionId, since),
      position: () => this.position(),
      onFrame: (frame) => this.take(frame),
      onLine: (line) => this.lineChanged(line),
    });
    const send = (frame: ClientFrame) => this.connection.send(frame);
    this.commands = new Commands(send, options.newId);
    this.telling = new Telling(() => world.now(), this.timers, () => this.state, send);
  }

  start(): void {
    const kept = this.outbox.restore();
    if (kept.length > 0) this.dispatch([{ type: "outbox_restored", messages: kept }]);
    this.connection.start();
  }

  stop(): void {
    this.connection.stop();
    this.timers.clear();
  }

  reconnect(): void {
    this.connection.retry();
  }

  // ── Saying ──────────────────────────────────────────────────────────────────────────────────────────────────────

  say(said: Said): void {
    const message: Outgoing = {
      client_msg_id: this.options.newId(),
      content: said.content,
      files: said.files ?? [],
      mentions: said.mentions ?? [],
      parent_id: said.parentId ?? null,
      session_only: said.sessionOnly ?? false,
      written_at: new Date(this.options.world.now()).toISOString(),
      state: "pending",
      seq: null,
      echo_seq: null,
      error: null,
    };
    this.typing(false);
    this.dispatch([{ type: "message_queued", message }]);
    this.post(message);
  }

  retryMessage(id: string): void {
    this.dispatch([{ type: "message_requeued", client_msg_id: id }]);
    const message = this.state.outbox.find((item) => item.client_msg_id === id);
    if (message) this.post(message);
  }

  discardMessage(id: string): void {
    this.dispatch([{ type: "message_discarded", client_msg_id: id }]);
  }

  /** Called at every key stroke. */
  typing(isTyping: boolean): void {
    this.telling.typing(isTyping);
  }

  /** Resolves with the seq that `wish` was stored as; rejects with Refused. Sent again until the server answers. */
  command(wish: Wish): Promise<number> {
    this.timers.arm("resend commands", RESEND, () => this.resendCommands());
    return this.commands.send(wish);
  }

  private resendCommands(): void {
    if (!this.commands.isWaiting) return;
    this.commands.resend();
    this.timers.arm("resend commands", RESEND, () => this.resendCommands());
  }

  /** Changes a message of the log: shown at once, taken back where the server refuses it. */
  change(messageId: string, wanted: Wanted): void {
    const id = this.options.newId();
    this.dispatch([{ type: "change_wanted", change: { ...wanted, id, message_id: messageId, seq: null } }]);
    this.command(wishOf(id, messageId, wanted)).then(
      (seq) => this.dispatch([{ type: "change_stored", id, seq }]),
      (error: unknown) => {
        if (!(error instanceof Refused)) throw error;
        this.dispatch([{ type: "change_refused", id, code: error.code, message: error.message }]);
      },
    );
  }

  /** Everything up to `seq` was in sight. */
  readUpTo(seq: number): void {
    this.telling.readUpTo(seq);
  }

  /** Where this person's cursor stands in a file. */
  point(at: Omit<CursorUpdate, "type">): void {
    this.telling.point(at);
  }

  /** Whom this tab follows, or that everybody is asked along. False: there is no line to say it on. */
  tell(frame: Follow | Unfollow | Summon): boolean {
    return this.connection.send(frame);
  }

  /** What this person does and looks at. */
  look(change: Partial<{ status: PresenceStatus; viewport: Viewport | null }>): void {
    this.telling.look(change);
  }

  dismissNotice(): void {
    this.dispatch([{ type: "notice_dismissed" }]);
  }

  private post(message: Outgoing): void {
    const { client_msg_id, content, mentions, parent_id, session_only } = message;
    const files = message.files.map(({ sha256, name }) => ({ sha256, name }));
    const named = files.length > 0 ? { files } : {};
    this.connection.send({ type: "chat_message", client_msg_id, content, mentions, parent_id, session_only, ...named });
    this.timers.arm("resend", RESEND, () => this.postPending());
  }

  /** Everything unconfirmed, oldest first. The ids stay, so the server stores each once. */
  private postPending(): void {
    for (const message of this.state.outbox) if (message.state === "pending") this.post(message);
  }

  // ── History ─────────────────────────────────────────────────────────────────────────────────────────────────────

  loadOlder(): Promise<void> {
    return this.loader.older();
  }

  loadOlderMessages(): Promise<void> {
    return this.loader.olderMessages();
  }

  /** Chat back to entry `seq`. False where it did not come. */
  messagesBackTo(seq: number): Promise<boolean> {
    return this.loader.messagesBackTo(seq);
  }

  /** Raises ApiError. */
  loadThread(rootId: string): Promise<void> {
    return this.loader.thread(rootId);
  }

  // ── The line ────────────────────────────────────────────────────────────────────────────────────────────────────

  private get state(): SessionState {
    return this.store.getState().session;
  }

  private position(): Position | null {
    const { epoch, to } = this.state;
    return epoch === null ? null : { epoch, seq: to };
  }

  private url(ticket: string, since: Position | null): string {
    const query = new URLSearchParams({ token: ticket });
    if (since) {
      query.set("epoch", since.epoch);
      query.set("since", String(since.seq));
    }
    return `${this.options.origin}/ws/session/${encodeURIComponent(this.options.sessionId)}?${query}`;
  }

  private lineChanged(line: Line): void {
    this.store.setState({ line });
    if (line.phase !== "online") return;
    this.telling.again();
    this.postPending();
    this.commands.resend();
    if (!this.state.isLoaded) void this.loadOlder();
  }

  /** The first frame of a burst shows at once; the rest of it is reduced together, once per drawn frame. */
  private take(frame: Incoming): void {
    const isOurs = this.commands.take(frame);
    if (isOurs && frame.type === "error") {
      if (frame.retryable) this.timers.arm("resend commands", frame.retry_after_ms ?? 2_000, () => this.resendCommands());
      return;
    }
    this.inbox.push(frame);
    const due = this.lastFlush + FRAME_BATCH - this.options.world.now();
    if (due <= 0 || frame.type === "connected") this.flush();
    else this.timers.armOnce("flush", due, () => this.flush());
  }

  private flush(): void {
    this.lastFlush = this.options.world.now();
    const frames = this.inbox;
    this.inbox = [];
    this.dispatch(frames);
    for (const frame of frames) this.attend(frame as Incoming);
    if (this.state.reading?.isStale) this.telling.askHowMuchIsNew();
    if (this.state.ahead.size > 0) this.timers.armOnce("repair", GAP_GRACE, () => void this.loader.repair());
    else if (this.loader.hasHole()) this.timers.armOnce("repair", HEAD_GRACE, () => void this.loader.repair());
  }

  /** What a frame asks to be done, beside what it says. */
  private attend(frame: Incoming): void {
    if (frame.type === "typing" && frame.is_typing) {
      const { user_id } = frame;
      this.timers.arm(`typing ${user_id}`, TYPING_FORGOTTEN, () => this.dispatch([{ type: "typing_expired", user_id }]));
    } else if (frame.type === "ping") {
      this.connection.send({ type: "pong" });
    } else if (frame.type === "followed" && frame.target_id === this.options.userId) {
      // Whoever begins to follow goes to where this person is now, not to where they were a second ago.
      this.telling.hurry();
    } else if (frame.type === "token_expiring") {
      void this.refreshToken();
    } else if (frame.type === "digest") {
      this.compare(frame);
    } else if (frame.type === "error" && frame.retryable && frame.re) {
      this.timers.arm("resend", frame.retry_after_ms ?? 2_000, () => this.postPending());
    }
  }

  /** A ticket proves who we are anew, so that the line may stay. Where none is to be had, the line's end tells why. */
  private async refreshToken(): Promise<void> {
    try {
      const { ticket } = await this.options.history.ticket(this.options.sessionId);
      this.connection.send({ type: "refresh_token", auth_token: ticket });
    } catch (error) {
      console.warn("The sign-in could not be renewed.", error);
    }
  }

  /** What differs from the log is forgotten and read anew; the server answers with `connected`. */
  private compare(digest: Digest): void {
    if (agrees(this.state, digest) !== false || this.divergences >= MOST_DIVERGENCES) return;
    this.divergences += 1;
    console.warn(`Entries ${digest.from_seq} to ${digest.to_seq} differ from the log: they are read anew.`);
    this.connection.send({ type: "join_session", reason: "diverged" });
  }

  private dispatch(inputs: readonly Input[]): void {
    const before = this.state;
    const session = reduceAll(before, inputs);
    if (session === before) return;
    this.outbox.save(before.outbox, session.outbox);
    this.store.setState({ session });
  }
}

function wishOf(id: string, messageId: string, wanted: Wanted): Wish {
  const named = { client_msg_id: id, message_id: messageId };
  switch (wanted.kind) {
    case "edit":
      return { type: "edit_message", ...named, content: wanted.content, mentions: wanted.mentions };
    case "delete":
      return { type: "delete_message", ...named };
    case "react":
      return { type: "add_reaction", ...named, emoji: wanted.emoji };
    case "unreact":
      return { type: "remove_reaction", ...named, emoji: wanted.emoji };
  }
}

/** Where a session is heard and spoken to without a WebSocket. */
function streamOf(sessionId: string, since: Position | null): StreamAddress {
  const base = `/api/sessions/${encodeURIComponent(sessionId)}`;
  const query = since ? `?epoch=${encodeURIComponent(since.epoch)}&since=${since.seq}` : "";
  return { stream: `${base}/stream${query}`, commands: `${base}/commands` };
}
