/** One row of the transcript, by its kind. */
import { memo } from "react";
import { Markdown } from "~/code/markdown";
import { clock, compact, duration, moment, plural } from "~/lib/format";
import { useFold, useSession } from "~/session/context";
import type { FailureRow, NoteRow, PromptRow, Row, TextRow, TurnEndRow, TurnStartRow } from "~/session/state";
import { Icon, type IconName } from "~/ui/icon";
import { CommentLine } from "./comment-row";
import { FileChange } from "./file-row";
import { Fold } from "./fold";
import { ToolCall } from "./tool-row";

export const RowView = memo(function RowView({ row }: { row: Row }) {
  switch (row.kind) {
    case "prompt":
      return <Prompt row={row} />;
    case "message":
      return <Answer row={row} />;
    case "thought":
      return <Thought row={row} />;
    case "tool":
      return <ToolCall row={row} />;
    case "file":
      return <FileChange row={row} />;
    case "comment":
      return <CommentLine row={row} />;
    case "failure":
      return <Failure row={row} />;
    case "turn_start":
      return <TurnStart row={row} />;
    case "turn_end":
      return <TurnEnd row={row} />;
    case "note":
      return <Note row={row} />;
  }
});

/** What a row is called by whoever hears it. */
export function rowLabel(row: Row): string {
  switch (row.kind) {
    case "prompt":
      return "Prompt";
    case "message":
      return "Agent’s answer";
    case "thought":
      return "Agent’s thought";
    case "tool":
      return `Tool call: ${row.started?.title ?? "its start is not loaded"}`;
    case "file":
      return `File ${row.change.change}: ${row.change.path}`;
    case "comment":
      return `${row.comment.username} commented on ${row.comment.file}, line ${row.comment.line}`;
    case "failure":
      return "Error of the agent";
    case "turn_start":
      return "Agent";
    case "turn_end":
      return "End of turn";
    case "note":
      return "Note";
  }
}

function Time({ at }: { at: string }) {
  return (
    <time dateTime={at} title={moment(at)} className="text-ink-faint text-2xs tabular-nums">
      {clock(at)}
    </time>
  );
}

function Prompt({ row }: { row: PromptRow }) {
  const author = useSession((state) => (row.author ? (state.people.get(row.author)?.username ?? null) : null));
  return (
    <div className="bg-accent-soft border-accent/25 my-1.5 rounded-card border px-3.5 py-2.5">
      <div className="mb-1 flex items-baseline gap-2">
        <span className="text-accent text-2xs font-semibold tracking-wide uppercase">Prompt</span>
        {author && <span className="text-ink-soft text-2xs">{author}</span>}
        <span className="flex-1" />
        <Time at={row.at} />
      </div>
      {row.text ? (
        <LongText text={row.text} rowKey={row.key} />
      ) : (
        <p className="text-ink-faint text-sm italic">What was asked here was erased.</p>
      )}
    </div>
  );
}

/** Plain text as it was written; only its beginning when it is very long. */
function LongText({ text, rowKey }: { text: string; rowKey: string }) {
  const [isOpen, toggle] = useFold(`${rowKey} text`, text.length < 1_200);
  return (
    <>
      <p className="text-sm break-words whitespace-pre-wrap">{isOpen ? text : `${text.slice(0, 900)}…`}</p>
      {text.length >= 1_200 && (
        <button type="button" onClick={toggle} className="text-accent mt-1 rounded text-xs font-medium">
          {isOpen ? "Show less" : `Show all ${text.length.toLocaleString("en")} characters`}
        </button>
      )}
    </>
  );
}

function Answer({ row }: { row: TextRow }) {
  return (
    <div className="py-1.5 pl-1">
      <Markdown text={row.text} />
    </div>
  );
}

function Thought({ row }: { row: TextRow }) {
  const first = row.text.trim().split("\n", 1)[0] ?? "";
  return (
    <Fold
      rowKey={row.key}
      byDefault={false}
      summary={
        <span className="text-ink-faint flex min-w-0 items-center gap-2 italic">
          <Icon name="think" size={14} />
          <span className="truncate">{first.replace(/[*_#`]/g, "")}</span>
        </span>
      }
    >
      <div className="text-ink-soft border-line ml-1.5 border-l-2 py-1 pl-4 text-sm">
        <Markdown text={row.text} />
      </div>
    </Fold>
  );
}

function Failure({ row }: { row: FailureRow }) {
  return (
    <div className="bg-bad-soft text-bad my-1.5 flex gap-2.5 rounded-card px-3.5 py-2.5 text-sm">
      <Icon name="alert" className="mt-0.5" />
      <div className="min-w-0">
        <p className="font-medium">The agent reported an error</p>
        <p className="break-words whitespace-pre-wrap">{row.text}</p>
      </div>
    </div>
  );
}

function TurnStart({ row }: { row: TurnStartRow }) {
  return (
    <div className="text-ink-faint flex items-center gap-2 py-1.5 text-xs">
      <Icon name="terminal" size={14} />
      <span className="text-ink-soft font-medium">{row.agent}</span>
      {row.model && <span className="truncate font-mono text-2xs">{row.model}</span>}
    </div>
  );
}

const endings = { completed: "Turn finished", failed: "Turn failed", interrupted: "Turn interrupted" };

function TurnEnd({ row }: { row: TurnEndRow }) {
  const facts = [
    row.durationMs === null ? null : duration(row.durationMs),
    row.calls > 0 ? plural(row.calls, "call") : null,
    row.tokens ? `${compact(row.tokens.total)} tokens` : null,
  ].filter(Boolean);
  const isBad = row.status !== "completed";
  return (
    <div className="flex items-center gap-x-3 pt-2 pb-4 text-2xs">
      <span className="bg-line h-px min-w-3 flex-1" />
      <span className="flex flex-wrap items-center justify-center gap-x-2.5">
      <span className={isBad ? "text-bad font-medium" : "text-ink-faint"}>{endings[row.status]}</span>
      {facts.length > 0 && <span className="text-ink-faint tabular-nums">{facts.join(" · ")}</span>}
      {row.failedCalls > 0 && <span className="text-bad">{row.failedCalls} failed</span>}
      </span>
      <span className="bg-line h-px min-w-3 flex-1" />
    </div>
  );
}

const noteIcons: Record<NoteRow["icon"], IconName> = {
  join: "join",
  leave: "leave",
  key: "key",
  link: "link",
  flag: "flag",
  edit: "edit",
  warning: "alert",
  unknown: "help",
};

function Note({ row }: { row: NoteRow }) {
  const who = useSession((state) => (row.who ? (state.people.get(row.who)?.username ?? "Somebody") : null));
  return (
    <div
      className={`flex items-center gap-2 py-1 text-xs ${row.icon === "warning" ? "text-warn" : "text-ink-faint"}`}
    >
      <Icon name={noteIcons[row.icon]} size={13} />
      <span className="min-w-0 break-words">
        {who && <span className="text-ink-soft font-medium">{who} </span>}
        {row.href && /^https?:/.test(row.href) ? (
          <a href={row.href} target="_blank" rel="noreferrer noopener" className="underline underline-offset-2">
            {row.text}
          </a>
        ) : (
          row.text
        )}
      </span>
      <Time at={row.at} />
    </div>
  );
}
