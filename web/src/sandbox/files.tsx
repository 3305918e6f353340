/** Files: those of a message as the channel shows them, and those that wait in the composer. */
import { useContext } from "react";
import { NamesContext } from "./text";
import type { SharedFile } from "./types";

/** What the page's server shows by itself; everything else is saved. */
const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

export function sizeOf(bytes: number): string {
  if (bytes >= 1024 * 1024) return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
  return bytes >= 1024 ? `${Math.round(bytes / 1024)} KB` : `${bytes} bytes`;
}

export function MessageFiles({ files }: { files: SharedFile[] | undefined }) {
  const { me } = useContext(NamesContext);
  if (!files?.length) return null;
  return (
    <ul className="sb-files" aria-label="Files">
      {files.map((file, index) => (
        <li key={file.id ?? index}><Shared file={file} me={me} /></li>
      ))}
    </ul>
  );
}

function Shared({ file, me }: { file: SharedFile; me: string }) {
  if (file.mode === "tombstone" || !file.id || !file.name) return <span className="sb-gone">This file was deleted.</span>;
  const address = `/sandbox/slack/ui/files/${encodeURIComponent(file.id)}?${new URLSearchParams({ user: me })}`;
  const isPicture = PICTURES.includes(file.mimetype ?? "");
  return (
    <a className={isPicture ? "sb-picture" : "sb-file"} href={address} target="_blank" rel="noreferrer" download={isPicture ? undefined : file.name}>
      {isPicture && <img src={address} alt={file.alt_txt || file.name} loading="lazy" />}
      <span>{file.title || file.name} <small>{sizeOf(file.size ?? 0)}</small></span>
    </a>
  );
}

export function Waiting({ files, onRemove }: { files: File[]; onRemove: (index: number) => void }) {
  if (!files.length) return null;
  return (
    <ul className="sb-waiting" aria-label="Files to send">
      {files.map((file, index) => (
        <li key={`${file.name} ${index}`}>
          {file.name} <small>{sizeOf(file.size)}</small>{" "}
          <button type="button" className="sb-text-button" aria-label={`Remove ${file.name}`} onClick={() => onRemove(index)}>✕</button>
        </li>
      ))}
    </ul>
  );
}
