/** Somebody began a thread on lines of a file: one line, which leads there. */
import { useContext } from "react";
import { FileLinksContext } from "~/code/file-refs";
import { clock, moment } from "~/lib/format";
import type { CommentRow } from "~/session/state";
import { Icon } from "~/ui/icon";

export function CommentLine({ row: { comment, at, isDeleted } }: { row: CommentRow }) {
  const links = useContext(FileLinksContext);
  const place = `${comment.file}:${comment.line}`;
  return (
    <div className="text-ink-faint flex items-center gap-2 py-1 text-xs">
      <Icon name="comment" size={13} />
      <span className="min-w-0 flex-1 truncate">
        <span className="text-ink-soft font-medium">{comment.username}</span> commented on{" "}
        {links?.has(comment.file) ? (
          <button
            type="button"
            onClick={() => links.show(comment.file, { line: comment.line, thread: comment.thread_id })}
            className="text-accent decoration-accent/50 rounded font-mono underline underline-offset-2"
          >
            {place}
          </button>
        ) : (
          <span className="font-mono">{place}</span>
        )}
        {": "}
        {isDeleted ? <em>deleted</em> : <span className="text-ink-soft">{comment.content.replace(/\s+/g, " ")}</span>}
      </span>
      <time dateTime={at} title={moment(at)} className="text-2xs tabular-nums">
        {clock(at)}
      </time>
    </div>
  );
}
