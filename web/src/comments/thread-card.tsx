/** One thread: its comments, what can be done with it, and an honest word about where it stands. */
import { type ReactNode, useState } from "react";
import { Highlighted } from "~/code/highlight";
import { languageOfFile } from "~/code/languages";
import { Markdown } from "~/code/markdown";
import { ago, moment, plural } from "~/lib/format";
import { useNow } from "~/lib/hooks";
import { useSession } from "~/session/context";
import { Avatar } from "~/ui/avatar";
import { Badge, Button } from "~/ui/controls";
import { Icon } from "~/ui/icon";
import { Menu, type MenuItem } from "~/ui/menu";
import { CommentBox } from "./comment-box";
import { useCommentDesk } from "./data";
import { type CommentWish, hasLines, placeWords, type ShownComment, type ShownThread } from "./threads";

interface Props {
  thread: ShownThread;
  /** Resolved ones are one line until somebody opens them. */
  isOpen: boolean;
  onToggle: () => void;
  /** Shows the version that it was made in; where it has lines here nobody needs to. */
  onShowOriginal?: () => void;
}

export function ThreadCard({ thread, isOpen, onToggle, onShowOriginal }: Props) {
  const resolver = useSession((state) => (thread.resolved_by ? nameOf(state, thread.resolved_by) : null));
  const [first] = thread.comments;
  if (!first) return null;
  const words = placeWords(thread);
  const isOutdated = !hasLines(thread);
  return (
    <section
      aria-label={`Comments on ${thread.place.file}, line ${thread.place.line ?? first.line}`}
      data-thread={thread.id}
      className={`bg-raised border-line max-w-2xl rounded-card border font-sans text-sm shadow-[0_1px_3px_rgb(8_20_16/8%)] ${thread.is_resolved ? "" : "border-l-accent border-l-3"}`}
    >
      {(thread.is_resolved || words) && (
        <header className="text-ink-faint border-line flex min-h-8 flex-wrap items-center gap-x-2 gap-y-1 border-b px-3 py-1 text-xs last:border-b-0">
          {thread.is_resolved && (
            <button
              type="button"
              aria-expanded={isOpen}
              onClick={onToggle}
              className="hover:text-ink flex min-w-0 flex-1 items-center gap-1.5 rounded text-left"
            >
              <Icon name="chevron" size={12} className={`transition-transform ${isOpen ? "rotate-90" : ""}`} />
              <Icon name="check" size={13} className="text-good" />
              <span className="truncate">
                Resolved{resolver ? ` by ${resolver}` : ""} · {plural(thread.comments.length, "comment")}
                {!isOpen && first.content && <span> · {first.content.replace(/\s+/g, " ")}</span>}
              </span>
            </button>
          )}
          {words && (!thread.is_resolved || isOpen) && (
            <span className="flex items-center gap-1.5">
              {isOutdated ? <Badge tone="warn">{thread.place.status}</Badge> : <Icon name="history" size={13} />}
              {words}
              {onShowOriginal && (
                <button type="button" onClick={onShowOriginal} className="text-accent rounded font-medium">
                  Show it there
                </button>
              )}
            </span>
          )}
        </header>
      )}
      {(isOpen || !thread.is_resolved) && (
        <>
          {isOutdated && first.code_snippet && <Snippet file={first.file} line={first.line} code={first.code_snippet} />}
          <ol className="divide-line divide-y">
            {thread.comments.map((comment) => (
              <Comment key={comment.id} comment={comment} />
            ))}
          </ol>
          <Actions thread={thread} first={first} />
        </>
      )}
    </section>
  );
}

/** The lines as they were. */
function Snippet({ file, line, code }: { file: string; line: number; code: string }) {
  return (
    <pre
      tabIndex={0}
      aria-label={`The lines as they were, from ${line}`}
      className="border-line bg-code max-h-40 overflow-auto border-b px-3 py-2 font-mono text-xs leading-5"
    >
      {code
        .replace(/\n$/, "")
        .split("\n")
        .map((text, at) => (
          <span key={at} className="block whitespace-pre">
            <span className="text-ink-faint mr-3 inline-block w-8 text-right select-none">{line + at}</span>
            <Highlighted code={text} language={languageOfFile(file)} />
          </span>
        ))}
    </pre>
  );
}

function Comment({ comment }: { comment: ShownComment }) {
  const desk = useCommentDesk();
  const now = useNow();
  const [isEdited, setEdited] = useState(false);
  const color = useSession((state) => state.members.get(comment.user_id)?.color ?? state.people.get(comment.user_id)?.color ?? 0);
  const isMine = useSession((state) => state.you?.user_id === comment.user_id);
  const role = useSession((state) => state.role);
  const isOver = useSession((state) => state.session?.status === "ended");
  const isStored = comment.wish?.kind !== "add";
  const items: MenuItem[] = [];
  if (isStored && !comment.is_deleted && !isOver && role !== "viewer") {
    if (isMine) items.push({ icon: "edit", label: "Edit", onChoose: () => setEdited(true) });
    if (isMine || role === "host") {
      const wish = { kind: "delete", comment_id: comment.id, content: "", mentions: [] } as const;
      items.push({ icon: "trash", label: "Delete", isDangerous: true, onChoose: () => desk.change({ ...wish, mentions: [] }) });
    }
  }
  return (
    <li data-comment={comment.id} className="group flex gap-2.5 px-3 py-2.5">
      <Avatar name={comment.username} color={color} size={24} />
      <div className={`min-w-0 flex-1 ${comment.wish?.state === "pending" ? "opacity-70" : ""}`}>
        <p className="flex min-h-6 items-center gap-2 text-xs">
          <strong className="truncate font-semibold">{isMine ? "You" : comment.username}</strong>
          <time dateTime={comment.timestamp} title={moment(comment.timestamp)} className="text-ink-faint shrink-0 text-2xs">
            {ago(comment.timestamp, now)}
          </time>
          {comment.edited_at && !comment.is_deleted && (
            <span className="text-ink-faint text-2xs" title={moment(comment.edited_at)}>
              edited
            </span>
          )}
          {comment.source === "slack" && <Badge>Slack</Badge>}
          <span className="flex-1" />
          {items.length > 0 && (
            <span className="-my-1 opacity-0 transition-opacity group-focus-within:opacity-100 group-hover:opacity-100 max-sm:opacity-100">
              <Menu icon="more" label="What to do with this comment" items={items} />
            </span>
          )}
        </p>
        {comment.is_deleted ? (
          <p className="text-ink-faint text-sm italic">This comment was deleted.</p>
        ) : isEdited ? (
          <CommentBox
            draftKey={`edit ${comment.id}`}
            label="Edit the comment"
            action="Save"
            initial={comment.content}
            onSend={(said) => {
              setEdited(false);
              if (said.content !== comment.content) desk.change({ kind: "edit", comment_id: comment.id, ...said });
            }}
            onCancel={() => setEdited(false)}
          />
        ) : (
          <Markdown text={comment.content} />
        )}
        {comment.wish?.state === "failed" && <Failure wish={comment.wish} />}
      </div>
    </li>
  );
}

function Failure({ wish }: { wish: CommentWish }) {
  const desk = useCommentDesk();
  return (
    <p role="alert" className="text-bad mt-1 flex flex-wrap items-center gap-x-2 text-xs">
      <Icon name="alert" size={13} />
      {wish.error ?? "It was not stored."}
      <button type="button" onClick={() => desk.retry(wish.id)} className="rounded font-medium underline">
        Try again
      </button>
      <button type="button" onClick={() => desk.discard(wish.id)} className="rounded underline">
        Discard
      </button>
    </p>
  );
}

function Actions({ thread, first }: { thread: ShownThread; first: ShownComment }) {
  const desk = useCommentDesk();
  const [isReplying, setReplying] = useState(false);
  const canWrite = useCanComment();
  if (!canWrite || thread.isNew) return thread.wish?.state === "failed" ? <Failed thread={thread} /> : null;
  const { file, line, end_line, version, code_snippet } = first;
  return (
    <footer className="border-line bg-surface rounded-b-card border-t px-3 py-2">
      <Failed thread={thread} />
      {isReplying ? (
        <CommentBox
          draftKey={`reply ${thread.id}`}
          label="Reply"
          action="Reply"
          onSend={(said) => {
            setReplying(false);
            desk.add({ thread_id: thread.id, file, line, end_line, version, code_snippet, ...said });
          }}
          onCancel={() => setReplying(false)}
        />
      ) : (
        <div className="flex items-center gap-2">
          <button
            type="button"
            onClick={() => setReplying(true)}
            className="border-line-strong/60 text-ink-faint hover:bg-hover h-7 flex-1 rounded-control border px-3 text-left text-xs"
          >
            Reply…
          </button>
          <Button
            size="sm"
            icon={thread.is_resolved ? "retry" : "check"}
            disabled={thread.wish?.state === "pending"}
            onClick={() => desk.settle({ kind: thread.is_resolved ? "reopen" : "resolve", thread_id: thread.id })}
          >
            {thread.is_resolved ? "Reopen" : "Resolve"}
          </Button>
        </div>
      )}
    </footer>
  );
}

function Failed({ thread }: { thread: ShownThread }): ReactNode {
  return thread.wish?.state === "failed" ? <Failure wish={thread.wish} /> : null;
}

/** Viewers read; nobody writes in a session that has ended. */
export function useCanComment(): boolean {
  return useSession((state) => state.role !== null && state.role !== "viewer" && state.session?.status !== "ended");
}

function nameOf(state: { members: ReadonlyMap<string, { username: string }>; people: ReadonlyMap<string, { username: string }> }, id: string) {
  return state.members.get(id)?.username ?? state.people.get(id)?.username ?? null;
}
