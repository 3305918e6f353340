// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SessionClient } from "~/session/client";
import { ClientProvider, useSession } from "~/session/context";
import type { Role, SessionView } from "~/session/protocol";
import { alice, bob, connected, entry, said, sessionView } from "~/testing/entries";
import { FakeHistory, FakeShelf } from "~/testing/history";
import { FakeWorld } from "~/testing/world";
import { Composer } from "./composer";
import { useDeeds } from "./deeds";
import { useChatDesk, useChatDeskState } from "./desk";
import { chatItems } from "./items";
import { MessageBubble } from "./message-bubble";
import { useMessages } from "./messages";
import { ChatRoom } from "./room";
import { ThreadPanel } from "./thread-panel";

let world: FakeWorld;
const me = { ...alice, email: null };
const nothing = () => undefined;

/** The chat without its virtual list, which draws nothing where nothing has a height. */
function Chat() {
  const desk = useChatDesk();
  const messages = useMessages();
  const outbox = useSession((state) => state.outbox);
  const deeds = useDeeds({ isThread: false, onRemove: nothing, onEdited: nothing });
  const editing = useChatDeskState((state) => state.editing);
  const threadId = useChatDeskState((state) => state.threadId);
  const items = chatItems(messages, outbox, alice);
  const last = items.findLast((item) => item.isMine);
  return (
    <>
      <div role="log" aria-label="Messages">
        {items.map((item) => (
          <MessageBubble key={item.key} item={item} now={0} deeds={deeds} names="Bob Tanaka" isEditing={editing?.id === item.key} />
        ))}
      </div>
      <Composer sessionId="ses_1" onEditLast={() => last && desk.edit({ id: last.key, isThread: false })} />
      {threadId && (
        <ThreadPanel
          sessionId="ses_1"
          me={me}
          rootId={threadId}
          names=""
          isShown
          onRemove={nothing}
          onClose={desk.closeThread}
        />
      )}
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
      <ChatRoom>
        <Chat />
      </ChatRoom>
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

const says = (...frames: Parameters<FakeWorld["socket"]["says"]>) =>
  act(async () => {
    world.socket.says(...frames);
    await world.pass(50);
  });
/** In the main list, also while its thread shows it too. */
const message = (text: string) => screen.getAllByText(text)[0]?.closest("article") as HTMLElement;
const action = (text: string, name: string) => {
  fireEvent.mouseEnter(message(text));
  fireEvent.click(screen.getByRole("button", { name }));
  fireEvent.mouseLeave(message(text));
};

test("a reply is written in a thread, folded under what it answers, and Escape closes the thread", async () => {
  await open();
  await says(said(1, "Shall we ship it?"));
  action("Shall we ship it?", "Reply in a thread");
  const reply = screen.getByRole("textbox", { name: "Reply in the thread" });
  expect(document.activeElement).toBe(reply);
  fireEvent.change(reply, { target: { value: "Yes" } });
  fireEvent.keyDown(reply, { key: "Enter" });
  expect(world.socket.ofType("chat_message").map((frame) => [frame.content, frame.parent_id])).toEqual([["Yes", "msg_1"]]);
  await says({ type: "ack", client_msg_id: "m1", seq: 2 }, said(2, "Yes", alice, { parent_id: "msg_1" }));
  expect(screen.getByRole("button", { name: /^1 reply, the last at/ })).toBeTruthy();
  fireEvent.keyDown(reply, { key: "Escape" });
  expect(screen.queryByRole("region", { name: "Thread" })).toBeNull();
  expect(screen.queryByText("Yes")).toBeNull();
});

test("a message that was deleted leaves its place and its thread", async () => {
  await open();
  await says(
    said(1, "Never mind"),
    said(2, "Why not?", alice, { parent_id: "msg_1" }),
    entry(3, "message_deleted", { message_id: "msg_1", source: "web" }, bob.user_id),
  );
  expect(screen.queryByText("Never mind")).toBeNull();
  expect(message("Message deleted")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: /^1 reply/ }));
  expect(screen.getByText("Why not?")).toBeTruthy();
  fireEvent.mouseEnter(screen.getAllByText("Message deleted")[0]?.closest("article") as HTMLElement);
  expect(screen.queryByRole("toolbar")).toBeNull();
});

test("a reaction shows at once with who gave it, goes when it is taken back, and when the server refuses it", async () => {
  await open();
  await says(said(1, "Done"), entry(2, "reaction_added", { message_id: "msg_1", user_id: bob.user_id, emoji: "🎉", source: "web" }));
  fireEvent.click(screen.getByRole("button", { name: "party: Bob Tanaka. React too" }));
  const mine = screen.getByRole("button", { name: "party: Bob Tanaka and you. Take yours back", pressed: true });
  expect(mine.textContent).toBe("🎉2");
  fireEvent.click(mine);
  action("Done", "React with thumbs up");
  expect(world.socket.sent.slice(-3).map((frame) => [frame.type, frame.emoji])).toEqual([
    ["add_reaction", "🎉"],
    ["remove_reaction", "🎉"],
    ["add_reaction", "👍"],
  ]);
  const refusal = { error_code: "message_gone", message: "It was deleted.", retryable: false, retry_after_ms: null };
  await says({ type: "error", ...refusal, re: "m3" });
  expect(screen.queryByRole("button", { name: /^thumbs up: you/ })).toBeNull();
  expect(screen.getByRole("button", { name: /^party: Bob Tanaka\. / })).toBeTruthy();
});

test("↑ in the empty field edits my last message; Enter saves it, Escape leaves it as it was", async () => {
  await open();
  await says(said(1, "Helo", alice), said(2, "Hi"));
  fireEvent.keyDown(field(), { key: "ArrowUp" });
  const box = () => screen.getByRole("textbox", { name: "Edit the message" });
  fireEvent.change(box(), { target: { value: "Hello?" } });
  fireEvent.keyDown(box(), { key: "Escape" });
  expect(screen.getByText("Helo")).toBeTruthy();
  action("Helo", "Edit");
  fireEvent.change(box(), { target: { value: "Hello @Bob Tanaka" } });
  fireEvent.keyDown(box(), { key: "Enter" });
  expect(world.socket.ofType("edit_message")).toMatchObject([
    { message_id: "msg_1", content: "Hello @Bob Tanaka", mentions: [bob.user_id] },
  ]);
  expect(message("@Bob Tanaka").textContent).toContain("(edited)");
});

test("nobody edits what another wrote, and who only watches changes nothing", async () => {
  await open("viewer");
  await says(said(1, "Hi"), entry(2, "reaction_added", { message_id: "msg_1", user_id: bob.user_id, emoji: "👍", source: "web" }));
  fireEvent.mouseEnter(message("Hi"));
  expect(screen.getAllByRole("button").map((button) => button.getAttribute("aria-label") ?? button.textContent)).toEqual([
    "thumbs up: Bob Tanaka",
    "Copy link",
  ]);
});

test("@ offers people and everyone who is here", async () => {
  await open();
  type("@");
  const offers = () => screen.getAllByRole("option").map((option) => option.textContent);
  expect(offers()).toEqual(["BTBob Tanakahost", "@hereeveryone who is here now"]);
  fireEvent.change(field(), { target: { value: "@he", selectionStart: 3 } });
  fireEvent.keyDown(field(), { key: "Enter" });
  expect(field()).toHaveProperty("value", "@here ");
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

test("a reply to what stays in the session stays there too, what is said beside it does not", async () => {
  await open("editor", "live", { is_mirrored: true });
  await says(said(1, "Between us", bob, { session_only: true }));
  action("Between us", "Reply in a thread");
  const reply = screen.getByRole("textbox", { name: "Reply in the thread" });
  fireEvent.change(reply, { target: { value: "Sure" } });
  fireEvent.keyDown(reply, { key: "Enter" });
  type("Something else");
  fireEvent.keyDown(field(), { key: "Enter" });
  expect(world.socket.ofType("chat_message").map((frame) => frame.session_only)).toEqual([true, false]);
});
