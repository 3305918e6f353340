/** A modal dialog on the browser's own element: it traps focus, closes on Escape and gives focus back. */
import { type ReactNode, useEffect, useId, useRef } from "react";
import { IconButton } from "./controls";

export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      onClose={onClose}
      onCancel={onClose}
      onClick={(event) => event.target === ref.current && onClose()}
      onKeyDown={(event) => event.stopPropagation()}
      className="bg-raised text-ink border-line shadow-raised rounded-card m-auto w-[min(28rem,calc(100vw-2rem))] border p-0 backdrop:bg-black/40"
    >
      <div className="p-5">
        <div className="mb-4 flex items-center justify-between gap-4">
          <h2 id={id} className="text-lg font-semibold">
            {title}
          </h2>
          <IconButton icon="close" label="Close" onClick={onClose} className="-mr-1.5" />
        </div>
        {children}
      </div>
    </dialog>
  );
}
