/** The left column: the workspace, the person one acts as, channels, direct messages. */
import { Avatar } from "./message";
import type { Channel, Person, Shortcut, Snapshot } from "./types";

export type Place = { channel: string } | { home: true };

export function Sidebar(props: {
  snapshot: Snapshot;
  place: Place;
  isUnread: (channel: Channel) => boolean;
  onPerson: (id: string) => void;
  onPlace: (place: Place) => void;
  onFaults: () => void;
  onShortcut: (shortcut: Shortcut) => void;
}) {
  const { snapshot } = props;
  const humans = snapshot.people.filter((person) => !person.is_bot);
  const me = humans.find((person) => person.id === snapshot.me);
  const app = snapshot.people.find((person) => person.id === snapshot.app.user);
  const current = "channel" in props.place ? props.place.channel : null;
  const direct = snapshot.channels.find((channel) => channel.kind === "im");
  return (
    <nav className="sb-sidebar" aria-label="Workspace">
      <div className="sb-workspace">
        <h1>{snapshot.team}</h1>
        <span className="sb-practice">practice workspace</span>
      </div>
      <label className="sb-acting">
        <span className="sb-acting-label">Acting as</span>
        {me && <Avatar name={me.real_name} color={`#${me.color}`} small />}
        <select value={snapshot.me} onChange={(event) => props.onPerson(event.target.value)}>
          {humans.map((person) => <option key={person.id} value={person.id}>{nameOf(person)}</option>)}
        </select>
      </label>
      <h2>Channels</h2>
      <ul>
        {snapshot.channels.filter((channel) => channel.kind !== "im").map((channel) => (
          <Row
            key={channel.id} isCurrent={channel.id === current} isUnread={props.isUnread(channel)} sign="#"
            name={channel.is_archived ? `${channel.name} (archived)` : channel.name}
            onOpen={() => props.onPlace({ channel: channel.id })}
          />
        ))}
      </ul>
      <h2>Apps</h2>
      <ul>
        {direct && (
          <Row
            isCurrent={direct.id === current} isUnread={props.isUnread(direct)} sign="✦" name={app?.real_name ?? "App"}
            onOpen={() => props.onPlace({ channel: direct.id })}
          />
        )}
        <Row isCurrent={current === null} isUnread={false} sign="⌂" name="App home" onOpen={() => props.onPlace({ home: true })} />
      </ul>
      {snapshot.shortcuts.some((one) => one.type === "global") && <h2>Shortcuts</h2>}
      <ul>
        {snapshot.shortcuts.filter((one) => one.type === "global").map((one) => (
          <Row key={one.callback_id} isCurrent={false} isUnread={false} sign="⚡" name={one.name} onOpen={() => props.onShortcut(one)} />
        ))}
      </ul>
      <button type="button" className="sb-faults-opener" onClick={props.onFaults}>
        Faults{snapshot.faults.length > 0 && <span className="sb-count">{snapshot.faults.length}</span>}
      </button>
    </nav>
  );
}

function nameOf(person: Person): string {
  return person.is_restricted ? `${person.real_name} (guest)` : person.real_name;
}

function Row(props: { sign: string; name: string; isCurrent: boolean; isUnread: boolean; onOpen: () => void }) {
  return (
    <li>
      <button
        type="button" aria-current={props.isCurrent ? "page" : undefined}
        className={props.isUnread ? "sb-row sb-row-unread" : "sb-row"} onClick={props.onOpen}
      >
        <span aria-hidden="true">{props.sign}</span> <span className="sb-row-name">{props.name}</span>
        {props.isUnread && <span className="sb-dot"><span className="sb-visually-hidden">unread</span></span>}
      </button>
    </li>
  );
}
