/** The files that came with a message: pictures as such, everything else as a line that downloads it. */
import { useState } from "react";
import type { MessageFile } from "~/protocol.gen";
import { Icon } from "~/ui/icon";
import { PictureDialog } from "./picture-dialog";
import { addressOfFile, fitted, isPicture, sizeInWords } from "./sizes";

const WIDTH = 280;
const HEIGHT = 220;

export function MessageFiles({ sessionId, files }: { sessionId: string; files: readonly MessageFile[] }) {
  const [shown, show] = useState<number | null>(null);
  const [broken, setBroken] = useState<ReadonlySet<string>>(new Set());
  const pictures = files.filter((file) => isPicture(file) && !broken.has(file.sha256));
  const others = files.filter((file) => !pictures.includes(file));
  return (
    <>
      {pictures.length > 0 && (
        <ul aria-label="Pictures" className="flex flex-wrap gap-1.5 py-1">
          {pictures.map((file, at) => (
            <li key={`${file.sha256} ${file.name}`} className="max-w-full">
              <button
                type="button"
                aria-label={`Enlarge ${file.name}`}
                title={file.name}
                onClick={() => show(at)}
                className="border-line block max-w-full overflow-hidden rounded-lg border"
              >
                <img
                  src={addressOfFile(sessionId, file)}
                  alt={file.name}
                  loading="lazy"
                  decoding="async"
                  {...fitted(file, pictures.length > 1 ? WIDTH / 2 : WIDTH, pictures.length > 1 ? HEIGHT / 2 : HEIGHT)}
                  onError={() => setBroken((before) => new Set(before).add(file.sha256))}
                  className="bg-sunken max-w-full object-contain"
                />
              </button>
            </li>
          ))}
        </ul>
      )}
      {others.length > 0 && (
        <ul aria-label="Files" className="flex flex-col gap-1 py-1">
          {others.map((file) => (
            <li key={`${file.sha256} ${file.name}`}>
              <a
                href={addressOfFile(sessionId, file)}
                download={file.name}
                className="border-line bg-surface hover:bg-hover flex max-w-full items-center gap-2 rounded-lg border px-2.5 py-1.5 text-xs"
              >
                <Icon name="file" size={16} className="text-ink-faint" />
                <span className="min-w-0 flex-1 truncate font-medium" title={file.name}>
                  {file.name}
                </span>
                <span className="text-ink-faint whitespace-nowrap">{sizeInWords(file.size)}</span>
                <Icon name="download" size={14} className="text-ink-soft" />
                <span className="sr-only">Download</span>
              </a>
            </li>
          ))}
        </ul>
      )}
      {shown !== null && pictures[shown] && (
        <PictureDialog sessionId={sessionId} pictures={pictures} at={shown} onGo={show} onClose={() => show(null)} />
      )}
    </>
  );
}
