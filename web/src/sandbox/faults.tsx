/** The drawer of faults: what shall go wrong with the app's next calls and with the next events to it. */
import { useState } from "react";
import type { Fault } from "./types";

const CALLS: [string, string][] = [
  ["429", "Too many requests (429)"],
  ["500", "Server error (500)"],
  ["503", "Unavailable (503)"],
  ["timeout", "Never answered, no effect"],
  ["lost_answer", "Done, but the answer is lost"],
  ["reset", "Connection breaks"],
];
const EVENTS: [string, string][] = [
  ["duplicate", "Arrives twice"],
  ["delay", "Arrives late"],
  ["reorder", "Changes places with the next"],
  ["lose", "Never arrives the first time"],
  ["drop_ack", "Answer lost, so it comes again"],
];

export function Faults(props: {
  faults: Fault[];
  onQueue: (fault: { kind: string; times: number; seconds: number; method?: string }) => void;
  onClose: () => void;
}) {
  const [kind, setKind] = useState("429");
  const [times, setTimes] = useState(1);
  const [seconds, setSeconds] = useState(3);
  const [method, setMethod] = useState("chat.postMessage");
  const isCall = CALLS.some(([name]) => name === kind);
  return (
    <aside className="sb-drawer" aria-label="Faults">
      <header className="sb-pane-head">
        <h2>Faults</h2>
        <button type="button" className="sb-text-button" aria-label="Close faults" onClick={props.onClose}>✕</button>
      </header>
      <form className="sb-drawer-body" onSubmit={(event) => { event.preventDefault(); props.onQueue({ kind, times, seconds, method }); }}>
        <p className="sb-note">What shall go wrong next? Nothing should be lost, doubled or reordered in the session.</p>
        <label htmlFor="sb-fault-kind">Fault</label>
        <select id="sb-fault-kind" className="sb-input" value={kind} onChange={(event) => setKind(event.target.value)}>
          <optgroup label="The app's calls">{CALLS.map(([name, title]) => <option key={name} value={name}>{title}</option>)}</optgroup>
          <optgroup label="Events to the app">{EVENTS.map(([name, title]) => <option key={name} value={name}>{title}</option>)}</optgroup>
        </select>
        {isCall && (
          <>
            <label htmlFor="sb-fault-method">Calls of</label>
            <select id="sb-fault-method" className="sb-input" value={method} onChange={(event) => setMethod(event.target.value)}>
              {["chat.postMessage", "chat.update", "chat.delete", "reactions.add", "views.open", "*"].map((name) => (
                <option key={name} value={name}>{name === "*" ? "any method" : name}</option>
              ))}
            </select>
          </>
        )}
        <label htmlFor="sb-fault-times">How many times</label>
        <input id="sb-fault-times" className="sb-input" type="number" min={1} max={50} value={times} onChange={(event) => setTimes(event.target.valueAsNumber || 1)} />
        {(kind === "429" || kind === "delay") && (
          <>
            <label htmlFor="sb-fault-seconds">{kind === "429" ? "Retry after, seconds" : "Late by, seconds"}</label>
            <input id="sb-fault-seconds" className="sb-input" type="number" min={1} max={120} value={seconds} onChange={(event) => setSeconds(event.target.valueAsNumber || 1)} />
          </>
        )}
        <button type="submit" className="sb-button sb-button-primary">Queue</button>
        <h3>Waiting</h3>
        {props.faults.length === 0 ? <p className="sb-note">None. Everything works.</p> : (
          <ul className="sb-fault-list">
            {props.faults.map((fault, index) => (
              <li key={index}>
                {fault.times} × {fault.kind === "status" ? fault.status : fault.kind} for <code>{fault.method ?? fault.event}</code>
              </li>
            ))}
          </ul>
        )}
        {props.faults.length > 0 && (
          <button type="button" className="sb-button" onClick={() => props.onQueue({ kind: "clear", times: 1, seconds: 1 })}>Clear all</button>
        )}
      </form>
    </aside>
  );
}
