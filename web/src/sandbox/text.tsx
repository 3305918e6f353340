/** Draws text: mrkdwn, rich text, and the names that stand behind ids. */
import { createContext, useContext, type ReactNode } from "react";
import { isSafeUrl, parse, type Node } from "./mrkdwn";
import type { Channel, Person, RichPart, RichStyle, TextObject } from "./types";

export type Names = { me: string; people: Map<string, Person>; channels: Map<string, Channel> };
export const NamesContext = createContext<Names>({ me: "", people: new Map(), channels: new Map() });

const EMOJI: Record<string, string> = {
  "+1": "👍", thumbsup: "👍", "-1": "👎", eyes: "👀", tada: "🎉", white_check_mark: "✅", x: "❌", heart: "❤️", rocket: "🚀",
  no_entry_sign: "🚫", octagonal_sign: "🛑", mute: "🔇", leaves: "🍃", hourglass: "⌛", envelope: "✉️", checkered_flag: "🏁", bell: "🔔",
  wave: "👋", thinking_face: "🤔", fire: "🔥", joy: "😂", smile: "😄", pray: "🙏", bulb: "💡", warning: "⚠️", lock: "🔒",
  hourglass_flowing_sand: "⏳", robot_face: "🤖", speech_balloon: "💬", red_circle: "🔴", large_green_circle: "🟢",
  green_circle: "🟢", white_circle: "⚪", see_no_evil: "🙈", speak_no_evil: "🙊", raised_hands: "🙌", bug: "🐛", memo: "📝",
  large_blue_circle: "🔵", large_purple_circle: "🟣", large_orange_circle: "🟠", large_yellow_circle: "🟡",
  large_brown_circle: "🟤", black_circle: "⚫", large_green_square: "🟩", large_red_square: "🟥", large_blue_square: "🟦",
  large_purple_square: "🟪",
};

/** An emoji by name; one that is not known is shown by its name, as custom emoji are. */
export function emoji(name: string): string {
  return EMOJI[name.replaceAll(":", "")] ?? `:${name.replaceAll(":", "")}:`;
}

export function Mrkdwn({ text }: { text: string }) {
  return <>{parse(text).map((node, index) => <One key={index} node={node} />)}</>;
}

export function Text({ value }: { value: TextObject | string | undefined }) {
  if (value === undefined) return null;
  if (typeof value === "string") return <>{value}</>;
  return value.type === "mrkdwn" ? <Mrkdwn text={value.text} /> : <>{withEmoji(value.text)}</>;
}

function withEmoji(text: string): string {
  return text.replace(/:([a-z0-9_+-]+):/g, (whole, name: string) => EMOJI[name] ?? whole);
}

function One({ node }: { node: Node }): ReactNode {
  const inside = "children" in node ? node.children.map((child, index) => <One key={index} node={child} />) : null;
  switch (node.kind) {
    case "text":
      return <span className="sb-pre">{node.text}</span>;
    case "code":
      return <code className="sb-code">{node.text}</code>;
    case "fence":
      return <pre className="sb-fence">{node.text}</pre>;
    case "bold":
      return <strong>{inside}</strong>;
    case "italic":
      return <em>{inside}</em>;
    case "strike":
      return <s>{inside}</s>;
    case "quote":
      return <blockquote className="sb-quote">{inside}</blockquote>;
    case "user":
      return <UserMention id={node.id} label={node.label} />;
    case "channel":
      return <ChannelMention id={node.id} label={node.label} />;
    case "broadcast":
      return <span className="sb-mention sb-mention-me">@{node.range}</span>;
    case "link":
      return <SafeLink url={node.url}>{node.label}</SafeLink>;
    case "emoji":
      return <span title={`:${node.name}:`}>{emoji(node.name)}</span>;
  }
}

export function SafeLink({ url, children }: { url: string; children: ReactNode }) {
  if (!isSafeUrl(url)) return <>{children}</>;
  return (
    <a className="sb-link" href={url} target="_blank" rel="noreferrer">
      {children}
    </a>
  );
}

function UserMention({ id, label }: { id: string; label?: string | undefined }) {
  const { me, people } = useContext(NamesContext);
  return (
    <span className={id === me ? "sb-mention sb-mention-me" : "sb-mention"}>@{people.get(id)?.name ?? label ?? id}</span>
  );
}

function ChannelMention({ id, label }: { id: string; label?: string | undefined }) {
  const { channels } = useContext(NamesContext);
  return <span className="sb-mention">#{channels.get(id)?.name ?? (label || id)}</span>;
}

export function RichText({ parts }: { parts: RichPart[] }) {
  return <>{parts.map((part, index) => <Rich key={index} part={part} />)}</>;
}

function Rich({ part }: { part: RichPart }): ReactNode {
  const inside = part.elements ? <RichText parts={part.elements} /> : null;
  switch (part.type) {
    case "rich_text_section":
      return <div>{inside}</div>;
    case "rich_text_quote":
      return <blockquote className="sb-quote">{inside}</blockquote>;
    case "rich_text_preformatted":
      return <pre className="sb-fence">{part.elements?.map((element) => element.text ?? element.url ?? "").join("")}</pre>;
    case "rich_text_list": {
      const items = part.elements?.map((item, index) => <li key={index}><Rich part={item} /></li>);
      return part.style === "ordered" ? <ol className="sb-list">{items}</ol> : <ul className="sb-list">{items}</ul>;
    }
    case "user":
      return <UserMention id={part.user_id ?? ""} />;
    case "channel":
      return <ChannelMention id={part.channel_id ?? ""} />;
    case "broadcast":
      return <span className="sb-mention sb-mention-me">@{part.range}</span>;
    case "emoji":
      return <span>{emoji(part.name ?? "")}</span>;
    case "link":
      return <SafeLink url={part.url ?? ""}>{part.text || part.url}</SafeLink>;
    default:
      return <Styled style={typeof part.style === "object" ? part.style : {}}>{part.text ?? ""}</Styled>;
  }
}

function Styled({ style, children }: { style: RichStyle; children: string }) {
  if (style.code) return <code className="sb-code">{children}</code>;
  let drawn: ReactNode = <span className="sb-pre">{children}</span>;
  if (style.bold) drawn = <strong>{drawn}</strong>;
  if (style.italic) drawn = <em>{drawn}</em>;
  if (style.strike) drawn = <s>{drawn}</s>;
  return drawn;
}
