import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SessionClient } from "~/session/client";
import { type Place, Places } from "~/session/place";
import { type PersonPresence, viewport } from "~/session/protocol";
import { alice, bob, connected } from "~/testing/entries";
import { FakeHistory, FakeShelf } from "~/testing/history";
import { FakeWorld, settled } from "~/testing/world";
import { Follower } from "./follower";

const cem = { user_id: "usr_cem", username: "Cem", color: 4 };
const at = (seq: number) => viewport("transcript", { seq });
const here = (who: typeof bob, place: Place | null, following: string | null = null): PersonPresence => ({
  ...who,
  status: "active",
  cursor: null,
  viewport: place,
  following,
});

let world: FakeWorld;
let client: SessionClient;
let places: Places;
let follower: Follower;
let gone: (number | null)[];
let said: string[];
let isReachable: boolean;
let end: () => void;

/** Alice's page, with Bob and Cem in the session. */
beforeEach(async () => {
  world = new FakeWorld();
  client = new SessionClient({
    sessionId: "ses_1",
    userId: alice.user_id,
    origin: "ws://test",
    world,
    history: new FakeHistory(),
    shelf: new FakeShelf(),
    newId: () => "m1",
  });
  places = new Places((place) => client.look({ viewport: place }));
  gone = [];
  said = [];
  isReachable = true;
  places.serve("transcript", (place) => {
    gone.push(place.seq);
    return isReachable;
  });
  follower = new Follower(client, places, (text) => said.push(text));
  client.start();
  end = follower.start();
  await world.pass(0);
});
afterEach(() => {
  end();
  client.stop();
  vi.useRealTimers();
});

async function online(...presence: PersonPresence[]): Promise<void> {
  const participants = [alice, bob, cem].map((who) => ({ ...who, role: "editor" as const }));
  world.socket.says(connected(0, { presence, participants, is_resumed: true }));
  await world.pass(50);
}

async function shown(...users: PersonPresence[]): Promise<void> {
  world.socket.says({ type: "presence_update", users });
  await world.pass(50);
}

const asked = () => world.socket.ofType("follow").map((frame) => frame.user_id);

describe("following", () => {
  test("goes to where they are at once, and wherever they go then", async () => {
    await online(here(bob, at(7)));
    follower.follow(bob.user_id);
    await settled();
    await shown(here(bob, at(9)));
    expect(asked()).toEqual([bob.user_id]);
    expect(gone).toEqual([7, 9]);
    expect(follower.store.getState()).toMatchObject({ leaderId: bob.user_id, leaderName: bob.username, isLost: false });
  });

  test("of a follower goes to where the first of the chain is", async () => {
    await online(here(bob, at(7)), here(cem, at(3), bob.user_id));
    follower.follow(cem.user_id);
    await settled();
    expect(asked()).toEqual([cem.user_id]);
    await shown(here(cem, at(4), bob.user_id));
    expect(gone).toEqual([7]);
    await shown(here(cem, at(4)));
    expect(gone).toEqual([7, 4]);
  });

  test("ends with the first move by hand, and nothing moves any more", async () => {
    await online(here(bob, at(7)));
    follower.follow(bob.user_id);
    await settled();
    places.moved();
    await shown(here(bob, at(9)));
    expect(gone).toEqual([7]);
    expect(world.socket.ofType("unfollow")).toHaveLength(1);
    expect(follower.store.getState()).toMatchObject({ leaderId: null, lastId: bob.user_id });
  });

  test("is asked for again on a new line", async () => {
    await online(here(bob, at(7)));
    follower.follow(bob.user_id);
    world.socket.ends();
    await world.pass(1_000);
    expect(follower.store.getState().leaderId).toBe(bob.user_id);
    await online(here(bob, at(8)));
    expect(world.sockets).toHaveLength(2);
    expect(asked()).toEqual([bob.user_id]);
    expect(gone).toEqual([7, 8]);
  });

  test("of somebody who left stays where it is, and goes on when they are back", async () => {
    await online(here(bob, at(7)));
    follower.follow(bob.user_id);
    world.socket.says({ type: "user_left", user_id: bob.user_id });
    await world.pass(50);
    expect(follower.store.getState().leaderId).toBe(bob.user_id);
    await shown(here(bob, at(2)));
    expect(asked()).toEqual([bob.user_id, bob.user_id]);
    expect(gone).toEqual([7, 2]);
  });

  test("in a circle is refused in the server's words", async () => {
    await online(here(bob, at(7)));
    follower.follow(bob.user_id);
    const message = "They follow you already.";
    world.socket.says({ type: "error", error_code: "follow_cycle", message, retryable: false, retry_after_ms: null, re: null });
    await world.pass(50);
    expect(said).toEqual([message]);
    expect(follower.store.getState().leaderId).toBeNull();
    expect(world.socket.ofType("unfollow")).toEqual([]);
    expect(client.store.getState().session.notice).toBeNull();
  });

  test("to a place that cannot be shown says so, and tries again", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    isReachable = false;
    await online(here(bob, at(7)));
    follower.follow(bob.user_id);
    await settled();
    expect(follower.store.getState().isLost).toBe(true);
    isReachable = true;
    await vi.advanceTimersByTimeAsync(1_000);
    await settled();
    expect(gone).toEqual([7, 7]);
    expect(follower.store.getState().isLost).toBe(false);
  });
});

describe("where I look", () => {
  const tell = async () => {
    const before = world.socket.ofType("presence_update").length;
    for (let seq = 1; seq <= 100; seq += 1) {
      client.look({ viewport: at(seq) });
      await world.pass(20);
    }
    return world.socket.ofType("presence_update").length - before;
  };

  test("is told once a second, and ten times while somebody follows me", async () => {
    await online(here(alice, null), here(bob, null));
    expect(await tell()).toBeLessThanOrEqual(3);
    await shown(here(bob, null, alice.user_id));
    const many = await tell();
    expect(many).toBeGreaterThan(10);
    expect(many).toBeLessThanOrEqual(21);
  });

  test("is told at once when I come, before the second is over", async () => {
    await online(here(alice, null));
    client.look({ viewport: at(1) });
    client.look({ viewport: at(2) });
    expect(world.socket.ofType("presence_update").at(-1)).toMatchObject({ viewport: { seq: 1 } });
    await world.pass(1_000);
    expect(world.socket.ofType("presence_update").at(-1)).toMatchObject({ viewport: { seq: 2 } });
  });

  test("is told at once to somebody who begins to follow me", async () => {
    await online(here(alice, null), here(bob, null));
    await world.pass(2_000);
    client.look({ viewport: at(1) });
    client.look({ viewport: at(2) });
    world.socket.says({ type: "followed", user_id: bob.user_id, target_id: alice.user_id });
    await world.pass(50);
    expect(world.socket.ofType("presence_update").at(-1)).toMatchObject({ viewport: { seq: 2 } });
  });
});
