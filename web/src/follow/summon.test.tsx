// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SessionClient } from "~/session/client";
import { ClientProvider } from "~/session/context";
import { placesOf, PlacesProvider } from "~/session/place";
import { alice, bob, connected } from "~/testing/entries";
import { FakeHistory, FakeShelf } from "~/testing/history";
import { FakeWorld } from "~/testing/world";
import { FollowRoom } from "./context";
import { SummonPrompt } from "./summon";

let world: FakeWorld;
const prompt = () => screen.queryByRole("group", { name: "Bob Tanaka asks you to come along" });

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  world = new FakeWorld();
  const client = new SessionClient({
    sessionId: "ses_1",
    userId: alice.user_id,
    origin: "ws://test",
    world,
    history: new FakeHistory(),
    shelf: new FakeShelf(),
    newId: () => "m1",
  });
  render(
    <ClientProvider client={client}>
      <PlacesProvider value={placesOf(client)}>
        <FollowRoom>
          <SummonPrompt />
        </FollowRoom>
      </PlacesProvider>
    </ClientProvider>,
  );
  const presence = [{ ...bob, status: "active" as const, cursor: null, viewport: null, following: null }];
  await act(async () => {
    await world.pass(0);
    world.socket.says(connected(0, { presence }));
    world.socket.says({ type: "summoned", by: bob });
    await world.pass(50);
  });
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

test("a request moves nobody, is said aloud, and is gone after half a minute", async () => {
  expect(prompt()).toBeTruthy();
  expect(screen.getByRole("status", { name: "Requests" }).textContent).toContain("Bob Tanaka asks you to come along");
  expect(world.socket.ofType("follow")).toEqual([]);
  await act(() => vi.advanceTimersByTimeAsync(29_000));
  expect(prompt()).toBeTruthy();
  await act(() => vi.advanceTimersByTimeAsync(1_000));
  expect(prompt()).toBeNull();
});

test("one click goes along", async () => {
  fireEvent.click(screen.getByRole("button", { name: "Come along" }));
  expect(prompt()).toBeNull();
  expect(world.socket.ofType("follow")).toEqual([{ type: "follow", user_id: bob.user_id }]);
});

test("not now is an answer, and the next request is asked anew", async () => {
  fireEvent.click(screen.getByRole("button", { name: "Not now" }));
  expect(prompt()).toBeNull();
  expect(world.socket.ofType("follow")).toEqual([]);
  await act(async () => {
    world.socket.says({ type: "summoned", by: bob });
    await world.pass(50);
  });
  expect(prompt()).toBeTruthy();
});
