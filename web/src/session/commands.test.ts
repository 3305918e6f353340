import { describe, expect, test } from "vitest";
import type { ClientFrame } from "~/protocol.gen";
import { Commands, Refused } from "./commands";

function open() {
  const sent: ClientFrame[] = [];
  let ids = 0;
  const commands = new Commands(
    (frame) => sent.push(frame) > 0,
    () => `c${++ids}`,
  );
  return { sent, commands };
}

const refusal = (re: string, retryable: boolean) =>
  ({ type: "error", error_code: "not_allowed", message: "Viewers cannot.", retryable, retry_after_ms: null, re }) as const;

describe("commands", () => {
  test("an ack tells where the command was stored", async () => {
    const { commands } = open();
    const stored = commands.send({ type: "resolve_comment", comment_id: "cmt_1" });
    expect(commands.take({ type: "ack", client_msg_id: "c1", seq: 7 })).toBe(true);
    expect(await stored).toBe(7);
    expect(commands.isWaiting).toBe(false);
  });

  test("a refusal is told in the server's words", async () => {
    const { commands } = open();
    const stored = commands.send({ type: "resolve_comment", comment_id: "cmt_1" });
    commands.take(refusal("c1", false));
    await expect(stored).rejects.toEqual(new Refused("not_allowed", "Viewers cannot."));
  });

  test("what has no answer is sent again under the same id, what may work later too", () => {
    const { commands, sent } = open();
    void commands.send({ type: "resolve_comment", comment_id: "cmt_1" });
    commands.take(refusal("c1", true));
    commands.resend();
    expect(sent).toHaveLength(2);
    expect(sent[0]).toEqual(sent[1]);
  });

  test("answers to others are left to others", () => {
    const { commands } = open();
    expect(commands.take({ type: "ack", client_msg_id: "m1", seq: 7 })).toBe(false);
    expect(commands.take(refusal("m1", false))).toBe(false);
  });
});
