/** How a session stands, in words. Pure; the score and its reasons come from the server, see docs/session-health.md. */
import type { SessionContext } from "~/session/protocol";

export type Level = "good" | "fair" | "poor";

/** A score below 80 is worth a look, one below 50 needs somebody. */
export function levelOf(score: number): Level {
  return score >= 80 ? "good" : score >= 50 ? "fair" : "poor";
}

export const statusWords: Record<SessionContext["status"], string> = {
  working: "The agent is working",
  waiting: "The agent waits for its next prompt",
  idle: "The agent has given no sign for a while",
  ended: "The session has ended",
};

/** 0 to 1; null where the limit is not known. */
export function contextPart(context: SessionContext): number | null {
  const { context_used: used, context_limit: limit } = context;
  return used === null || !limit ? null : Math.min(1, used / limit);
}
