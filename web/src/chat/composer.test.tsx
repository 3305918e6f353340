// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SessionClient } from "~/session/client";
import { ClientProvider, useSession } from "~/session/context";
import type { Role } from "~/session/protocol";
import { alice, connected, sessionView } from "~/testing/entries";
import { FakeHistory, FakeShelf } from "~/testing/history";
import { FakeWorld } from "~/testing/world";
import { Composer } from "./composer";
import { chatItems } from "./items";
import { MessageBubble } from "./message-bubble";

let world: FakeWorld;

function Chat() {
  const messages = useSession((state) => state.messages);
  const outbox = useSession((state) => state.outbox);
  return (
    <>
      {chatItems(messages, outbox, alice).map((item) => (
        <MessageBubble key={item.key} item={item} now={0} />
      ))}
      <Composer sessionId="ses_1" ref={null} />
    </>
  );
}

async function open(role: Role = "editor", status: "live" | "ended" = "live"): Promise<void> {
  let count = 0;
  const client = new SessionClient({
    sessionId: "ses_1",
    userId: alice.user_id,
    origin: "ws://test",
    world,
    history: new FakeHistory(),
    shelf: new FakeShelf(),
    newId: () => `m${++count}`,
  });
  render(
    <ClientProvider client={client}>
      <Chat />
    </ClientProvider>,
  );
  await act(async () => {
    await world.pass(0);
    world.socket.says(connected(0, { role, session: { ...sessionView(0), status } }));
  });
}

const field = () => screen.getByRole("textbox", { name: "Message" });
const type = (value: string) => fireEvent.change(field(), { target: { value } });
const sent = () => world.socket.ofType("chat_message").map((frame) => [frame.client_msg_id, frame.content]);

beforeEach(() => {
  world = new FakeWorld();
  localStorage.clear();
});
afterEach(cleanup);

test("Enter sends and empties the field, Shift and Enter does not, nor does Enter within an input method", async () => {
  await open();
  type("hello");
  fireEvent.keyDown(field(), { key: "Enter", shiftKey: true });
  fireEvent.keyDown(field(), { key: "Enter", isComposing: true });
  expect(sent()).toEqual([]);
  fireEvent.keyDown(field(), { key: "Enter" });
  expect(sent()).toEqual([["m1", "hello"]]);
  expect(field()).toHaveProperty("value", "");
  expect(screen.getByText("Sending…")).toBeTruthy();
});

test("a draft is there again after a reload", async () => {
  await open();
  type("half a thought");
  cleanup();
  await open();
  expect(field()).toHaveProperty("value", "half a thought");
});

test("a refused message says why, and Retry sends it again under the same id", async () => {
  await open();
  type("hello");
  fireEvent.keyDown(field(), { key: "Enter" });
  act(() =>
    world.socket.says({
      type: "error",
      error_code: "not_allowed",
      message: "Not now.",
      retryable: false,
      retry_after_ms: null,
      re: "m1",
    }),
  );
  await act(() => world.pass(50));
  expect(screen.getByRole("alert").textContent).toContain("Not sent: Not now.");
  fireEvent.click(screen.getByRole("button", { name: "Retry" }));
  expect(sent()).toEqual([
    ["m1", "hello"],
    ["m1", "hello"],
  ]);
});

test.each([
  ["viewer", "live", "You are a viewer here"],
  ["editor", "ended", "This session has ended"],
] as const)("a %s of a session that is %s is told why there is nothing to write in", async (role, status, reason) => {
  await open(role, status);
  expect(screen.queryByRole("textbox")).toBeNull();
  expect(screen.getByRole("note").textContent).toContain(reason);
});
