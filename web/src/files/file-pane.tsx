/** One open file: its head, what is to be said about it, and its text or its changes. */
import { useMemo, useRef, useState } from "react";
import { OutdatedThreads } from "~/comments/outdated";
import { useThreads } from "~/comments/data";
import type { FileVersion, FileView } from "~/session/protocol";
import { clock, moment } from "~/lib/format";
import { useMedia } from "~/lib/hooks";
import { Button, Refusal } from "~/ui/controls";
import { Bone, Message } from "~/ui/states";
import { CodeView, type CodeViewHandle } from "./code-view";
import { useContents, useVersions } from "./data";
import { useDesk, useDeskState, useLike } from "./desk";
import { FileHead } from "./file-head";

interface Props {
  id: string;
  file: FileView;
  counts: { added: number; removed: number } | undefined;
  isShown: boolean;
  onBack: (() => void) | null;
  onTree: (() => void) | null;
}

/** What the editor shows: the contents of one version, and of the one that it is compared with. */
interface Held {
  path: string;
  version: string;
  baseVersion: string | null;
  text: string;
  baseText: string;
  isDiff: boolean;
}

export function FilePane({ id, file, counts, isShown, onBack, onTree }: Props) {
  const desk = useDeskState();
  const mode = useDesk((state) => state.mode);
  const pinned = useDesk((state) => state.version);
  const chosenBase = useDesk((state) => state.base);
  const wanted = useDesk((state) => state.thread);
  const [wraps] = useLike("wraps");
  const [isSplit] = useLike("isSplit");
  const isWide = useMedia("(min-width: 64rem)");
  const handle = useRef<CodeViewHandle | null>(null);
  const [setHandle] = useState(() => (next: CodeViewHandle | null) => {
    handle.current = next;
  });
  const versions = useVersions(id, file).data ?? [];

  const version = pinned ?? file.version;
  const baseVersion = chosenBase ?? file.base_version;
  const about = versions.find((one) => one.version === version);
  const isDiff = mode === "diff";
  const isBinary = about?.is_binary ?? file.is_binary;
  const contents = useContents(id, isBinary ? [] : [version, isDiff ? baseVersion : null]);
  const [text = null, baseText = null] = contents.texts;
  const isReady = version !== null && !isBinary && !contents.isLoading && contents.error === null;
  const current = useMemo(
    (): Held | null =>
      isReady ? { path: file.path, version, baseVersion, text: text ?? "", baseText: baseText ?? "", isDiff } : null,
    [isReady, file.path, version, baseVersion, text, baseText, isDiff],
  );
  // While a newer version is on its way, the one before stays where it is: the editor carries the place over.
  const [held, hold] = useState(current);
  if (current !== null && held !== current) hold(current);
  const shown = current ?? (held?.path === file.path ? held : null);
  const seen = version === null || isBinary ? version : (shown?.version ?? version);
  const pathThen = versions.find((one) => one.version === seen)?.path ?? file.path;
  const comments = useThreads(id, { file: pathThen, version: seen });

  const body = () => {
    if (version === null) return <NoContent file={file} versions={versions} />;
    if (isBinary) return <Binary size={about?.size ?? file.size} />;
    if (contents.error) {
      return (
        <Message icon="alert" title="This version could not be loaded" tone="bad">
          <p>{contents.error.message}</p>
          <Button icon="retry" onClick={contents.retry}>
            Try again
          </Button>
        </Message>
      );
    }
    if (shown === null) return <Loading />;
    return (
      <CodeView
        key={file.path}
        path={file.path}
        pathThen={pathThen}
        version={shown.version}
        newest={file.version}
        text={shown.text}
        layout={shown.isDiff ? (isSplit && isWide ? "split" : "unified") : "file"}
        base={{ version: shown.baseVersion, text: shown.baseText }}
        wraps={wraps}
        isShown={isShown}
        threads={comments.threads}
        isStale={comments.isStale}
        isCurrent={current !== null}
        onHandle={setHandle}
      />
    );
  };

  return (
    <section aria-label={file.path} aria-busy={contents.isLoading} className="flex h-full min-w-0 flex-1 flex-col">
      <FileHead
        file={file}
        versions={versions}
        counts={counts}
        canSplit={isWide}
        hasText={version !== null && !isBinary}
        handle={handle}
        onBack={onBack}
        onTree={onTree}
      />
      {pinned !== null && pinned !== file.version && (
        <OldVersion about={about} versions={versions} onNewest={() => desk.show({ version: null })} />
      )}
      {comments.error && <Refusal className="m-2">Comments could not be loaded: {comments.error.message}</Refusal>}
      <OutdatedThreads threads={comments.threads} wanted={wanted} />
      {body()}
    </section>
  );
}

function OldVersion({
  about,
  versions,
  onNewest,
}: {
  about: FileVersion | undefined;
  versions: readonly FileVersion[];
  onNewest: () => void;
}) {
  const number = about ? versions.length - versions.indexOf(about) : null;
  return (
    <p role="status" className="bg-info-soft text-info border-line flex flex-wrap items-center gap-x-2 border-b px-3 py-1.5 text-xs">
      <span title={about ? moment(about.at) : undefined}>
        {about && number !== null
          ? `This is version ${number} of ${versions.length}, from ${clock(about.at)}.`
          : "This is not the newest version."}
      </span>
      <button type="button" onClick={onNewest} className="rounded font-medium underline underline-offset-2">
        Go to the newest
      </button>
    </p>
  );
}

function NoContent({ file, versions }: { file: FileView; versions: readonly FileVersion[] }) {
  const desk = useDeskState();
  const last = versions.find((one) => one.version !== null);
  const isDeleted = file.change === "deleted";
  return (
    <Message icon={isDeleted ? "trash" : "file"} title={isDeleted ? "This file was deleted" : "This file is not shown"}>
      <p>
        {isDeleted
          ? `It was deleted at ${clock(file.changed_at)}. Its versions before that are still here.`
          : `${file.reason || "Its content was not shared."} It has ${size(file.size)}.`}
      </p>
      {last?.version && (
        <Button icon="history" onClick={() => desk.show({ version: last.version, mode: "file" })}>
          Show its last version
        </Button>
      )}
    </Message>
  );
}

function Binary({ size: bytes }: { size: number }) {
  return (
    <Message icon="file" title="This is no text">
      <p>A binary file of {size(bytes)}. There is nothing to read or to compare by lines.</p>
    </Message>
  );
}

function size(bytes: number): string {
  if (bytes < 1_024) return `${bytes} bytes`;
  if (bytes < 1_048_576) return `${(bytes / 1_024).toFixed(1)} KiB`;
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

function Loading() {
  return (
    <div role="status" aria-label="Loading the file" className="flex-1 space-y-2.5 px-12 py-4">
      {["w-1/3", "w-1/2", "w-2/5", "w-3/5", "w-1/4", "w-1/2", "w-1/3", "w-2/3"].map((width, at) => (
        <Bone key={at} className={`h-3 ${width}`} />
      ))}
    </div>
  );
}
