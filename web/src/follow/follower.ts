/**
 * Goes where somebody else goes, until this person moves by hand. It asks the server for it, asks again on a new line,
 * walks chains to the one who leads, and stays where it is while they are not here.
 */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { SessionClient } from "~/session/client";
import { type Place, type Places, samePlace } from "~/session/place";
import { rootOf } from "./chain";

/** Milliseconds until a place that could not be reached is tried again: a list of files may be on its way. */
const RETRY = 1_000;
/** Milliseconds within which a refusal is taken for an answer to what was asked: it does not say to what. */
const ANSWER_WITHIN = 5_000;
/** What the server answers to `follow` and `summon` where it does not do it. */
const REFUSALS = new Set(["follow_cycle", "user_not_found", "invalid", "not_allowed", "too_many", "session_ended"]);

export interface Following {
  leaderId: string | null;
  /** As they were called when they were last here. */
  leaderName: string;
  /** Whom this tab followed last. */
  lastId: string | null;
  /** Where the leader looks cannot be shown here. */
  isLost: boolean;
}

export class Follower {
  readonly store: StoreApi<Following> = createStore(() => ({
    leaderId: null,
    leaderName: "",
    lastId: null,
    isLost: false,
  }));
  /** The server knows whom this tab follows. */
  private isTold = false;
  /** A wish of ours that may yet be refused. */
  private asked: { what: "follow" | "summon"; at: number } | null = null;
  private went: Place | null = null;
  private wanted: Place | null = null;
  private isGoing = false;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly client: SessionClient,
    private readonly places: Places,
    /** Tells this person something in words. */
    private readonly say: (text: string) => void,
  ) {}

  /** Begins to listen; returns how to stop. */
  start(): () => void {
    const deaf = [this.client.store.subscribe(() => this.settle()), this.places.onOwnMove(() => this.stop())];
    return () => {
      clearTimeout(this.retry);
      for (const end of deaf) end();
    };
  }

  follow(userId: string): void {
    const { presence, members } = this.client.store.getState().session;
    const leaderName = presence.get(userId)?.username ?? members.get(userId)?.username ?? "";
    this.store.setState({ leaderId: userId, leaderName, lastId: userId, isLost: false });
    this.isTold = false;
    this.went = null;
    this.settle();
  }

  /** Whoever follows nobody stays as they are. */
  stop(): void {
    if (this.store.getState().leaderId === null) return;
    this.store.setState({ leaderId: null, isLost: false });
    this.wanted = null;
    this.asked = null;
    clearTimeout(this.retry);
    if (this.isTold) this.client.tell({ type: "unfollow" });
    this.isTold = false;
  }

  /** Asks everybody here to come along. */
  summon(): void {
    if (!this.client.tell({ type: "summon" })) {
      this.say("There is no connection just now: nobody was asked.");
      return;
    }
    this.asked = { what: "summon", at: Date.now() };
    this.say("Everybody here is asked to come along.");
  }

  private settle(): void {
    this.hearRefusal();
    const { leaderId } = this.store.getState();
    if (leaderId === null) return;
    const { line, session } = this.client.store.getState();
    const leader = session.presence.get(leaderId);
    if (line.phase !== "online" || !leader) {
      this.isTold = false;
      if (line.phase === "online" && !session.members.has(leaderId)) this.lose();
      return;
    }
    if (!this.isTold) {
      this.isTold = true;
      this.asked = { what: "follow", at: Date.now() };
      this.client.tell({ type: "follow", user_id: leaderId });
    }
    const place = rootOf(session.presence, leaderId, session.you?.user_id ?? null)?.viewport ?? null;
    if (place && !samePlace(place, this.went)) void this.go(place);
  }

  /** The leader lost their seat. */
  private lose(): void {
    this.say(`${this.store.getState().leaderName} is not in this session any more. You stay where you are.`);
    this.stop();
  }

  private hearRefusal(): void {
    const { notice } = this.client.store.getState().session;
    const { asked } = this;
    if (!notice || !asked || !REFUSALS.has(notice.code)) return;
    this.asked = null;
    if (Date.now() - asked.at > ANSWER_WITHIN) return;
    if (asked.what === "follow") {
      // Nothing to take back: the server did not begin it.
      this.isTold = false;
      this.stop();
    }
    this.client.dismissNotice();
    this.say(notice.message);
  }

  /** The latest place alone counts: one way at a time. */
  private async go(place: Place): Promise<void> {
    this.went = place;
    this.wanted = place;
    if (this.isGoing) return;
    this.isGoing = true;
    try {
      while (this.wanted) {
        const next: Place = this.wanted;
        this.wanted = null;
        const isReached = samePlace(this.places.current, next) || (await this.places.goTo(next));
        if (this.store.getState().leaderId !== null) this.arrived(isReached);
      }
    } finally {
      this.isGoing = false;
    }
  }

  private arrived(isReached: boolean): void {
    this.store.setState({ isLost: !isReached });
    clearTimeout(this.retry);
    if (isReached) return;
    this.retry = setTimeout(() => {
      this.went = null;
      this.settle();
    }, RETRY);
  }
}
