/** One message: who, from where, when, and for mine how far it got. */
import { memo } from "react";
import { Markdown } from "~/code/markdown";
import { clock, dayName, moment } from "~/lib/format";
import { useClient, useSession } from "~/session/context";
import type { Outgoing } from "~/session/state";
import { Avatar } from "~/ui/avatar";
import { Icon } from "~/ui/icon";
import { IconButton } from "~/ui/controls";
import type { ChatItem } from "./items";

const sources: Partial<Record<ChatItem["source"], string>> = { slack: "Slack", api: "API", agent: "Agent" };

interface Props {
  item: ChatItem;
  now: number;
  /** Absent where nobody may write. */
  onReply?: (item: ChatItem) => void;
  /** Moves to the message with this key. */
  onShow?: (key: string) => void;
}

export const MessageBubble = memo(function MessageBubble({ item, now, onReply, onShow }: Props) {
  const color = useSession(
    (state) => state.members.get(item.userId)?.color ?? state.people.get(item.userId)?.color ?? 11,
  );
  const { isMine, isFirst, outgoing } = item;
  const source = sources[item.source];
  return (
    <>
      {item.day && (
        <div className="flex items-center gap-3 px-4 pt-4 pb-1">
          <span className="bg-line h-px flex-1" />
          <span className="text-ink-faint text-2xs font-medium">{dayName(item.day, now)}</span>
          <span className="bg-line h-px flex-1" />
        </div>
      )}
      <article
        data-message={item.key}
        tabIndex={-1}
        aria-label={`${isMine ? "You" : item.username}, ${clock(item.at)}${source ? `, from ${source}` : ""}${item.sessionOnly ? ", stays in the session" : ""}`}
        className={`group/message flex gap-2 px-3 outline-offset-[-2px] ${isFirst ? "pt-3" : "pt-0.5"} ${isMine ? "flex-row-reverse" : ""}`}
      >
        {!isMine && (
          <span className="w-7 shrink-0">{isFirst && <Avatar name={item.username} color={color} size={28} />}</span>
        )}
        <div className={`flex max-w-[85%] min-w-0 flex-col ${isMine ? "items-end" : "items-start"}`}>
          {isFirst && (
            <span className="mb-0.5 flex items-baseline gap-1.5 px-0.5 text-2xs">
              {!isMine && <span className="text-ink font-semibold">{item.username}</span>}
              {source && (
                <span className="bg-info-soft text-info rounded px-1 font-medium" title={`Written in ${source}`}>
                  {source}
                </span>
              )}
              {item.sessionOnly && (
                <span className="bg-warn-soft text-warn flex items-center gap-1 rounded px-1 font-medium" title="Not copied to Slack">
                  <Icon name="lock" size={10} />
                  Stays in the session
                </span>
              )}
              <time dateTime={item.at} title={moment(item.at)} className="text-ink-faint tabular-nums">
                {clock(item.at)}
              </time>
            </span>
          )}
          <div
            className={`max-w-full rounded-xl px-3 py-1.5 text-sm ${bubbleLook(isMine, outgoing)} ${isFirst ? (isMine ? "rounded-tr-sm" : "rounded-tl-sm") : ""}`}
          >
            {item.parent && <Quote parent={item.parent} onShow={onShow} />}
            <Markdown text={item.content} />
          </div>
          {outgoing && <Progress outgoing={outgoing} />}
        </div>
        {onReply && !outgoing && (
          <IconButton
            icon="reply"
            label={`Reply to ${isMine ? "yourself" : item.username}`}
            onClick={() => onReply(item)}
            className="text-ink-faint size-7 shrink-0 self-end opacity-0 group-focus-within/message:opacity-100 group-hover/message:opacity-100 focus-visible:opacity-100 [@media(hover:none)]:opacity-70"
          />
        )}
      </article>
    </>
  );
});

/** The line that a message answers, leading to it. */
function Quote({ parent, onShow }: { parent: NonNullable<ChatItem["parent"]>; onShow: Props["onShow"] }) {
  const look = "border-accent text-ink-soft mb-1 block max-w-full truncate border-l-2 pl-2 text-left text-xs";
  if (parent.content === null) return <span className={look}>In reply to an earlier message</span>;
  return (
    <button
      type="button"
      aria-label={`In reply to ${parent.username}: ${parent.content}. Show it`}
      onClick={() => onShow?.(parent.key)}
      className={`${look} hover:text-ink`}
    >
      <strong className="font-semibold">{parent.username}</strong> {parent.content}
    </button>
  );
}

function bubbleLook(isMine: boolean, outgoing: Outgoing | null): string {
  if (outgoing?.state === "failed") return "bg-bad-soft border border-bad/40";
  if (outgoing?.state === "pending") return "bg-accent-soft opacity-70";
  return isMine ? "bg-accent-soft" : "bg-bubble";
}

/** How far a message of mine got. What failed can be sent again or taken away. */
function Progress({ outgoing }: { outgoing: Outgoing }) {
  const client = useClient();
  const { client_msg_id: id, state, error } = outgoing;
  if (state === "sent") return <State icon="check" text="Sent" />;
  if (state === "pending") return <State icon="clock" text={error ? `Waiting: ${error}` : "Sending…"} />;
  return (
    <span className="text-bad mt-1 flex flex-wrap items-center justify-end gap-x-2.5 gap-y-1 text-2xs" role="alert">
      <span>Not sent: {error ?? "the server refused it."}</span>
      <button
        type="button"
        className="rounded font-semibold underline underline-offset-2"
        onClick={() => client.retryMessage(id)}
      >
        Retry
      </button>
      <button
        type="button"
        className="text-ink-soft rounded font-medium underline underline-offset-2"
        onClick={() => client.discardMessage(id)}
      >
        Discard
      </button>
    </span>
  );
}

function State({ icon, text }: { icon: "clock" | "check"; text: string }) {
  return (
    <span className="text-ink-faint mt-0.5 flex items-center gap-1 text-2xs">
      <Icon name={icon} size={11} />
      {text}
    </span>
  );
}
