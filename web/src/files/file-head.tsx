/** Above an open file: its path, what became of it, and how it is shown. */
import type { RefObject } from "react";
import { say } from "~/lib/toast";
import type { FileVersion, FileView } from "~/session/protocol";
import { Badge, IconButton } from "~/ui/controls";
import { Menu } from "~/ui/menu";
import { useCanComment } from "~/comments/thread-card";
import { Counts } from "~/transcript/file-row";
import type { CodeViewHandle } from "./code-view";
import { useDesk, useDeskState, useLike } from "./desk";
import { toHash } from "./link";
import { VersionPicker } from "./versions";

interface Props {
  file: FileView;
  versions: readonly FileVersion[];
  counts: { added: number; removed: number } | undefined;
  canSplit: boolean;
  hasText: boolean;
  handle: RefObject<CodeViewHandle | null>;
  onBack: (() => void) | null;
  onTree: (() => void) | null;
}

const tones = { added: "good", modified: "warn", deleted: "bad", renamed: "info" } as const;

export function FileHead({ file, versions, counts, canSplit, hasText, handle, onBack, onTree }: Props) {
  const slash = file.path.lastIndexOf("/") + 1;
  return (
    <header className="border-line bg-surface flex shrink-0 flex-wrap items-center gap-x-2 gap-y-1 border-b px-2 py-1.5">
      <div className="flex min-w-0 flex-1 basis-52 items-center gap-1.5">
        {onBack && <IconButton icon="back" label="All files" onClick={onBack} />}
        {onTree && <IconButton icon="sidebar" label="Show or hide the tree" onClick={onTree} />}
        <h2 className="min-w-0 truncate font-mono text-xs" title={file.path}>
          {file.old_path && file.change === "renamed" && <span className="text-ink-faint">{file.old_path} → </span>}
          <span className="text-ink-faint max-sm:hidden">{file.path.slice(0, slash)}</span>
          <span className="font-semibold">{file.path.slice(slash)}</span>
        </h2>
        {file.change !== "unchanged" && <Badge tone={tones[file.change]}>{file.change}</Badge>}
        {counts && <Counts added={counts.added} removed={counts.removed} />}
      </div>
      <div className="flex flex-wrap items-center gap-x-1.5 gap-y-1">
        <ModeSwitch />
        <Versions file={file} versions={versions} />
        <Tools canSplit={canSplit} hasText={hasText} file={file} handle={handle} />
      </div>
    </header>
  );
}

function ModeSwitch() {
  const desk = useDeskState();
  const mode = useDesk((state) => state.mode);
  return (
    <div role="group" aria-label="How the file is shown" className="bg-sunken flex rounded-control p-0.5">
      {(["file", "diff"] as const).map((name) => (
        <button
          key={name}
          type="button"
          aria-pressed={mode === name}
          onClick={() => desk.show({ mode: name })}
          className={`h-6 rounded-md px-2.5 text-xs font-medium ${mode === name ? "bg-raised text-ink shadow-sm" : "text-ink-soft hover:text-ink"}`}
        >
          {name === "file" ? "File" : "Changes"}
        </button>
      ))}
    </div>
  );
}

function Versions({ file, versions }: Pick<Props, "file" | "versions">) {
  const desk = useDeskState();
  const { mode, version, base } = useDesk((state) => state);
  if (mode === "file") {
    return (
      <VersionPicker label="Version" versions={versions} chosen={version} onChoose={(next) => desk.show({ version: next })} />
    );
  }
  const swap = () => desk.show({ base: version ?? file.version, version: base ?? file.base_version });
  const canSwap = (base ?? file.base_version) !== null && (version ?? file.version) !== null;
  return (
    <>
      <VersionPicker
        label="Compare from"
        versions={versions}
        chosen={base}
        whenNull={file.base_version === null ? "Nothing" : "First"}
        onChoose={(next) => desk.show({ base: next })}
      />
      <IconButton icon="swap" label="Swap both versions" disabled={!canSwap} onClick={swap} className="size-7" />
      <VersionPicker label="Compare to" versions={versions} chosen={version} onChoose={(next) => desk.show({ version: next })} />
    </>
  );
}

function Tools({ canSplit, hasText, file, handle }: Pick<Props, "canSplit" | "hasText" | "file" | "handle">) {
  const mode = useDesk((state) => state.mode);
  const version = useDesk((state) => state.version);
  const [wraps, setWraps] = useLike("wraps");
  const [isSplit, setSplit] = useLike("isSplit");
  const canComment = useCanComment();
  const copyLink = async () => {
    const lines = handle.current?.lines() ?? null;
    const hash = toHash({ file: file.path, line: lines?.from ?? null, end_line: lines?.to ?? null, version });
    try {
      await navigator.clipboard.writeText(`${location.origin}${location.pathname}${hash}`);
      say(`The link to ${file.path}${lines ? `:${lines.from}` : ""} is copied.`);
    } catch {
      // Without HTTPS the browser offers no clipboard: the address bar holds the link instead.
      history.replaceState(history.state, "", hash);
      say("The link is in the address bar now: copy it from there.");
    }
  };
  return (
    <>
      {mode === "diff" && canSplit && (
        <IconButton
          icon={isSplit ? "split" : "unified"}
          label={isSplit ? "Show in one column" : "Show side by side"}
          aria-pressed={isSplit}
          onClick={() => setSplit(!isSplit)}
          className="size-7"
        />
      )}
      <IconButton
        icon="wrap"
        label="Wrap long lines"
        aria-pressed={wraps}
        onClick={() => setWraps(!wraps)}
        className={`size-7 ${wraps ? "bg-selected text-ink!" : ""}`}
      />
      <IconButton
        icon="search"
        label="Search in this file"
        disabled={!hasText}
        onClick={() => handle.current?.search()}
        className="size-7"
      />
      <Menu
        icon="more"
        label="More about this file"
        items={[
          { icon: "link", label: "Copy link to line", onChoose: () => void copyLink() },
          ...(canComment && hasText
            ? [{ icon: "comment", label: "Comment on the cursor’s line", onChoose: () => handle.current?.comment() } as const]
            : []),
        ]}
      />
    </>
  );
}
