/** The place where the session's files are read: their tree or all comments at the side, the open file beside it. */
import { type ReactNode, useMemo } from "react";
import { CommentPanel } from "~/comments/panel";
import { useCommentNews, useThreads } from "~/comments/data";
import { openByFile } from "~/comments/threads";
import { peopleByFile } from "~/cursors/people";
import { isSameFile } from "~/code/file-refs";
import { useSession } from "~/session/context";
import { viewport } from "~/session/protocol";
import { useReportPlace } from "~/session/place";
import { Button } from "~/ui/controls";
import { Icon } from "~/ui/icon";
import { Bone, Message } from "~/ui/states";
import { useLineCounts } from "./counts";
import { useFiles } from "./data";
import { useDesk, useDeskState, useLike } from "./desk";
import { FilePane } from "./file-pane";
import { FileTree } from "./tree-view";

const elsewhere = viewport("file");

export default function FileSurface({ id, isShown, isNarrow }: { id: string; isShown: boolean; isNarrow: boolean }) {
  const files = useFiles(id);
  const threads = useThreads(id, null);
  const desk = useDeskState();
  const open = useDesk((state) => state.file);
  const side = useDesk((state) => state.side);
  const [hasTree, setTree] = useLike("hasTree");
  const presence = useSession((state) => state.presence);
  const myId = useSession((state) => state.you?.user_id ?? null);
  const counts = useLineCounts(id, files.items);
  useCommentNews(id);
  const people = useMemo(() => peopleByFile(presence.values(), myId), [presence, myId]);
  const comments = useMemo(() => openByFile(threads.threads), [threads.threads]);
  const openCount = [...comments.values()].reduce((sum, count) => sum + count, 0);
  // A link may name only the end of a path, or a name that the file had before.
  const file =
    open === null
      ? null
      : (files.items.find((one) => one.path === open) ??
        files.items.find((one) => one.old_path === open) ??
        files.items.find((one) => isSameFile(one.path, open)) ??
        null);
  useReportPlace(isShown && file === null ? elsewhere : null);

  if (files.isLoading) return <Loading />;
  if (files.error) {
    return (
      <Message icon="alert" title="The files could not be loaded" tone="bad">
        <p>{files.error.message}</p>
        <Button icon="retry" onClick={files.retry}>
          Try again
        </Button>
      </Message>
    );
  }
  if (files.items.length === 0) return <Empty />;

  const sideBar = (
    <aside
      aria-label="Files and comments"
      className={`bg-surface flex min-h-0 flex-col ${isNarrow ? "h-full w-full" : "border-line w-66 shrink-0 border-r xl:w-72"}`}
    >
      <div role="group" aria-label="What is listed" className="flex gap-1 px-2 py-2">
        <SideTab isOn={side === "files"} onClick={() => desk.show({ side: "files" })}>
          Files <span className="text-ink-faint tabular-nums">{files.items.length}</span>
        </SideTab>
        <SideTab isOn={side === "comments"} onClick={() => desk.show({ side: "comments" })}>
          Comments <span className="text-ink-faint tabular-nums">{openCount}</span>
        </SideTab>
      </div>
      {side === "files" ? (
        <FileTree
          files={files.items}
          notes={{ counts, comments, people }}
          open={file?.path ?? null}
          onOpen={(path) => desk.open(path)}
        />
      ) : (
        <CommentPanel found={threads} />
      )}
    </aside>
  );
  const pane = file ? (
    <FilePane
      id={id}
      file={file}
      counts={counts.get(file.path)}
      isShown={isShown}
      onBack={isNarrow ? () => desk.close() : null}
      onTree={isNarrow ? null : () => setTree(!hasTree)}
    />
  ) : open !== null ? (
    <NotShared path={open} />
  ) : (
    <Message icon="read" title="Choose a file">
      <p>Open one from the tree. You see what the agent changed, line by line, and can talk about it there.</p>
    </Message>
  );
  if (isNarrow) return open === null ? sideBar : pane;
  return (
    <div className="flex h-full min-h-0">
      {(hasTree || file === null) && sideBar}
      <div className="bg-surface flex min-h-0 min-w-0 flex-1 flex-col">{pane}</div>
    </div>
  );
}

function SideTab({ isOn, onClick, children }: { isOn: boolean; onClick: () => void; children: ReactNode }) {
  return (
    <button
      type="button"
      aria-pressed={isOn}
      onClick={onClick}
      className={`h-7 flex-1 rounded-control px-2 text-xs font-medium ${isOn ? "bg-selected text-ink" : "text-ink-soft hover:bg-hover"}`}
    >
      {children}
    </button>
  );
}

function NotShared({ path }: { path: string }) {
  const desk = useDeskState();
  return (
    <Message icon="file" title="This file is not shared">
      <p className="font-mono text-xs break-all">{path}</p>
      <Button onClick={() => desk.close()}>All files</Button>
    </Message>
  );
}

function Empty() {
  return (
    <Message icon="folder" title="No files are shared yet">
      <p>
        What the agent changes appears here live, as soon as somebody shares it from the folder that it works in:
      </p>
      <p className="bg-code border-line flex items-center justify-center gap-2 rounded-lg border px-3 py-2">
        <Icon name="terminal" size={14} className="text-ink-faint" />
        <code className="text-ink text-xs">cosession share --latest</code>
      </p>
      <p className="text-xs">Nothing outside of that folder is sent, and secrets are taken out before.</p>
    </Message>
  );
}

function Loading() {
  return (
    <div role="status" aria-label="Loading the files" className="flex h-full">
      <div className="border-line w-66 space-y-3 border-r p-3">
        {["w-2/3", "w-1/2", "w-3/4", "w-2/5", "w-3/5"].map((width) => (
          <Bone key={width} className={`h-3 ${width}`} />
        ))}
      </div>
    </div>
  );
}
