/**
 * Commands that the server answers one by one: each is kept until its ack or its refusal, and sent again under the
 * same `client_msg_id` after a lost line, so that it has one effect. They end with the page; messages do not, see Outbox.
 */
import type { ClientFrame } from "~/protocol.gen";
import type { Incoming } from "./protocol";

/** A frame that carries a `client_msg_id`. */
export type Wish = Extract<ClientFrame, { client_msg_id?: string | null }>;

/** The server said no. `message` is its own words, for people. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "Refused";
  }
}

interface Waiting {
  frame: Wish;
  resolve: (seq: number) => void;
  reject: (error: Refused) => void;
}

export class Commands {
  private readonly waiting = new Map<string, Waiting>();

  constructor(
    private readonly post: (frame: ClientFrame) => boolean,
    private readonly newId: () => string,
  ) {}

  /** The seq that the command was stored as. Rejects with Refused; waits for as long as there is no line. */
  send(wish: Wish): Promise<number> {
    const frame = { ...wish, client_msg_id: wish.client_msg_id ?? this.newId() };
    return new Promise((resolve, reject) => {
      this.waiting.set(frame.client_msg_id, { frame, resolve, reject });
      this.post(frame);
    });
  }

  /** Whether `frame` answers one of ours, which is then settled; what may work later stays. */
  take(frame: Incoming): boolean {
    const id = frame.type === "ack" ? frame.client_msg_id : frame.type === "error" ? frame.re : null;
    const waiting = id === null ? undefined : this.waiting.get(id);
    if (!id || !waiting) return false;
    if (frame.type === "ack") waiting.resolve(frame.seq);
    else if (frame.type === "error" && !frame.retryable) waiting.reject(new Refused(frame.error_code, frame.message));
    else return true;
    this.waiting.delete(id);
    return true;
  }

  get isWaiting(): boolean {
    return this.waiting.size > 0;
  }

  /** Everything unanswered, oldest first. */
  resend(): void {
    for (const { frame } of this.waiting.values()) this.post(frame);
  }
}
