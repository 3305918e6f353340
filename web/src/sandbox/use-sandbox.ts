/** Everything the page knows, kept up to date by the stream: who is who, the messages of each channel, what is unread. */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { fetchMessages, fetchState, listen } from "./server";
import type { Change, Message, Snapshot } from "./types";

export type Status = "loading" | "live" | "reconnecting" | "failed";
type Messages = Map<string, Map<string, Message>>;

const READ = "cosession.sandbox.read";

function readMarks(user: string): Record<string, string> {
  try {
    return JSON.parse(localStorage.getItem(`${READ}.${user}`) ?? "{}") as Record<string, string>;
  } catch {
    // A mark that cannot be read only makes a channel look unread.
    return {};
  }
}

export function useSandbox(user: string | null, channel: string | null) {
  const [snapshot, setSnapshot] = useState<Snapshot | null>(null);
  const [messages, setMessages] = useState<Messages>(new Map());
  const [status, setStatus] = useState<Status>("loading");
  const [problem, setProblem] = useState("");
  const [marks, setMarks] = useState<Record<string, string>>({});
  const loaded = useRef(new Set<string>());
  const arrivals = useRef(new Map<string, Change[]>());
  const current = useRef<string | null>(null);
  const me = snapshot?.me ?? null;

  const refresh = useCallback(async () => {
    try {
      setSnapshot(await fetchState(user));
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setStatus("failed");
    }
  }, [user]);

  const load = useCallback(async (who: string, which: string) => {
    // What the stream brings while the list is on its way may be newer than the list: it is applied on top.
    const during: Change[] = [];
    arrivals.current.set(which, during);
    try {
      const list = await fetchMessages(who, which);
      if (current.current !== who) return;
      loaded.current.add(which);
      const inside = new Map(list.map((message) => [message.ts, message]));
      for (const change of during) applyTo(inside, change);
      setMessages((before) => new Map(before).set(which, inside));
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      if (arrivals.current.get(which) === during) arrivals.current.delete(which);
    }
  }, []);

  // A new person sees another workspace: nothing of the last one stays on the screen.
  useEffect(() => {
    loaded.current.clear();
    setMessages(new Map());
    setSnapshot(null);
    setStatus("loading");
    void refresh();
  }, [refresh]);

  useEffect(() => {
    current.current = me;
    if (me) setMarks(readMarks(me));
  }, [me]);

  // The last person's channel may not be this one's: the page moves on to one that is.
  const isMember = snapshot?.channels.some((one) => one.id === channel) ?? false;
  useEffect(() => {
    if (me && channel && isMember) void load(me, channel);
  }, [me, channel, isMember, load]);

  useEffect(() => {
    if (!me) return;
    const apply = (change: Change) => {
      if (change.kind === "views" || change.kind === "channel") {
        void refresh();
        return;
      }
      if (change.kind !== "deleted") {
        setSnapshot((before) => before && withLatest(before, change.channel, change.message.ts));
      }
      arrivals.current.get(change.channel)?.push(change);
      if (!loaded.current.has(change.channel)) return;
      setMessages((before) => {
        const inside = new Map(before.get(change.channel));
        applyTo(inside, change);
        return new Map(before).set(change.channel, inside);
      });
    };
    let opened = false;
    return listen(me, {
      open: () => {
        setStatus("live");
        // The first time everything has just been read; later something may have been missed.
        if (opened) {
          void refresh();
          for (const which of loaded.current) void load(me, which);
        }
        opened = true;
      },
      change: apply,
      lost: () => setStatus("reconnecting"),
    });
  }, [me, refresh, load]);

  const list = useMemo(
    () => [...(messages.get(channel ?? "")?.values() ?? [])].sort((a, b) => (a.ts < b.ts ? -1 : 1)),
    [messages, channel],
  );

  const markRead = useCallback(
    (which: string, ts: string) => {
      if (!me) return;
      setMarks((before) => {
        if ((before[which] ?? "") >= ts) return before;
        const after = { ...before, [which]: ts };
        localStorage.setItem(`${READ}.${me}`, JSON.stringify(after));
        return after;
      });
    },
    [me],
  );

  return {
    snapshot,
    status,
    problem,
    messages: list,
    isLoaded: messages.has(channel ?? ""),
    marks,
    markRead,
    refresh,
    clearProblem: () => setProblem(""),
    report: (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
  };
}

function applyTo(messages: Map<string, Message>, change: Change) {
  if (change.kind === "deleted") messages.delete(change.ts);
  else if ("message" in change) messages.set(change.message.ts, change.message);
}

function withLatest(snapshot: Snapshot, channel: string, ts: string): Snapshot {
  const channels = snapshot.channels.map((one) => (one.id === channel && one.latest < ts ? { ...one, latest: ts } : one));
  return { ...snapshot, channels };
}
