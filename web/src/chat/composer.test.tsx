// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { useState } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SessionClient } from "~/session/client";
import { ClientProvider, useSession } from "~/session/context";
import type { Role, SessionView } from "~/session/protocol";
import { alice, bob, connected, entry, said, sessionView } from "~/testing/entries";
import { FakeHistory, FakeShelf } from "~/testing/history";
import { FakeWorld } from "~/testing/world";
import { Composer } from "./composer";
import { type ChatItem, chatItems } from "./items";
import { MessageBubble } from "./message-bubble";

let world: FakeWorld;
const shown = vi.fn<(key: string) => void>();

function Chat() {
  const messages = useSession((state) => state.messages);
  const outbox = useSession((state) => state.outbox);
  const [replyTo, setReplyTo] = useState<ChatItem | null>(null);
  return (
    <>
      {chatItems(messages, outbox, alice).map((item) => (
        <MessageBubble key={item.key} item={item} now={0} onReply={setReplyTo} onShow={shown} />
      ))}
      <Composer sessionId="ses_1" replyTo={replyTo} onReplyEnd={() => setReplyTo(null)} ref={null} />
    </>
  );
}

async function open(
  role: Role = "editor",
  status: "live" | "ended" = "live",
  fields: Partial<SessionView> = {},
): Promise<void> {
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
    world.socket.says(connected(0, { role, session: { ...sessionView(0), status, ...fields } }));
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

test("a reply names what it answers, shows it, and Escape takes the wish back", async () => {
  await open();
  await act(async () => {
    world.socket.says(said(1, "Shall we\nship it?"));
    await world.pass(50);
  });
  const reply = () => fireEvent.click(screen.getByRole("button", { name: "Reply to Bob Tanaka" }));
  reply();
  expect(document.activeElement).toBe(field());
  expect(screen.getByText("Replying to")).toBeTruthy();
  fireEvent.keyDown(field(), { key: "Escape" });
  expect(screen.queryByText("Replying to")).toBeNull();
  reply();
  type("Yes");
  fireEvent.keyDown(field(), { key: "Enter" });
  expect(world.socket.ofType("chat_message").map((frame) => [frame.content, frame.parent_id])).toEqual([["Yes", "msg_1"]]);
  expect(screen.queryByText("Replying to")).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "In reply to Bob Tanaka: Shall we ship it?. Show it" }));
  expect(shown).toHaveBeenCalledWith("msg_1");
});

test("what stays in the session can be said where there is a thread, and is marked", async () => {
  await open();
  expect(screen.queryByRole("checkbox")).toBeNull();
  await act(async () => {
    world.socket.says(
      entry(1, "thread_linked", { provider: "slack", channel: "C1", channel_name: "payments", url: "" }),
      said(2, "Between us", bob, { session_only: true }),
    );
    await world.pass(50);
  });
  expect(screen.getByRole("article", { name: /stays in the session/ }).textContent).toContain("Between us");
  type("for all");
  fireEvent.keyDown(field(), { key: "Enter" });
  fireEvent.click(screen.getByRole("checkbox", { name: "This stays in the session" }));
  type("for us");
  fireEvent.keyDown(field(), { key: "Enter" });
  expect(world.socket.ofType("chat_message").map((frame) => [frame.content, frame.session_only])).toEqual([
    ["for all", false],
    ["for us", true],
  ]);
});

test("a reply to what stays in the session stays there too, what is said next does not", async () => {
  await open("editor", "live", { is_mirrored: true });
  await act(async () => {
    world.socket.says(said(1, "Between us", bob, { session_only: true }));
    await world.pass(50);
  });
  fireEvent.click(screen.getByRole("button", { name: "Reply to Bob Tanaka" }));
  type("Sure");
  fireEvent.keyDown(field(), { key: "Enter" });
  type("Something else");
  fireEvent.keyDown(field(), { key: "Enter" });
  expect(world.socket.ofType("chat_message").map((frame) => frame.session_only)).toEqual([true, false]);
});
