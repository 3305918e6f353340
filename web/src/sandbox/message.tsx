/** One message: who, when, what, and what can be done with it. */
import { useContext, useState } from "react";
import { Blocks, type OnAction } from "./blocks";
import { MessageFiles } from "./files";
import { emoji, Mrkdwn, NamesContext, SafeLink } from "./text";
import type { Message, Person, Shortcut } from "./types";

export type MessageActions = {
  react: (message: Message, name: string, remove: boolean) => void;
  edit: (message: Message, text: string) => void;
  remove: (message: Message) => void;
  openThread?: (message: Message) => void;
  click: (message: Message, actionId: string, value?: string | string[], blockId?: string) => void;
  /** The app's shortcuts for a message, and how one is run. */
  shortcuts: Shortcut[];
  run: (message: Message, callbackId: string) => void;
  dismiss: (message: Message) => void;
};

const QUICK = ["+1", "eyes", "white_check_mark", "tada"];
const PALETTE = ["#4f46e5", "#0f766e", "#c2410c", "#be123c", "#1d5fb8", "#7a3fb0", "#3f6b1c", "#a03434"];

/** The same colour for the same name, always. */
function colourOf(name: string): string {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.charCodeAt(0)) >>> 0;
  return PALETTE[sum % PALETTE.length] ?? "#4f46e5";
}

function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/);
  return ((words[0]?.[0] ?? "?") + (words.length > 1 ? (words.at(-1)?.[0] ?? "") : "")).toUpperCase();
}

export function Avatar({ name, color, icon, small }: { name: string; color?: string; icon?: string; small?: boolean }) {
  const look = small ? "sb-avatar sb-avatar-small" : "sb-avatar";
  return (
    <span className={look} style={{ background: color ?? colourOf(name) }} aria-hidden="true">
      {icon ? emoji(icon) : initialsOf(name)}
    </span>
  );
}

export function timeOf(ts: string): string {
  return new Date(Number(ts) * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

function authorOf(message: Message, people: Map<string, Person>) {
  const person = message.user ? people.get(message.user) : undefined;
  const name = message.username ?? person?.real_name ?? "Unknown";
  return { name, color: message.username ? colourOf(name) : person && `#${person.color}`, isApp: Boolean(message.bot_id) };
}

export function MessageRow({ message, actions, isRoot }: { message: Message; actions: MessageActions; isRoot?: boolean }) {
  const { me, people } = useContext(NamesContext);
  const [isEditing, setEditing] = useState(false);
  const author = authorOf(message, people);
  const isMine = message.user === me && !message.is_ephemeral;
  const isGone = message.subtype === "tombstone";
  if (message.subtype === "channel_join") {
    return <div className="sb-system"><Mrkdwn text={message.text} /></div>;
  }
  return (
    <article className={message.is_ephemeral ? "sb-message sb-ephemeral" : "sb-message"} aria-label={`${author.name}, ${timeOf(message.ts)}`}>
      <Avatar name={isGone ? "×" : author.name} color={isGone ? "#8a8a8a" : author.color} icon={message.icons?.emoji} />
      <div className="sb-message-body">
        {message.is_ephemeral && (
          <div className="sb-only-you">
            Only visible to you ·{" "}
            <button type="button" className="sb-text-button" onClick={() => actions.dismiss(message)}>Dismiss</button>
          </div>
        )}
        {!isGone && (
          <div className="sb-byline">
            <strong>{author.name}</strong>
            {author.isApp && <span className="sb-badge">APP</span>}
            <time dateTime={new Date(Number(message.ts) * 1000).toISOString()}>{timeOf(message.ts)}</time>
          </div>
        )}
        {isEditing ? (
          <Editor message={message} onDone={(text) => { setEditing(false); if (text !== null) actions.edit(message, text); }} />
        ) : (
          <Body message={message} onAction={(id, value, blockId) => actions.click(message, id, value, blockId)} />
        )}
        <Reactions message={message} me={me} react={actions.react} />
        {!isRoot && message.reply_count && actions.openThread ? (
          <button type="button" className="sb-replies" onClick={() => actions.openThread?.(message)}>
            {message.reply_count} {message.reply_count === 1 ? "reply" : "replies"}
            <span> Last reply {timeOf(message.latest_reply ?? message.ts)}</span>
          </button>
        ) : null}
      </div>
      {!message.is_ephemeral && !isGone && !isEditing && (
        <div className="sb-toolbar" role="toolbar" aria-label="Message actions">
          {QUICK.map((name) => (
            <button key={name} type="button" aria-label={`React with ${name}`} onClick={() => actions.react(message, name, hasReacted(message, name, me))}>
              {emoji(name)}
            </button>
          ))}
          {actions.openThread && <button type="button" onClick={() => actions.openThread?.(message)}>Reply</button>}
          {actions.shortcuts.map((one) => (
            <button key={one.callback_id} type="button" title={one.description} onClick={() => actions.run(message, one.callback_id)}>
              ⚡ {one.name}
            </button>
          ))}
          {isMine && <button type="button" onClick={() => setEditing(true)}>Edit</button>}
          {isMine && <button type="button" onClick={() => actions.remove(message)}>Delete</button>}
        </div>
      )}
    </article>
  );
}

function Body({ message, onAction }: { message: Message; onAction: OnAction }) {
  if (message.subtype === "tombstone") return <p className="sb-gone">This message was deleted.</p>;
  return (
    <div className="sb-text">
      {message.blocks?.length ? <Blocks blocks={message.blocks} onAction={onAction} /> : <Mrkdwn text={message.text} />}
      {message.edited && <span className="sb-edited"> (edited)</span>}
      <MessageFiles files={message.files} />
      {message.attachments?.map((attachment, index) => (
        <div key={index} className="sb-attachment">
          {attachment.title && (
            <strong>{attachment.title_link ? <SafeLink url={attachment.title_link}>{attachment.title}</SafeLink> : attachment.title}</strong>
          )}
          {attachment.blocks?.length ? (
            <Blocks blocks={attachment.blocks} onAction={onAction} />
          ) : (
            <div><Mrkdwn text={attachment.text ?? attachment.fallback ?? ""} /></div>
          )}
        </div>
      ))}
    </div>
  );
}

/** The text as it was typed: mentions by id stay, for they mean the same when sent again. */
function typedText(message: Message, people: Map<string, Person>): string {
  return message.text
    .replace(/<@(\w+)>/g, (whole, id: string) => (people.has(id) ? `@${people.get(id)?.name}` : whole))
    .replace(/<(https?:[^|>]+)>/g, "$1")
    .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

function Editor({ message, onDone }: { message: Message; onDone: (text: string | null) => void }) {
  const { people } = useContext(NamesContext);
  const [text, setText] = useState(() => typedText(message, people));
  return (
    <form className="sb-editor" onSubmit={(event) => { event.preventDefault(); onDone(text); }}>
      <textarea
        className="sb-input" autoFocus aria-label="Edit message" rows={2} value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") onDone(null);
          if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); onDone(text); }
        }}
      />
      <div>
        <button type="button" className="sb-button" onClick={() => onDone(null)}>Cancel</button>{" "}
        <button type="submit" className="sb-button sb-button-primary">Save</button>
      </div>
    </form>
  );
}

function hasReacted(message: Message, name: string, me: string): boolean {
  return message.reactions?.some((one) => one.name === name && one.users.includes(me)) ?? false;
}

function Reactions({ message, me, react }: { message: Message; me: string; react: MessageActions["react"] }) {
  const { people } = useContext(NamesContext);
  if (!message.reactions?.length) return null;
  return (
    <div className="sb-reactions">
      {message.reactions.map((one) => {
        const isMine = one.users.includes(me);
        const who = one.users.map((id) => people.get(id)?.real_name ?? id).join(", ");
        return (
          <button
            key={one.name} type="button" className={isMine ? "sb-reaction sb-reaction-mine" : "sb-reaction"}
            aria-pressed={isMine} title={`${who} reacted with :${one.name}:`} aria-label={`${one.name}, ${one.count}`}
            onClick={() => react(message, one.name, isMine)}
          >
            {emoji(one.name)} <span>{one.count}</span>
          </button>
        );
      })}
    </div>
  );
}
