/** The page: sidebar, channel, thread, and whatever lies above them. */
import { useEffect, useMemo, useState } from "react";
import { Blocks, type OnAction } from "./blocks";
import { ChannelPane, ThreadPane } from "./channel";
import { Faults } from "./faults";
import type { MessageActions } from "./message";
import { Modal } from "./modal";
import { ReportContext } from "./open-as";
import { act, upload } from "./server";
import { Sidebar, type Place } from "./sidebar";
import { NamesContext, type Names } from "./text";
import type { Message, Outcome, Snapshot } from "./types";
import { useSandbox } from "./use-sandbox";

const PERSON = "cosession.sandbox.person";

export function App() {
  const [user, setUser] = useState<string | null>(() => sessionStorage.getItem(PERSON));
  const [place, setPlace] = useState<Place | null>(null);
  const [threadTs, setThreadTs] = useState<string | null>(null);
  const [areFaultsOpen, setFaultsOpen] = useState(false);
  const channelId = place && "channel" in place ? place.channel : null;
  const sandbox = useSandbox(user, channelId);
  const { snapshot } = sandbox;

  useEffect(() => {
    if (!snapshot) return;
    const isThere = place && (!("channel" in place) || snapshot.channels.some((one) => one.id === place.channel));
    if (isThere) return;
    const first = snapshot.channels.find((one) => one.name === "payments") ?? snapshot.channels[0];
    if (first) setPlace({ channel: first.id });
    setThreadTs(null);
  }, [snapshot, place]);

  const newest = sandbox.messages.at(-1)?.ts;
  const { markRead } = sandbox;
  useEffect(() => {
    if (channelId && newest) markRead(channelId, newest);
  }, [channelId, newest, markRead]);

  const names = useMemo<Names>(
    () => ({
      me: snapshot?.me ?? "",
      people: new Map(snapshot?.people.map((one) => [one.id, one])),
      channels: new Map(snapshot?.channels.map((one) => [one.id, one])),
    }),
    [snapshot],
  );

  if (!snapshot || !place) return <Waiting failed={sandbox.status === "failed"} problem={sandbox.problem} retry={() => void sandbox.refresh()} />;

  const me = snapshot.me;
  const attempt = async (action: string, body: Record<string, unknown>): Promise<boolean> => {
    try {
      await act(action, { user: me, ...body });
      return true;
    } catch (error) {
      sandbox.report(error);
      return false;
    }
  };
  const shortcuts = snapshot.shortcuts.filter((one) => one.type === "message");
  const actions = { ...actionsFor(channelId ?? "", attempt, setThreadTs), shortcuts };
  const channel = snapshot.channels.find((one) => one.id === channelId);
  const root = threadTs ? sandbox.messages.find((one) => one.ts === threadTs) : undefined;

  const send = async (text: string, files: File[], inThread: string | null): Promise<boolean> => {
    const command = /^(\/\S+)\s*([\s\S]*)$/.exec(text);
    if (command && !inThread && !files.length) return attempt("slash", { channel: channelId, command: command[1], text: command[2] });
    const ids: string[] = [];
    try {
      for (const file of files) ids.push(await upload(me, file));
    } catch (error) {
      sandbox.report(error);
      return false;
    }
    return attempt("say", { channel: channelId, text, files: ids, ...(inThread ? { thread_ts: inThread } : {}) });
  };
  const submitView = async (viewId: string, values: Record<string, unknown>): Promise<Outcome> => {
    try {
      return await act<Outcome>("submit_view", { user: me, view_id: viewId, values });
    } catch (error) {
      return { ok: false, error: String(error), view: null, errors: {} };
    }
  };

  return (
    <NamesContext value={names}>
      <ReportContext value={sandbox.report}>
        <div className="sb-app">
          <Sidebar
            snapshot={snapshot} place={place} onFaults={() => setFaultsOpen(!areFaultsOpen)}
            isUnread={(one) => one.latest > (sandbox.marks[one.id] ?? "") && one.id !== channelId}
            onShortcut={(one) => void attempt("shortcut", { callback_id: one.callback_id })}
            onPerson={(id) => { sessionStorage.setItem(PERSON, id); setThreadTs(null); setUser(id); }}
            onPlace={(next) => { setPlace(next); setThreadTs(null); if ("home" in next) void attempt("home", {}); }}
          />
          <main className={root ? "sb-main has-thread" : "sb-main"}>
            <div className="sb-column">
              <Banners snapshot={snapshot} status={sandbox.status} problem={sandbox.problem} clear={sandbox.clearProblem} />
              {channel ? (
                <ChannelPane
                  channel={channel} snapshot={snapshot} messages={sandbox.messages} isLoaded={sandbox.isLoaded} actions={actions}
                  onSend={(text, files) => send(text, files, null)}
                />
              ) : (
                <Home
                  snapshot={snapshot}
                  onAction={(id, value, blockId) => void attempt("click_in_view", { view_id: snapshot.home?.id, action_id: id, value, block_id: blockId })}
                />
              )}
            </div>
            {root && channel && (
              <ThreadPane
                key={root.ts} root={root} channel={channel} snapshot={snapshot} messages={sandbox.messages} actions={actions}
                onSend={(text, files) => send(text, files, root.ts)} onClose={() => setThreadTs(null)}
              />
            )}
          </main>
          {areFaultsOpen && (
            <Faults
              faults={snapshot.faults} onClose={() => setFaultsOpen(false)}
              onQueue={(fault) => void attempt("faults", fault).then(() => sandbox.refresh())}
            />
          )}
          {snapshot.modal && (
            <Modal
              key={snapshot.modal.id} view={snapshot.modal} people={snapshot.people} channels={snapshot.channels} current={channel}
              onSubmit={(values) => submitView(snapshot.modal?.id ?? "", values)}
              onClose={() => void attempt("close_view", { view_id: snapshot.modal?.id })}
              onAction={(id, value, blockId) => void attempt("click_in_view", { view_id: snapshot.modal?.id, action_id: id, value, block_id: blockId })}
            />
          )}
        </div>
      </ReportContext>
    </NamesContext>
  );
}

function actionsFor(
  channel: string,
  attempt: (action: string, body: Record<string, unknown>) => Promise<boolean>,
  openThread: (ts: string) => void,
): Omit<MessageActions, "shortcuts"> {
  const at = (message: Message) => ({ channel, ts: message.ts });
  return {
    react: (message, name, remove) => void attempt("react", { ...at(message), name, remove }),
    edit: (message, text) => void attempt("edit", { ...at(message), text }),
    remove: (message) => {
      if (window.confirm("Delete this message?")) void attempt("delete", at(message));
    },
    openThread: (message) => openThread(message.thread_ts ?? message.ts),
    click: (message, actionId, value, blockId) =>
      void attempt("click", { ...at(message), action_id: actionId, value, block_id: blockId }),
    run: (message, callbackId) => void attempt("shortcut", { ...at(message), callback_id: callbackId }),
    dismiss: (message) => void attempt("dismiss", at(message)),
  };
}

function Waiting({ failed, problem, retry }: { failed: boolean; problem: string; retry: () => void }) {
  if (!failed) return <div className="sb-centre" role="status">Opening the workspace…</div>;
  return (
    <div className="sb-centre" role="alert">
      <p>The workspace cannot be opened: {problem}.</p>
      <button type="button" className="sb-button" onClick={retry}>Try again</button>
    </div>
  );
}

function Banners(props: { snapshot: Snapshot; status: string; problem: string; clear: () => void }) {
  return (
    <div aria-live="polite">
      {props.status === "reconnecting" && <p className="sb-banner">The connection was lost. Trying again…</p>}
      {!props.snapshot.is_connected && <p className="sb-banner">No app is connected, so nobody answers here.</p>}
      {props.problem && (
        <p className="sb-banner sb-banner-bad">
          That did not work: {props.problem}.{" "}
          <button type="button" className="sb-text-button" onClick={props.clear}>Dismiss</button>
        </p>
      )}
    </div>
  );
}

function Home({ snapshot, onAction }: { snapshot: Snapshot; onAction: OnAction }) {
  return (
    <section className="sb-pane" aria-label="App home">
      <header className="sb-pane-head"><h2>App home</h2></header>
      <div className="sb-home">
        {snapshot.home ? <Blocks blocks={snapshot.home.blocks} onAction={onAction} /> : <p className="sb-empty">The app shows nothing here yet.</p>}
      </div>
    </section>
  );
}
