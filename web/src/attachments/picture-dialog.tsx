/** A picture as large as the window lets it be; ← and → go through those of the same message, Escape closes. */
import { type KeyboardEvent, useEffect, useRef } from "react";
import type { MessageFile } from "~/protocol.gen";
import { IconButton } from "~/ui/controls";
import { Icon } from "~/ui/icon";
import { addressOfFile, sizeInWords } from "./sizes";

interface Props {
  sessionId: string;
  pictures: readonly MessageFile[];
  at: number;
  onGo: (at: number) => void;
  onClose: () => void;
}

export function PictureDialog({ sessionId, pictures, at, onGo, onClose }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  const file = pictures[at];
  if (!file) return null;
  const go = (by: number) => onGo((at + by + pictures.length) % pictures.length);
  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation();
    if (pictures.length < 2 || (event.key !== "ArrowLeft" && event.key !== "ArrowRight")) return;
    event.preventDefault();
    go(event.key === "ArrowRight" ? 1 : -1);
  };
  return (
    <dialog
      ref={ref}
      aria-label={file.name}
      onClose={onClose}
      onCancel={onClose}
      onClick={(event) => event.target === ref.current && onClose()}
      onKeyDown={onKeyDown}
      className="bg-raised text-ink border-line shadow-raised rounded-card m-auto max-h-[calc(100dvh-1.5rem)] max-w-[calc(100vw-1.5rem)] border p-0 backdrop:bg-black/60"
    >
      <div className="flex flex-col">
        <div className="flex items-center gap-1 p-2 pl-4">
          <h2 className="min-w-0 flex-1 truncate text-sm font-semibold">{file.name}</h2>
          <span className="text-ink-faint hidden text-xs whitespace-nowrap sm:block">
            {file.width} × {file.height}, {sizeInWords(file.size)}
          </span>
          {pictures.length > 1 && (
            <>
              <span className="text-ink-soft px-1 text-xs whitespace-nowrap" role="status">
                {at + 1} of {pictures.length}
              </span>
              <IconButton icon="back" label="Previous picture" onClick={() => go(-1)} />
              <IconButton icon="chevron" label="Next picture" onClick={() => go(1)} />
            </>
          )}
          <a
            href={addressOfFile(sessionId, file)}
            download={file.name}
            aria-label={`Download ${file.name}`}
            title="Download"
            className="text-ink-soft hover:bg-hover hover:text-ink rounded-control grid size-8 place-items-center"
          >
            <Icon name="download" />
          </a>
          <IconButton icon="close" label="Close" onClick={onClose} />
        </div>
        <img
          src={addressOfFile(sessionId, file)}
          alt={file.name}
          width={file.width ?? undefined}
          height={file.height ?? undefined}
          className="bg-sunken mx-auto h-auto max-h-[calc(100dvh-6rem)] w-auto max-w-full object-contain"
        />
      </div>
    </dialog>
  );
}
